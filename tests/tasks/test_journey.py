import pytest
import torch

from neuraltape.tasks.graph_traversal import lay_out
from neuraltape.tasks.journey import Journey, ask
from neuraltape.tasks.underground import Ride, rides

QUESTION = "from Victoria, Victoria line north, Central line east: where?"


@pytest.mark.parametrize("known", ["junctions", "underground"])
def test_a_line_is_taken_until_the_next_one_can_be(known) -> None:
    journey = Journey.read(QUESTION, known)
    assert journey == Journey("Victoria", ("Victoria north", "Victoria north", "Central east"), known)
    assert journey.rides == (
        Ride("Victoria", "Victoria north", "Green Park"),
        Ride("Green Park", "Victoria north", "Oxford Circus"),
        Ride("Oxford Circus", "Central east", "Tottenham Court Road"),
    )


@pytest.mark.parametrize(
    "text", ["Victoria: Victoria north", "FROM victoria, victoria  LINE north?", "Victoria; victoria north."]
)
def test_capitals_and_what_stands_around_the_names_do_not_count(text) -> None:
    assert Journey.read(text) == Journey("Victoria", ("Victoria north",))


def test_what_is_printed_can_be_read() -> None:
    journey = Journey.read("Paddington, Circle clockwise, Northern (Bank) south, Waterloo & City west")
    assert Journey.read(str(journey)) == journey
    assert journey.rides[-1] == Ride("Bank", "Waterloo & City west", "Waterloo")


def test_the_lines_that_lead_on_are_those_of_the_last_station() -> None:
    journey = Journey.read(QUESTION, "underground")
    assert set(journey.onward) == {ride.line for ride in rides() if ride.source == "Tottenham Court Road"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Vicoria, Victoria north", "a station of the map is needed; got 'Vicoria'; did you mean Victoria?"),
        ("Pimlico, Victoria north", "a station of the map is needed; got 'Pimlico'; there are Baker Street"),
        ("Victoria, Northern south", "a line is needed; got 'Northern south'"),
        ("Victoria", "at least one line; got 'Victoria'"),
        ("", "a station of the map is needed; got ''"),
        ("Victoria, Central east", r"no 'Central east' leaves Victoria; what does: .*Victoria north"),
        (
            "Victoria, Victoria north, Waterloo & City west",
            "'Victoria north' from Victoria never meets 'Waterloo & City west'; it ends at King's Cross",
        ),
    ],
)
def test_what_is_no_journey_is_refused(text, message) -> None:
    with pytest.raises(ValueError, match=message):
        Journey.read(text)


def test_a_journey_has_an_end() -> None:
    with pytest.raises(ValueError, match="lines must be from 1 to 60 rides; got 61"):
        Journey("Victoria", ("Circle clockwise",) * 61)
    with pytest.raises(ValueError, match="map must be one of junctions, underground; got 'paris'"):
        Journey.read(QUESTION, "paris")  # pyright: ignore[reportArgumentType]


def test_a_sequence_tells_the_whole_map_and_asks_for_the_journey() -> None:
    journey = Journey.read(QUESTION)
    asked = ask(journey, seed=3)
    steps = list(asked.steps())
    assert {names for part, names in steps if part == "told"} == {tuple(ride) for ride in rides(junctions=True)}
    assert steps[-6:] == [
        ("asked", ("Victoria", "Victoria north", None)),
        ("asked", (None, "Victoria north", None)),
        ("asked", (None, "Central east", None)),
        *(("answer", tuple(ride)) for ride in journey.rides),
    ]
    batch = lay_out([asked.told])
    assert batch.inputs.shape == (len(steps), 1, 92)
    assert [part == "answer" for part, _ in steps] == batch.mask[:, 0].tolist()


def test_numbers_come_from_the_seed_and_those_of_nothing_stay_numbers() -> None:
    journey = Journey.read(QUESTION)
    one, same, other = (lay_out([ask(journey, seed).told]).inputs for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    signs = ask(journey, 1).signs
    unknown = next(label for label in range(1000) if label not in signs.stations and label not in signs.lines)
    assert signs.names((unknown, unknown, -1)) == (f"{unknown:03}", f"{unknown:03}", None)
