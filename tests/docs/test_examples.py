"""Every example in docs/examples runs, and shows what it says."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
import torch

from neuraltape import NTM
from neuraltape.tasks import Sequences

FOLDER = Path(__file__).parents[2] / "docs" / "examples"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_tested_and_listed():
    names = {path.stem for path in FOLDER.glob("*.py")}
    source, listed = Path(__file__).read_text(), (FOLDER / "README.md").read_text()
    assert names
    for name in names:
        assert f'example("{name}")' in source
        assert f"({name}.py)" in listed


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("lemonade, badly remembered", "lemonade"),
        ("tastes of tea, feels like milk", "milk tea"),
        ("... and is chewy", "bubble tea"),
    ],
)
def test_a_mixed_key_finds_what_is_like_it(key, word):
    tea = example("bubble_tea")
    weights, blend = tea.find(tea.keys()[key], 80.0)
    assert list(tea.WORDS)[weights.argmax()] == word
    assert torch.allclose(blend, torch.tensor(tea.WORDS[word]), atol=0.05)
    weak, _ = tea.find(tea.keys()[key], 1.0)
    assert weak.max() < 0.3


def test_the_picture_has_two_panels_a_key():
    tea = example("bubble_tea")
    assert len(tea.draw().axes) == 2 * len(tea.keys())


def test_own_tasks_are_files_that_the_library_reads(tmp_path):
    paths = example("own_tasks").write_files(tmp_path, rows=40)
    assert [path.name for path in paths] == ["reverse.jsonl", "sort.jsonl", "add.jsonl", "distractors.jsonl"]
    for path in paths:
        task = Sequences(str(path))
        batch = task.sample(4, torch.Generator().manual_seed(0))
        assert batch.mask.any(0).all()
    assert [Sequences(str(path)).table.kind for path in paths] == ["bits", "classes", "classes", "bits"]


def test_the_answers_of_own_tasks_are_right(tmp_path):
    reverse, sort, add, distractors = example("own_tasks").write_files(tmp_path, rows=40)
    for inputs, answer in answers(reverse):
        count = len(answer)
        assert inputs[count] == [0] * 7 + [1]
        assert [row[:6] for row in inputs[:count]] == answer[::-1]
        assert not any(map(any, inputs[count + 1 :]))
    for inputs, answer in answers(sort):
        assert inputs == [*inputs[: len(answer)], 16, *[17] * len(answer)]
        assert answer == sorted(inputs[: len(answer)])
    for inputs, answer in answers(add):
        text = "".join("01+=."[symbol] for symbol in inputs)
        left, right = text.rstrip(".").rstrip("=").split("+")
        assert int(left[::-1], 2) + int(right[::-1], 2) == int("".join(map(str, answer))[::-1], 2)
        assert len(answer) == len(left) + 1 == len(right) + 1
    marked = 0
    for inputs, answer in answers(distractors):
        shown = inputs[: inputs.index([0] * 7 + [1])]
        assert [row[:6] for row in shown if row[6]] == answer
        marked += len(shown) > len(answer)
    assert marked > 20


def answers(path):
    """Inputs and what has to be answered, of each row."""
    for line in path.read_text().splitlines():
        row = json.loads(line)
        yield row["inputs"], [target for target, asked in zip(row["targets"], row["mask"], strict=True) if asked]


def test_own_sequences_are_learned_from_a_file(tmp_path):
    result = example("own_sequences").learn(tmp_path, sequences=1500)
    # By guessing, 3 of 4 answers, 3 in the mean sequence, would be wrong. Measured: 0.
    assert result.wrong < 1
    assert NTM.from_pretrained(tmp_path / "run").output_size == 4


def test_the_classifier_gets_better_than_guessing():
    _, right = example("classifier").learn(steps=60)
    # Measured: 0.99.
    assert right > 0.75


def test_streaming_copies_bit_by_bit(generator):
    streaming = example("streaming")
    vectors = torch.randint(0, 2, (5, streaming.BITS), generator=generator).float()
    assert torch.equal(streaming.copy(vectors), vectors)


def test_truncated_backpropagation_learns_across_windows():
    losses, _ = example("long_sequences").learn(count=120)
    # Guessing costs 0.693. Measured: 0.4.
    assert sum(losses[-10:]) / 10 < 0.6


def test_a_controller_of_ones_own_runs_and_learns(generator):
    ntm = example("own_controller").build()
    outputs, state = ntm(torch.randn(5, 2, 4, generator=generator))
    outputs.square().sum().backward()
    assert ntm.controller.leak.grad.abs().sum() > 0
    again, _ = ntm(torch.randn(5, 2, 4, generator=generator), state.detach())
    assert again.shape == (5, 2, 2)


def test_an_access_of_ones_own_runs_and_learns():
    # Guessing is 0.5. Measured: 0.9.
    assert example("own_access").learn(steps=150, bits=3) > 0.7


def test_a_stack_gives_back_what_was_pushed_last():
    own = example("own_access")
    access = own.StackAccess(3, depth=4, width=2)
    with torch.no_grad():
        access.interface.weight.zero_()
        access.interface.bias.copy_(torch.tensor([30.0, 0.0, 0.0, 9.0, -9.0]))
        _, one = access(torch.zeros(1, 3), access.initial_state(1))
        access.interface.bias.copy_(torch.tensor([30.0, 0.0, 0.0, -9.0, 9.0]))
        _, two = access(torch.zeros(1, 3), one)
        access.interface.bias.copy_(torch.tensor([0.0, 30.0, 0.0, 0.0, 0.0]))
        reads, _ = access(torch.zeros(1, 3), two)
    assert torch.allclose(two.reads, torch.tensor([[0.0, 1.0]]), atol=1e-3)
    assert torch.allclose(reads, torch.tensor([[1.0, 0.0]]), atol=1e-3)
