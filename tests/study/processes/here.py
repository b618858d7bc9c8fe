"""What `run_jobs` does, in this process, which has imported everything."""

import runpy
import sys
from collections.abc import Iterable

import pytest

from neuraltape.cli.main import main
from neuraltape.study.processes import Job, Outcome, View


def run_here(jobs: Iterable[Job], *, at_once: int, view: View, retries: int = 0) -> list[Outcome]:
    outcomes = []
    for job in jobs:
        outcome = attempt(job, 1)
        while outcome.state == "failed" and outcome.attempts <= retries:
            outcome = attempt(job, outcome.attempts + 1)
        outcomes.append(outcome)
    return outcomes


def attempt(job: Job, number: int) -> Outcome:
    module, *words = job.command
    code = main(words) if module == "neuraltape" else run_module(module, words)
    return Outcome(job, "failed" if code else "done", 1.0, "no luck" if code else "", number)


def run_module(module: str, words: list[str]) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [module, *words])
        try:
            runpy.run_module(module, run_name="__main__")
        except SystemExit as error:
            return error.code if isinstance(error.code, int) else 1
    return 0
