"""Bring results that older versions wrote to today's format: python tools/convert_results.py FOLDER ...

It reads every JSON file in the folders and below, and rewrites those of `neuraltape reproduce` (neuraltape-result-1),
`sweep` (neuraltape-trial-1) and `questions` (neuraltape-questions-1). Other files stay as they are.
"""

import json
import sys
from pathlib import Path
from typing import Any

from neuraltape.settings.differences import settings_in
from neuraltape.study.result import Result

ERRORS = ("loss", "train", "validation", "test")


def converted(values: dict[str, Any]) -> dict[str, Any] | None:
    """The fields of today's format; None: it is another kind of file."""
    values = dict(values)
    kind = values.pop("format", None)
    if kind == "neuraltape-result-1":
        del values["digest"]
        return values
    if kind == "neuraltape-questions-1":
        return {**values, "task": "questions", "errors": {name: values.pop(name) for name in ERRORS}}
    if kind == "neuraltape-trial-1":
        config, name, optimum = (values.pop(each) for each in ("config", "name", "optimum"))
        seed = config["seed"]
        excess = None if optimum is None else values["bits"] - optimum
        shared = {"recipe": name.removesuffix(f"-seed-{seed}"), "task": config["task"], "seed": seed}
        # Which version it was is not in the file.
        return {**shared, **values, "settings": settings_in(config), "excess": excess, "version": "0.1.0"}
    return None


def main(folders: list[str]) -> None:
    """Rewrite the files."""
    for folder in folders:
        for path in sorted(Path(folder).rglob("*.json")):
            values = json.loads(path.read_text(encoding="utf-8"))
            new = converted(values) if isinstance(values, dict) else None
            if new is not None:
                Result.from_values(new).save(path)
                print(path)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python tools/convert_results.py FOLDER ...")
    main(sys.argv[1:])
