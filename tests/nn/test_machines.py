"""The table of machines: every kind is built, saved, loaded and recognised through it."""

import ast
import inspect
from collections import Counter
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest
import torch
from torch import nn

from neuraltape.nn import (
    DNC,
    MACHINES,
    MANN,
    NTM,
    DNCConfig,
    LSTMBaseline,
    LSTMConfig,
    MANNConfig,
    MemoryNetworkConfig,
    NTMConfig,
    SAMConfig,
    kind_of,
    load_machine,
    resizable,
    traceable,
)

SIZES = {"input_size": 5, "output_size": 4, "vocabulary_size": 9}
# Say how a machine is called, or where it lies, which is no setting of a training.
OF_THE_CONSTRUCTOR = {"self", "batch_first", "device", "dtype", *SIZES}

every_kind = pytest.mark.parametrize("kind", MACHINES.values(), ids=MACHINES)


def built(kind, **settings):
    return kind.build(kind.config(**settings), *(SIZES[name] for name in kind.sizes))


@every_kind
def test_settings_and_constructor_have_the_same_names_and_defaults(kind):
    arguments = inspect.signature(kind.machine.__init__).parameters
    settings = {each.name: each.default for each in fields(kind.config)}
    assert set(arguments) - OF_THE_CONSTRUCTOR == set(settings)
    for name, argument in arguments.items():
        if name in settings and argument.default is not inspect.Parameter.empty:
            assert argument.default == settings[name], name


@every_kind
def test_only_sizes_are_positional(kind):
    arguments = inspect.signature(kind.machine.__init__).parameters.values()
    positional = [each.name for each in arguments if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert positional in (
        ["self", "input_size", "hidden_size", "output_size"],
        ["self", "vocabulary_size", "width"],
    )
    assert not [each.name for each in arguments if each.kind is inspect.Parameter.VAR_KEYWORD]


@every_kind
def test_every_setting_reaches_the_machine(kind):
    other = {
        "hidden_size": 7,
        "memory_slots": 6,
        "memory_width": 3,
        "read_heads": 2,
        "write_heads": 3,
        "controller": "gru",
        "controller_layers": 2,
        "shift_offsets": (0, 1),
        "memory_init": "random",
        "train_initial_memory": True,
        "train_initial_weights": True,
        "train_initial_reads": True,
        "input_scale": 2.0,
        "embedding_size": 3,
        "usage_decay": 0.5,
        "sparse_reads": 3,
        "sparse_links": 2,
        "links": False,
        "masked": True,
        "wipe": True,
        "layer_norm": True,
        "bypass_dropout": 0.5,
        "width": 8,
        "slots": 6,
        "hops": 2,
        "sharing": "layer-wise",
        "sentence_length": 5,
        "backend": "reference",
    }
    # What is sharpened are the links, which the other value of `links` takes away; the others are an LSTM's.
    other_than = ("sharpen_links", "linear_units", "one_late")
    settings = {each.name: other[each.name] for each in fields(kind.config) if each.name not in other_than}
    assert all(settings[each.name] != each.default for each in fields(kind.config) if each.name in settings)
    machine = built(kind, **settings)
    assert {name: machine.made_with[name] for name in settings} == settings


@every_kind
def test_a_saved_machine_is_loaded_and_recognised_by_its_kind(kind, tmp_path):
    machine = built(kind)
    machine.save_pretrained(tmp_path)
    again = load_machine(tmp_path)
    assert kind_of(again) is kind
    assert type(again) is kind.machine
    for name, tensor in machine.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)


@every_kind
def test_settings_are_frozen(kind):
    config = kind.config()
    with pytest.raises(FrozenInstanceError):
        setattr(config, fields(config)[0].name, 3)


def test_a_machine_of_the_package_is_found_by_its_name():
    assert type(load_machine("omniglot")) is MANN
    assert type(load_machine("copy")) is NTM


def test_a_subclass_is_of_its_base_s_kind():
    class Mine(NTM):
        pass

    assert kind_of(Mine(3, 4, 5)).name == "ntm"


def test_what_is_no_machine_is_named():
    with pytest.raises(
        ValueError, match="model must be one of ntm, mann, dnc, sam, lstm, memory-network; got a Linear"
    ):
        kind_of(nn.Linear(2, 2))


