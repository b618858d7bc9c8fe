from dataclasses import fields

import torch

from neuraltape.functional import split_interface
from neuraltape.nn import MANN, NTM, LSTMBaseline
from neuraltape.settings.model_config import ModelConfig
from neuraltape.tasks import Copy
from neuraltape.training.models import build_model


def test_every_field_reaches_the_machine() -> None:
    config = ModelConfig(
        hidden_size=7,
        memory_slots=6,
        memory_width=5,
        read_heads=2,
        write_heads=3,
        controller="gru",
        controller_layers=2,
        shift_offsets=(0, 2),
        memory_init="learned",
        train_initial_memory=True,
        train_initial_weights=True,
        train_initial_reads=True,
        backend="reference",
    )
    model = build_model(config, Copy(bits=4))
    assert isinstance(model, NTM)
    assert (model.input_size, model.output_size) == (5, 4)
    for field in fields(config):
        not_the_machines = ("model", "training_slots", "most_training_slots", "usage_decay")
        if field.name not in not_the_machines and not field.name.endswith("_bias"):
            assert tuple_like(model.config[field.name]) == tuple_like(getattr(config, field.name)), field.name


def test_the_gates_of_all_heads_start_at_their_bias() -> None:
    model = build_model(ModelConfig(hidden_size=7, read_heads=2, gate_bias=-2.5), Copy(bits=4))
    assert isinstance(model, NTM)
    bias = model.access.interface.bias
    assert split_interface(bias[None], model.layout).gate.tolist() == [[-2.5] * 3]
    assert bias.count_nonzero() == 3


def test_the_write_heads_start_at_biases_of_their_own() -> None:
    config = ModelConfig(
        read_heads=2,
        write_heads=2,
        shift_offsets=(1, 3, 0),
        gate_bias=1.0,
        write_gate_bias=-3.0,
        write_shift_bias=2.0,
    )
    model = build_model(config, Copy(bits=4))
    assert isinstance(model, NTM)
    bias = model.access.interface.bias
    start = split_interface(bias[None], model.layout)
    assert start.gate.tolist() == [[1.0, 1.0, -3.0, -3.0]]
    assert start.shift.tolist() == [[[0.0] * 3] * 2 + [[2.0, 0.0, 0.0]] * 2]
    assert bias.count_nonzero() == 6


def test_write_heads_with_these_biases_start_by_filling_slot_after_slot() -> None:
    torch.manual_seed(0)
    config = ModelConfig(memory_slots=16, write_gate_bias=-5.0, write_shift_bias=5.0)
    model = build_model(config, Copy(bits=4))
    assert isinstance(model, NTM)
    weights = model.trace(torch.ones(8, 1, 5)).write_weights[:, 0, 0]
    assert weights.argmax(-1).tolist() == [1, 2, 3, 4, 5, 6, 7, 8]


def tuple_like(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def test_the_baseline_takes_its_sizes() -> None:
    model = build_model(ModelConfig(model="lstm", hidden_size=7, controller_layers=3), Copy(bits=4))
    assert isinstance(model, LSTMBaseline)
    assert (model.input_size, model.hidden_size, model.output_size, model.controller_layers) == (5, 7, 4, 3)


def test_the_machine_for_one_example_takes_its_sizes() -> None:
    sizes = {"hidden_size": 7, "memory_slots": 6, "memory_width": 5, "read_heads": 2, "usage_decay": 0.8}
    model = build_model(ModelConfig(model="mann", controller="gru", controller_layers=2, **sizes), Copy(bits=4))
    assert isinstance(model, MANN)
    assert (model.input_size, model.hidden_size, model.output_size, model.memory_slots) == (5, 7, 4, 6)
    assert (model.layout.heads, model.layout.width, model.layout.usage_decay) == (2, 5, 0.8)
    assert (model.controller.cell, model.controller.layers) == ("gru", 2)
