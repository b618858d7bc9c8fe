"""The first use on a device, here in Triton's interpreter on the CPU: what it lets pass and what not."""

import pytest
import torch

from tests.kernels.machines import dnc_spec_of, lrua_spec_of, spec_of
from tests.kernels.triton.conftest import needs

needs(interpreter=True)

from neuraltape.kernels.triton.engine import trial  # noqa: E402

CPU = torch.device("cpu")
SPEC = spec_of("gru", hidden=3, slots=4, width=2)
OTHERS = {
    "lrua": lrua_spec_of(hidden=3, slots=4, width=2),
    "dnc": dnc_spec_of(hidden=3, slots=4, width=2, links=False, masked=True),
}


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    trial.tried.cache_clear()
    # Still more steps than a segment has.
    monkeypatch.setattr(trial, "TIME", 3)


def test_kernels_that_agree_pass_and_are_tried_once(monkeypatch):
    assert trial.tried(CPU, SPEC) is None
    monkeypatch.setattr(trial, "_by_kernels", lambda *_: pytest.fail("tried again"))
    assert trial.tried(CPU, SPEC) is None


@pytest.mark.parametrize("access", OTHERS)
def test_every_access_is_tried(access):
    assert trial.tried(CPU, OTHERS[access]) is None


def test_slots_that_are_used_alike_are_tried():
    """In what a step compares, which is the usage after it has counted what was written and freed."""
    spec = OTHERS["dnc"]
    *_, state, start = trial._drawn(spec)
    for drawn in (state, start):
        named = dict(zip([name for name, _ in trial.state_shapes(spec, trial.BATCH)], drawn, strict=True))
        usage, last = named["usage"], named["write_weights"].flatten(1)
        assert ((usage + last - usage * last) == 0).sum(1).min() >= 2


@pytest.mark.parametrize(
    "around",
    [
        torch.inference_mode,
        torch.no_grad,
        lambda: torch.autocast("cpu", dtype=torch.bfloat16),
        lambda: torch.device("meta"),
    ],
)
def test_what_is_around_the_first_call_does_not_decide(around):
    with around():
        assert trial.tried(CPU, SPEC) is None


def test_any_result_that_differs_is_said(monkeypatch):
    exact = trial._by_reference(SPEC)
    for i in (0, 3, len(exact) - 1):
        for wrong in (exact[i] * 1.01, exact[i] * torch.nan):
            trial.tried.cache_clear()
            monkeypatch.setattr(trial, "_by_kernels", lambda *_, i=i, wrong=wrong: [*exact[:i], wrong, *exact[i + 1 :]])
            assert "differ from the reference's" in str(trial.tried(CPU, SPEC))


def test_what_a_compiler_or_a_device_raises_is_said(monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("out of resource: shared memory\nand a page more")

    monkeypatch.setattr(trial, "sequence_forward", fail)
    assert trial.tried(CPU, SPEC) == "the kernels could not be run (RuntimeError: out of resource: shared memory)"
