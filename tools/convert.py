"""Bring what an earlier version wrote into today's formats: python tools/convert.py FOLDER...

Every file below the folders that it knows is converted in its place; one that is as it should be is left alone.
"""

import json
import sys
from pathlib import Path
from typing import Any

from neuraltape.nn.pretrained import CONFIG, FORMAT
from neuraltape.runs.files import write_atomically

RENAMED = {"heads": "read_heads", "num_layers": "controller_layers"}


def model_arguments(values: dict[str, Any]) -> dict[str, Any]:
    """What `config.json` holds today, of what it held before it had a format: the constructor's arguments alone."""
    if "hops" in values:
        machine = "memory-network"
    elif "controller" not in values:
        machine = "lstm"
    else:
        machine = "mann" if "usage_decay" in values else "ntm"
    arguments = {RENAMED.get(name, name): value for name, value in values.items()}
    return {"format": FORMAT, "machine": machine, **dict(sorted(arguments.items()))}


def convert_models(folder: Path) -> None:
    """Convert every `config.json` below a folder."""
    for path in sorted(folder.rglob(CONFIG)):
        values = json.loads(path.read_text(encoding="utf-8"))
        if "format" not in values:
            write_atomically(path, (json.dumps(model_arguments(values), indent=2) + "\n").encode())
            print(path)


def main(folders: list[str]) -> None:
    """Convert everything below these folders."""
    for folder in folders:
        convert_models(Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:] or sys.exit(__doc__))
