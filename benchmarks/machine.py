"""What the machine is that measures: never its name, an address or a path."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("neuraltape", "torch", "numpy", "numba", "jax")


def describe() -> dict[str, Any]:
    """Processor, threads, versions and how busy the machine is before the run."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        # Of OpenMP's idle threads, for all sides alike.
        "wait_policy": os.environ.get("OMP_WAIT_POLICY", "not set"),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.system(),
        "python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
    }


def in_words(machine: Mapping[str, Any]) -> str:
    """One line for the table."""
    versions = ", ".join(f"{name} {machine[name]}" for name in ("python", *PACKAGES) if machine[name])
    return (
        f"{machine['processor']} ({machine['vectors']}), {machine['cores']} cores, {machine['threads']} threads, "
        f"OMP_WAIT_POLICY {machine['wait_policy']}, {machine['system']}; {versions}; "
        f"{machine['date']}; load before the run {machine['load_before']}."
    )


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
