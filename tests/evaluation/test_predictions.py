"""What a machine says to given inputs, and how it goes on."""

from typing import Any

import pytest
import torch

from neuraltape import NTM
from neuraltape.evaluation.predictions import generate, predict


def machine(inputs: int, outputs: int, **options: Any) -> NTM:
    torch.manual_seed(0)
    return NTM(inputs, 6, outputs, memory_slots=5, memory_width=3, backend="reference", **options)


@pytest.mark.parametrize("batch_first", [False, True])
def test_each_sequence_gets_what_it_would_get_alone(batch_first: bool) -> None:
    model = machine(2, 3, batch_first=batch_first)
    inputs, lengths = torch.rand(60, 7, 2), torch.arange(60) % 7 + 1
    for found, one, length in zip(predict(model, "bits", inputs, lengths), inputs, lengths.tolist(), strict=True):
        alone = model(one[:length])[0].sigmoid()
        torch.testing.assert_close(torch.from_numpy(found.outputs).float(), alone)
        assert found.classes is None


def test_symbols_go_in_one_hot_and_classes_come_out_with_their_chances() -> None:
    model = machine(4, 3)
    (found,) = predict(model, "classes", torch.tensor([[3, 1]]), torch.tensor([2]))
    outputs = model(torch.eye(4)[[3, 1]])[0].softmax(-1)
    torch.testing.assert_close(torch.from_numpy(found.outputs).float(), outputs)
    assert found.classes is not None
    assert found.classes.tolist() == outputs.argmax(-1).tolist()


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("kind", ["bits", "classes", "values"])
def test_going_on_is_to_be_shown_what_was_drawn(kind: Any, batch_first: bool) -> None:
    model = machine(3, 3, batch_first=batch_first)
    prompt = torch.tensor([2, 0]) if kind == "classes" else torch.rand(2, 3)
    (added,) = generate(model, kind, [prompt], 4, temperature=0)
    whole = torch.cat([prompt, added])
    outputs = model(torch.eye(3)[whole] if kind == "classes" else whole)[0][1:-1]
    expected = {"bits": (outputs > 0).float(), "classes": outputs.argmax(-1), "values": outputs}[kind]
    torch.testing.assert_close(added, expected)


def test_what_is_drawn_depends_on_the_seed_and_the_place() -> None:
    model = machine(3, 3)
    prompts = [torch.tensor([1]), torch.tensor([1])]
    first, again, other = (generate(model, "classes", prompts, 30, seed=seed) for seed in (1, 1, 2))
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    assert not torch.equal(first[0], first[1])
    # The second of one seed is not the first of the next.
    assert not torch.equal(first[1], other[0])
    assert torch.equal(generate(model, "classes", prompts[:1], 30, seed=1)[0], first[0])


def test_chances_are_the_machine_s() -> None:
    model = machine(2, 2)
    with torch.no_grad():
        model.output.weight.zero_()
        model.output.bias.copy_(torch.tensor([0.0, 1.0]))
    (added,) = generate(model, "classes", [torch.tensor([0])], 400)
    assert added.float().mean().item() == pytest.approx(torch.tensor(1.0).sigmoid().item(), abs=0.07)
    (added,) = generate(model, "bits", [torch.zeros(1, 2)], 400)
    assert added.mean(0).tolist() == pytest.approx([0.5, 0.731], abs=0.07)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be at least 1; got 0"),
        ({"temperature": -1.0}, "temperature must be at least 0 and finite; got -1.0"),
        ({"prompts": [torch.zeros(0, 3)]}, "number 1 has none"),
    ],
)
def test_what_cannot_be_is_said(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        generate(machine(3, 3), "bits", **{"prompts": [torch.zeros(1, 3)], "steps": 1, **options})
    with pytest.raises(ValueError, match="must have learned to predict its next input; it takes 3 numbers and gives 2"):
        generate(machine(3, 2), "bits", [torch.zeros(1, 3)], 1)
