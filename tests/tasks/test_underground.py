from collections import Counter

import pytest

from neuraltape.tasks.underground import LINES, Ride, map_of, rides


def test_zone_1_has_63_stations_87_pairs_of_neighbours_and_126_edges_each_way() -> None:
    every = rides()
    assert len({ride.source for ride in every}) == 63
    assert len({frozenset((ride.source, ride.destination)) for ride in every}) == 87
    assert len(every) == 2 * 126


@pytest.mark.parametrize("junctions", [False, True])
def test_from_a_station_a_line_and_direction_lead_to_one_other(junctions: bool) -> None:
    every = rides(junctions=junctions)
    assert set(Counter((ride.source, ride.line) for ride in every).values()) == {1}
    assert all(ride.source != ride.destination for ride in every)


def test_what_leads_there_leads_back_the_other_way() -> None:
    back = {one: other for onward, backward, _ in LINES for one, other in ((onward, backward), (backward, onward))}
    every = set(rides())
    assert all(Ride(ride.destination, back[ride.line], ride.source) in every for ride in every)


def test_lines_lead_where_they_do_in_london() -> None:
    leads = {(ride.source, ride.line): ride.destination for ride in rides()}
    assert leads["Victoria", "Victoria north"] == "Green Park"
    assert leads["Oxford Circus", "Central east"] == "Tottenham Court Road"
    assert leads["Tower Hill", "Circle anticlockwise"] == "Aldgate"
    assert leads["Earl's Court", "District north"] == "High Street Kensington"
    assert ("Bank", "Waterloo & City east") not in leads


def test_the_circle_line_comes_round() -> None:
    leads = {ride.source: ride.destination for ride in rides() if ride.line == "Circle clockwise"}
    station, seen = "Paddington", []
    for _ in range(27):
        station = leads[station]
        seen.append(station)
    assert station == "Paddington"
    assert len(set(seen)) == 27


def test_junctions_are_the_stations_with_more_than_two_neighbours_and_rides_pass_the_others() -> None:
    beside: dict[str, set[str]] = {}
    for ride in rides():
        beside.setdefault(ride.source, set()).add(ride.destination)
    expected = {station for station, others in beside.items() if len(others) > 2}
    found = rides(junctions=True)
    assert {ride.source for ride in found} == expected
    assert (len(expected), len(found)) == (25, 126)
    assert Ride("Notting Hill Gate", "Central east", "Bond Street") in found


def test_the_map_has_the_rides_as_numbers() -> None:
    known = map_of(junctions=True)
    named = {
        Ride(known.stations[one], known.lines[line], known.stations[other])
        for (one, other), line in zip(known.ends, known.edge_lines, strict=True)
    }
    assert named == set(rides(junctions=True))
