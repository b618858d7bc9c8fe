"""A request to the explorer that can be answered, and others that differ from it."""

from typing import Any

VECTORS = [[1, 0, 1, 0], [0, 1, 1, 0], [1, 1, 1, 1]]
JSON = {"content-type": "application/json"}
RUN = {"machine": "model:copy", "draft": {"vectors": VECTORS}}


def ask(client: Any, path: str = "/api/run", **changes: Any) -> Any:
    """The answer to that request with these changes."""
    return client.post(path, json=RUN | changes)
