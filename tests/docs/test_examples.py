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
    # Some belong to a guide, whose own test runs them.
    guides = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__))
    assert names
    for name in names:
        assert f'example("{name}")' in source or f"{name}.py" in guides
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


def test_the_digits_are_tables_that_the_library_reads(tmp_path):
    pytest.importorskip("sklearn", reason="the pictures come with scikit-learn")
    learned, new = example("digits").write_files(tmp_path, rows=3)
    table = Sequences(str(learned), inputs=("pixel",), targets=("digit",), scored="last").table
    assert (table.kind, table.inputs.shape, table.mask.sum(1).tolist()) == ("classes", (3, 64, 1), [1, 1, 1])
    assert (table.inputs.min().item(), table.inputs.max().item()) == (0, 1)
    assert Sequences(str(new)).table.inputs.shape == (3, 63, 1)


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


def test_own_sequences_are_learned_from_a_file(tmp_path, monkeypatch):
    own, learn = example("own_sequences"), example("own_sequences").learn
    result = learn(tmp_path, sequences=1500)
    monkeypatch.setattr(own, "learn", lambda folder: learn(folder, sequences=8))
    own.main()
    # By guessing, 3 of 4 answers, 3 in the mean sequence, would be wrong. Measured: 0.
    assert result.wrong < 1
    assert NTM.from_pretrained(tmp_path / "run").output_size == 4


def test_the_classifier_gets_better_than_guessing():
    _, right = example("classifier").learn(steps=60)
    # Measured: 0.99.
    assert right > 0.75


def test_a_given_memory_of_pictures_is_learned_to_be_used():
    pytest.importorskip("sklearn", reason="the pictures come with scikit-learn")
    with_memory, without = example("retrieval").learn(rows=500, steps=150)
    # Measured with two seeds: 0.60 and 0.64, without the memory 0.10 and 0.09; by guessing 0.1.
    assert with_memory > 0.4
    assert without < 0.2


def test_streaming_copies_bit_by_bit(generator):
    streaming = example("streaming")
    vectors = torch.randint(0, 2, (5, streaming.BITS), generator=generator).float()
    assert torch.equal(streaming.copy(vectors), vectors)


def test_the_maze_is_learned_by_trying():
    shares = example("episodes").learn(updates=80)
    # By guessing half of the turns are right. Measured with three seeds, in the last ten rollouts: 0.99 and more.
    assert sum(shares[:10]) / 10 < 0.7
    assert sum(shares[-10:]) / 10 > 0.9


def test_the_maze_shows_its_sign_at_the_entrance_alone():
    episodes = example("episodes")
    maze = episodes.TMaze()
    seen, _ = maze.reset(seed=3)
    again, _ = episodes.TMaze().reset(seed=3)
    assert list(seen) == list(again)
    assert (seen[:2].sum(), list(seen[2:])) == (1, [1, 0])
    for _ in range(maze.end):
        seen, reward, ended, late, _ = maze.step(episodes.AHEAD)
        assert (seen[:2].sum(), ended, late) == (0, False, False)
        assert reward < 0
    assert list(seen) == [0, 0, 0, 1]
    assert maze.step(maze.way)[1:3] == (1.0, True)
    for _ in range(2):
        maze.reset()
    assert not any(maze.step(episodes.LEFT)[3] for _ in range(19))
    assert maze.step(episodes.LEFT)[2:4] == (False, True)


def test_the_maze_passes_gymnasiums_own_check():
    checker = pytest.importorskip("gymnasium.utils.env_checker", reason="gymnasium is not installed")
    checker.check_env(example("episodes").TMaze(), skip_render_check=True)


@pytest.mark.parametrize("controller", ["lstm", "feedforward"])
def test_steps_with_torchrls_keys_and_whole_sequences_are_the_same(controller, generator):
    torchrl = example("torchrl_module")
    machine = NTM(4, 6, 3, memory_slots=5, memory_width=3, batch_first=True, controller=controller)
    module = torchrl.TapeModule(machine)
    seen, is_init = torch.randn(2, 9, 4, generator=generator), torch.zeros(2, 9, 1, dtype=torch.bool)
    is_init[:, 0] = is_init[1, 5] = True
    with torch.no_grad():
        collected = torchrl.collect(module, seen, is_init)
        outputs, _ = machine(seen, reset=is_init.squeeze(-1))
    # Measured: 6e-8.
    torch.testing.assert_close(collected["logits"], outputs, rtol=0, atol=1e-6)
    assert not torch.allclose(machine(seen)[0][1], outputs[1])
    torch.testing.assert_close(module({**collected})["logits"], outputs, rtol=0, atol=1e-6)
    # From the middle of an episode it goes on with the state that was collected there.
    late = {key: each[:, 3:] for key, each in collected.items()}
    assert ("tape", "access", "memory") in late
    torch.testing.assert_close(module(late)["logits"], outputs[:, 3:], rtol=0, atol=1e-6)


def test_a_machine_with_the_time_first_is_refused():
    with pytest.raises(ValueError, match="machine must be made with batch_first=True"):
        example("torchrl_module").TapeModule(NTM(4, 6, 3))


@pytest.mark.filterwarnings("ignore")
def test_torchrl_itself_collects_what_the_module_gives_once_more():
    envs = pytest.importorskip("torchrl.envs", reason="TorchRL is not installed")
    pytest.importorskip("gymnasium", reason="gymnasium is not installed")
    machine = NTM(4, 6, 3, memory_slots=5, memory_width=3, batch_first=True)
    maze, module = example("episodes").TMaze, example("torchrl_module").TapeModule(machine)
    mazes = envs.SerialEnv(3, lambda: envs.GymWrapper(maze(), categorical_action_encoding=True))
    env = envs.TransformedEnv(mazes, envs.Compose(envs.InitTracker(), module.primer()))
    actor = importlib.import_module("torchrl.modules").ProbabilisticActor(
        module, in_keys=["logits"], distribution_class=torch.distributions.Categorical
    )
    with torch.no_grad():
        rollout = env.rollout(60, actor, break_when_any_done=False)
    assert rollout["is_init"].sum() > 3
    # Measured: 5e-8.
    torch.testing.assert_close(module(rollout.clone())["logits"], rollout["logits"], rtol=0, atol=1e-6)


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


def test_the_cost_of_a_bypass_is_a_ratio_for_each_way(capsys):
    ratios = example("bypass_cost").main(steps=3, batch_size=2, repeats=1)
    assert ratios["kernels"] == 1
    assert set(ratios) == {"kernels", "a hook on the controller", "LoRA", "a subclass", "reference"}
    assert capsys.readouterr().out.count("\n") == 5
