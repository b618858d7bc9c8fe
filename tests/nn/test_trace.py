"""A trace holds what the normal forward pass does, and survives a round trip through a file."""

import dataclasses

import pytest
import torch
from safetensors.torch import save_file

from neuraltape import NTM, Trace
from neuraltape.functional import activate, address, read, write


def traced(generator, *, lengths=None, batch_first=False):
    torch.manual_seed(0)
    options = {"memory_slots": 7, "memory_width": 5, "read_heads": 2, "write_heads": 3}
    ntm = NTM(3, 6, 4, batch_first=batch_first, **options).double()
    x = torch.randn(6, 4, 3, generator=generator, dtype=torch.float64)
    return ntm, x, ntm.trace(x.transpose(0, 1) if batch_first else x, lengths=lengths)


@pytest.mark.parametrize("lengths", [None, [6, 2, 1, 4]])
def test_outputs_and_final_weightings_equal_those_of_the_forward_pass(lengths, generator):
    ntm, x, trace = traced(generator, lengths=lengths)
    outputs, state = ntm(x, lengths=lengths)
    torch.testing.assert_close(trace.outputs, outputs.detach(), rtol=1e-9, atol=1e-11)
    for row, length in enumerate(lengths or [6] * 4):
        last = length - 1
        torch.testing.assert_close(trace.read_weights[last, row], state.access.read_weights[row], rtol=1e-9, atol=1e-11)
        torch.testing.assert_close(
            trace.write_weights[last, row], state.access.write_weights[row], rtol=1e-9, atol=1e-11
        )
        torch.testing.assert_close(trace.memory[last, row], state.access.memory[row], rtol=1e-9, atol=1e-11)
        torch.testing.assert_close(trace.reads[last, row], state.access.reads[row], rtol=1e-9, atol=1e-11)
    assert not trace.outputs.requires_grad


def test_the_parts_of_a_step_fit_together(generator):
    ntm, _, trace = traced(generator)
    for t in range(1, 6):
        interface = type(trace.interface)(*(part[t] for part in trace.interface))
        for came, wanted in zip(interface, activate(type(interface)(*(part[t] for part in trace.raw))), strict=True):
            torch.testing.assert_close(came, wanted)
        heads = [part[:, 2:] for part in interface[:5]]
        stages = address(trace.memory[t - 1], trace.write_weights[t - 1], *heads, ntm.layout.offsets, stages=True)
        for came, wanted in zip(trace.write_stages, stages, strict=True):
            torch.testing.assert_close(came[t], wanted)
        memory = write(trace.memory[t - 1], stages.weights, interface.erase, interface.add)
        torch.testing.assert_close(trace.memory[t], memory)
        torch.testing.assert_close(trace.reads[t], read(memory, trace.read_weights[t]))


def test_batch_first_changes_the_input_only(generator):
    _, _, time_first = traced(generator)
    _, x, batch_first = traced(torch.Generator().manual_seed(0), batch_first=True)
    assert torch.equal(time_first.outputs, batch_first.outputs)
    assert torch.equal(batch_first.inputs, x)


def test_a_file_gives_back_the_trace(tmp_path, generator):
    ntm, x, trace = traced(generator, lengths=[6, 2, 1, 4])
    for original in (trace, ntm.trace(x, targets=torch.ones(6, 4, 2))):
        original.save(tmp_path / "trace.safetensors")
        loaded = Trace.load(tmp_path / "trace.safetensors")
        assert loaded.heads == ("read 1", "read 2", "write 1", "write 2", "write 3")
        assert loaded.shift_offsets == (-1, 0, 1)
        for field in dataclasses.fields(Trace):
            torch.testing.assert_close(getattr(loaded, field.name), getattr(original, field.name), rtol=0, atol=0)


def test_a_file_that_is_no_trace_is_named(tmp_path):
    with pytest.raises(ValueError, match="path must be a trace file"):
        Trace.load(tmp_path / "nothing")
    save_file({"a": torch.ones(1)}, tmp_path / "other")
    with pytest.raises(ValueError, match="other is no trace"):
        Trace.load(tmp_path / "other")
    (tmp_path / "broken").write_bytes(b"\x00" * 7)
    with pytest.raises(ValueError, match="broken is no trace"):
        Trace.load(tmp_path / "broken")


def test_a_trace_holds_copies(tmp_path, generator):
    ntm, x, _ = traced(generator)
    trace = ntm.trace(x, targets=x)
    # A file can't hold one tensor under two names.
    trace.save(tmp_path / "trace.safetensors")
    before = x.clone()
    x.zero_()
    assert torch.equal(trace.inputs, before)
    assert trace.targets is not None
    assert torch.equal(trace.targets, before)