def test_another_machine_s_settings_are_refused():
    with pytest.raises(TypeError, match="config of the ntm must be a NTMConfig; got LSTMConfig"):
        MACHINES["ntm"].build(LSTMConfig(), 3, 4)
    with pytest.raises(TypeError, match=r"sizes of the lstm must be input_size, output_size; got \(3,\)"):
        MACHINES["lstm"].build(LSTMConfig(), 3)


def test_capabilities_are_methods_that_are_there():
    for kind in MACHINES.values():
        assert kind.traceable == hasattr(kind.machine, "trace")
        # A trace says which kind of machine it is of.
        assert not kind.traceable or kind.machine.kind == kind.name
        assert kind.resizable == hasattr(kind.machine, "resized")


BAD_SETTINGS = [
    (NTMConfig, {"hidden_size": 0}, "hidden_size must be a positive integer; got 0"),
    (NTMConfig, {"memory_slots": True}, "memory_slots must be a positive integer; got True"),
    (NTMConfig, {"memory_width": 2.0}, "memory_width must be a positive integer; got 2.0"),
    (NTMConfig, {"read_heads": -1}, "read_heads must be a positive integer; got -1"),
    (NTMConfig, {"write_heads": 0}, "write_heads must be a positive integer; got 0"),
    (NTMConfig, {"controller_layers": 0}, "controller_layers must be a positive integer; got 0"),
    (NTMConfig, {"controller": "rnn"}, "controller must be one of lstm, gru, feedforward; got 'rnn'"),
    (NTMConfig, {"backend": "gpu"}, "backend must be 'auto' or one of"),
    (NTMConfig, {"shift_offsets": ()}, r"shift_offsets must be distinct integers, at least one.*\(0,\).*got \(\)"),
    (NTMConfig, {"shift_offsets": (1, True)}, "shift_offsets must be distinct integers"),
    (NTMConfig, {"memory_init": "zeros"}, "memory_init must be one of constant, random, learned; got 'zeros'"),
    (
        NTMConfig,
        {"hidden_size": 4, "linear_units": 5},
        "linear_units must be an integer from 0 to hidden_size, 4; got 5",
    ),
    (
        NTMConfig,
        {"controller": "gru", "linear_units": 1},
        "linear_units belongs to the lstm controller; got 1 with gru",
    ),
    (NTMConfig, {"input_scale": float("nan")}, "input_scale must be positive and finite; got nan"),
    (MANNConfig, {"memory_slots": 3}, "memory_slots must be at least as many as read_heads, 4; got 3"),
    (MANNConfig, {"usage_decay": 1.5}, "usage_decay must be from 0 to 1; got 1.5"),
    (DNCConfig, {"links": False, "sharpen_links": True}, "sharpen_links needs links; got links=False"),
    (DNCConfig, {"bypass_dropout": 1.0}, "bypass_dropout must be at least 0 and below 1; got 1.0"),
    (DNCConfig, {"bypass_dropout": True}, "bypass_dropout must be at least 0 and below 1; got True"),
    (SAMConfig, {"memory_slots": 3}, "memory_slots must be at least as many as read_heads, 4; got 3"),
    (
        SAMConfig,
        {"memory_slots": 5, "sparse_reads": 6},
        "memory_slots must be at least as many as sparse_reads, 6; got 5",
    ),
    (SAMConfig, {"memory_slots": 2**24 + 1}, "memory_slots must be at most 16,777,216; got 16,777,217"),
    (SAMConfig, {"sparse_reads": True}, "sparse_reads must be a positive integer; got True"),
    (SAMConfig, {"one_late": 1}, "one_late must be True or False; got 1"),
    (SAMConfig, {"one_late": True, "controller": "gru"}, "one_late belongs to the lstm controller; got True with gru"),
    (SAMConfig, {"sparse_links": -1}, "sparse_links must be an integer from 0 on; got -1"),
    (
        SAMConfig,
        {"memory_slots": 5, "sparse_links": 6},
        "memory_slots must be at least as many as sparse_links, 6; got 5",
    ),
    (LSTMConfig, {"controller_layers": 0}, "controller_layers must be a positive integer; got 0"),
    (LSTMConfig, {"input_scale": -1.0}, "input_scale must be positive and finite; got -1.0"),
    (MemoryNetworkConfig, {"hops": 0}, "hops must be a positive integer; got 0"),
    (MemoryNetworkConfig, {"sentence_length": 0}, "sentence_length must be a positive integer; got 0"),
    (MemoryNetworkConfig, {"sharing": "none"}, "sharing must be one of adjacent, layer-wise; got 'none'"),
]


