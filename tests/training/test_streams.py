import torch

from neuraltape.training.streams import generator_at, random_states, restore_random_states


def draw(*place: object) -> list[float]:
    seed, stream, *rest = place
    return torch.rand(4, generator=generator_at(seed, stream, *rest)).tolist()  # type: ignore[arg-type]


def test_the_same_place_gives_the_same_draw() -> None:
    assert draw(1, "training", 7) == draw(1, "training", 7)


def test_seed_stream_and_step_each_change_the_draw() -> None:
    places = [(1, "training", 7), (2, "training", 7), (1, "evaluation", 7), (1, "training", 8), (1, "training", 7, 0)]
    assert len({tuple(draw(*place)) for place in places}) == len(places)


def test_a_draw_does_not_touch_the_global_generator() -> None:
    before = torch.get_rng_state()
    draw(0, "training", 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_random_states_come_back() -> None:
    with torch.random.fork_rng():
        states = random_states()
        one = torch.rand(3)
        restore_random_states(states)
        assert torch.equal(torch.rand(3), one)
