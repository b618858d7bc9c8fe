"""The results of one run as Markdown and as JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.check import Finding
from benchmarks.machine import in_words
from benchmarks.table import Table

HEAD = """# Benchmarks

{machine}

Made by `make bench`: one process, the sides in turn in every round. Each figure is the median of all rounds, with the
quartiles behind it. A training step is forward, loss, backward, clipping by the norm and a fused Adam on flat
parameters, the same for every PyTorch side; the JAX side is one compiled function that does the same. float32.
"""


def markdown(machine: Mapping[str, Any], findings: list[Finding], tables: list[Table]) -> str:
    """The whole page."""
    checks = "\n".join(f"- {finding}" for finding in findings)
    checked = f"## Checked before anything was measured, against the reference in float64\n\n{checks}\n"
    return "\n".join([HEAD.format(machine=in_words(machine)), *(table.markdown() for table in tables), checked])


def plain(machine: Mapping[str, Any], findings: list[Finding], tables: list[Table]) -> dict[str, Any]:
    """Everything as JSON can hold it. A spread is its median, its quartiles and how many rounds there were."""
    checks = [{"what": finding.what, "error": finding.error, "bound": finding.bound} for finding in findings]
    return {"machine": dict(machine), "checks": checks, "tables": [table.plain() for table in tables]}


def write(output: Path, machine: Mapping[str, Any], findings: list[Finding], tables: list[Table]) -> tuple[Path, Path]:
    """Write `output` with the endings .json and .md; returns both paths."""
    output.parent.mkdir(parents=True, exist_ok=True)
    as_json, as_markdown = output.with_suffix(".json"), output.with_suffix(".md")
    as_json.write_text(json.dumps(plain(machine, findings, tables), indent=1) + "\n", encoding="utf-8")
    as_markdown.write_text(markdown(machine, findings, tables), encoding="utf-8")
    return as_json, as_markdown
