"""One training with one seed, of whichever study: what it is made with, where it and its result are, how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from neuraltape.runs.directory import CONFIG
from neuraltape.settings import Settings
from neuraltape.settings.differences import compare, settings_of
from neuraltape.settings.fields import mapping_in
from neuraltape.settings.settings import flattened
from neuraltape.study.processes import Job
from neuraltape.study.progress import progress_of
from neuraltape.study.result import Result, name_of
from neuraltape.study.store import Store


class Standing(NamedTuple):
    """How far a trial is."""

    state: Literal["new", "unfinished", "done", "stale"]
    """Nothing is there; a run that can be gone on with; a result; a result or a run that is out of date."""
    why: str = ""
    """What is out of date."""
    result: Result | None = None
    """What came of it, where it is done."""


@dataclass(frozen=True)
class Trial:
    """One training with one seed."""

    recipe: str
    """What it shares with its other seeds: the name of a recipe, or settings in words."""
    seed: int
    """The seed of the training."""
    settings: Mapping[str, Any]
    """Everything else that decides what it learns."""
    defaults: Mapping[str, Any]
    """What those settings are where nobody says otherwise."""
    runs: Store
    """The store that holds its run directory."""
    results: Store
    """The store that holds its result."""
    command: tuple[str, ...]
    """What makes it and writes its result, as after `python -m`."""
    varied: Mapping[str, Any] = field(default_factory=dict)
    """The settings that tell it from the other trials of a sweep."""
    probes: tuple[str, ...] = ()
    """The names of what it is to be scored on after the training."""
    budget: int = 0
    """The sequences that it may be trained on."""
    cpus: int = 1
    """Processors that it takes on a cluster."""
    gpus: int = 0
    """GPUs that it takes there."""

    @property
    def name(self) -> str:
        """What its run directory is called, and its result, with ".json"."""
        return name_of(self.recipe, self.seed)

    def look(self) -> Standing:
        """See what is there.

        Raises:
            ValueError: the file that should be its result is none.
        """
        result = self.find_result()
        if result is not None:
            changes = self.changes(result)
            return Standing("stale", "; ".join(changes)) if changes else Standing("done", result=result)
        config = self.runs.read(f"{self.name}/{CONFIG}")
        if config is None:
            return Standing("new")
        if self.is_begun_in(config):
            return Standing("unfinished")
        return Standing("stale", f"{self.runs.path(self.name)} was made with other settings")

    def find_result(self) -> Result | None:
        """Its result, whatever it was made with; None: there is none. Raises ValueError for a file that is none."""
        data = self.results.read(f"{self.name}.json")
        if data is None:
            return None
        try:
            return Result.from_json(data)
        except ValueError as error:
            raise ValueError(f"{self.results.path(self.name)}.json: {error}") from error

    def changes(self, result: Result) -> list[str]:
        """What is out of date in a result, a phrase each; nothing: it would be made the same way today."""
        changes = compare(result.settings, self.settings, self.defaults)
        if not changes and self.probes and result.probes != self.probes:
            return [f"it was measured on {', '.join(result.probes) or 'nothing'}"]
        return changes

    def is_begun_in(self, config: bytes) -> bool:
        """Whether a run directory with this configuration can be gone on with."""
        try:
            found = Settings.from_flat(flattened(mapping_in(config, CONFIG)))
        except ValueError:
            return False
        return found.loop.seed == self.seed and not compare(settings_of(found), self.settings, self.defaults)

    def job(self, logs: Path) -> Job:
        """What makes it, or goes on with it; `logs` is the folder for what it prints."""
        progress = progress_of(self.runs, self.name)
        return Job(self.name, self.command, logs / f"{self.name}.log", progress, self.cpus, self.gpus)
