import torch

from neuraltape import NTM
from neuraltape.kernels.reference import loop


def test_a_first_call_compiles_without_a_graph_break(monkeypatch):
    monkeypatch.setattr(loop, "_found", {})
    model, x = NTM(3, 5, 2, memory_slots=4, memory_width=3, backend="reference"), torch.randn(3, 2, 3)
    got = torch.compile(model, fullgraph=True, backend="eager")(x)[0]
    assert torch.equal(got, model(x)[0])
