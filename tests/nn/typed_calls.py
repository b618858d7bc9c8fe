"""What a type checker makes of calls; `make check` has pyright look at it, and a test that it runs."""

from typing import assert_type

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from neuraltape.nn import (
    MANN,
    NTM,
    Bidirectional,
    BidirectionalState,
    LSTMBaseline,
    LSTMState,
    Machine,
    MachineState,
    Stacked,
    StackedState,
)


def run() -> None:
    """Call each machine in each form."""
    ntm, x = NTM(3, 5, 2), torch.zeros(4, 2, 3)
    assert_type(ntm(x), tuple[Tensor, MachineState])
    assert_type(ntm(pack_sequence([x[:, 0]])), tuple[PackedSequence, MachineState])
    assert_type(ntm(x, None, lengths=[4, 2]), tuple[Tensor, MachineState])
    assert_type(ntm.step(x[0]), tuple[Tensor, MachineState])
    assert_type(ntm.initial_state(2), MachineState)
    assert_type(ntm.initial_state(2).detach(), MachineState)
    assert_type(MANN(3, 5, 2)(x), tuple[Tensor, MachineState])
    own: Machine = ntm
    assert_type(own(x), tuple[Tensor, MachineState])
    assert_type(LSTMBaseline(3, 5, 2)(x), tuple[Tensor, LSTMState])
    assert_type(LSTMBaseline(3, 5, 2)(x)[1].hidden, Tensor)
    assert_type(Stacked(ntm)(x), tuple[Tensor, StackedState])
    assert_type(Bidirectional(ntm, MANN(3, 5, 2))(x), tuple[Tensor, BidirectionalState])