@pytest.mark.parametrize(("config", "settings", "message"), BAD_SETTINGS)
def test_bad_settings_are_named(config, settings, message):
    with pytest.raises(ValueError, match=message):
        config(**settings)


def test_offsets_may_come_as_a_list_and_are_kept_as_a_tuple():
    assert replace(NTMConfig(), shift_offsets=[0, 1]).shift_offsets == (0, 1)


def test_the_baseline_has_no_memory_to_set():
    assert type(built(MACHINES["lstm"])) is LSTMBaseline
    with pytest.raises(TypeError, match="memory_slots"):
        LSTMConfig(memory_slots=3)


PACKAGE = Path(inspect.getfile(NTM)).parents[1]
# The table; and what reads files that did not yet name their machine.
MAY_ASK = {PACKAGE / "nn" / "machines.py", PACKAGE / "runs" / "convert.py"}
CLASSES = {kind.machine.__name__ for kind in MACHINES.values()} | {"Machine", "FastMachine", "SequenceModel"}
# What only one kind of machine is set by, so that to look for it is to ask which it is.
COUNTED = Counter(each.name for kind in MACHINES.values() for each in fields(kind.config))
TELLING = {name for name, count in COUNTED.items() if count == 1} | {"memory_slots", "num_layers", "heads"}


def kinds_asked(source):
    """Lines where a syntax tree asks of what class a machine is, or looks for an argument that only one kind has."""
    for node in ast.walk(ast.parse(source)):
        asked = []
        if isinstance(node, ast.Call) and called(node) in ("isinstance", "issubclass"):
            asked = named(node.args[1])
        elif isinstance(node, ast.Compare) and "type" in map(called, (node.left, *node.comparators)):
            asked = [name for each in (node.left, *node.comparators) for name in named(each)]
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            looked_for = node.left.value if isinstance(node.left, ast.Constant) else None
            if looked_for in TELLING:
                yield node.lineno
        if CLASSES & set(asked):
            yield node.lineno


def called(node):
    return getattr(node.func, "id", None) if isinstance(node, ast.Call) else None


def named(node):
    """The classes that an expression names: alone, in a tuple or joined by |."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return [name for each in node.elts for name in named(each)]
    if isinstance(node, ast.BinOp):
        return [*named(node.left), *named(node.right)]
    return [getattr(node, "id", None) or getattr(node, "attr", None)]


@pytest.mark.parametrize(
    "source",
    [
        "isinstance(model, NTM)",
        "isinstance(model, NTM | MANN)",
        "issubclass(type(model), (int, nn.LSTMBaseline))",
        "type(model) is MemoryNetwork",
        "type(model) in (NTM, MANN)",
        "'usage_decay' in arguments",
        "'num_layers' not in arguments",
    ],
)
def test_a_question_for_the_kind_is_seen(source):
    assert list(kinds_asked(source)) == [1]


def test_nobody_but_the_table_asks_what_a_machine_is():
    paths = sorted(PACKAGE.rglob("*.py"))
    assert len(paths) > 100
    asked = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in paths
        if path not in MAY_ASK
        for line in kinds_asked(path.read_text(encoding="utf-8"))
    ]
    assert asked == []


def test_capabilities_of_what_is_not_in_the_table():
    linear = nn.Linear(2, 2)
    assert not resizable(linear)
    assert not traceable(linear)
    assert resizable(NTM(3, 4, 5))
    assert traceable(MANN(3, 4, 5))
    assert not traceable(LSTMBaseline(3, 4, 5))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: NTM(3, 4, 2, memory_slots=10**9), "memory_slots times memory_width must be at most 2,147,483,648"),
        (lambda: NTM(3, 10**6, 2), "hidden_size must be at most 46,340; got 1,000,000"),
        (lambda: LSTMBaseline(3, 4, 2, controller_layers=10**8), "controller_layers must be at most 1,000; got"),
        (lambda: DNC(3, 4, 2, memory_slots=10**5), "memory_slots must be at most 46,340 with links"),
    ],
)
def test_sizes_that_no_computer_has_room_for_are_refused_before_anything_is_made(
    make: Callable[[], object], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        make()
