"""The London Underground in zone 1, about 2010: which station comes after which, on which line. Knows no task."""

from functools import cache
from itertools import pairwise
from typing import NamedTuple

# What a line is called one way and the other way, and its stations in the order of the first way.
LINES: tuple[tuple[str, str, str], ...] = (
    (
        "Bakerloo south",
        "Bakerloo north",
        "Paddington, Edgware Road (Bakerloo), Marylebone, Baker Street, Regent's Park, Oxford Circus, "
        "Piccadilly Circus, Charing Cross, Embankment, Waterloo, Lambeth North, Elephant & Castle",
    ),
    (
        "Central east",
        "Central west",
        "Notting Hill Gate, Queensway, Lancaster Gate, Marble Arch, Bond Street, Oxford Circus, Tottenham Court Road, "
        "Holborn, Chancery Lane, St. Paul's, Bank, Liverpool Street",
    ),
    (
        "Circle clockwise",
        "Circle anticlockwise",
        "Paddington, Edgware Road, Baker Street, Great Portland Street, Euston Square, King's Cross, Farringdon, "
        "Barbican, Moorgate, Liverpool Street, Aldgate, Tower Hill, Monument, Cannon Street, Mansion House, "
        "Blackfriars, Temple, Embankment, Westminster, St. James's Park, Victoria, Sloane Square, South Kensington, "
        "Gloucester Road, High Street Kensington, Notting Hill Gate, Bayswater, Paddington",
    ),
    (
        "District east",
        "District west",
        "Earl's Court, Gloucester Road, South Kensington, Sloane Square, Victoria, St. James's Park, Westminster, "
        "Embankment, Temple, Blackfriars, Mansion House, Cannon Street, Monument, Tower Hill, Aldgate East",
    ),
    (
        "District north",
        "District south",
        "Earl's Court, High Street Kensington, Notting Hill Gate, Bayswater, Paddington, Edgware Road",
    ),
    (
        "Hammersmith & City east",
        "Hammersmith & City west",
        "Paddington, Edgware Road, Baker Street, Great Portland Street, Euston Square, King's Cross, Farringdon, "
        "Barbican, Moorgate, Liverpool Street, Aldgate East",
    ),
    (
        "Jubilee south",
        "Jubilee north",
        "Baker Street, Bond Street, Green Park, Westminster, Waterloo, Southwark, London Bridge",
    ),
    (
        "Metropolitan east",
        "Metropolitan west",
        "Baker Street, Great Portland Street, Euston Square, King's Cross, Farringdon, Barbican, Moorgate, "
        "Liverpool Street, Aldgate",
    ),
    (
        "Northern (Bank) south",
        "Northern (Bank) north",
        "Euston, King's Cross, Angel, Old Street, Moorgate, Bank, London Bridge, Borough, Elephant & Castle",
    ),
    (
        "Northern (Charing Cross) south",
        "Northern (Charing Cross) north",
        "Euston, Warren Street, Goodge Street, Tottenham Court Road, Leicester Square, Charing Cross, Embankment, "
        "Waterloo",
    ),
    (
        "Piccadilly east",
        "Piccadilly west",
        "Earl's Court, Gloucester Road, South Kensington, Knightsbridge, Hyde Park Corner, Green Park, "
        "Piccadilly Circus, Leicester Square, Covent Garden, Holborn, Russell Square, King's Cross",
    ),
    (
        "Victoria south",
        "Victoria north",
        "King's Cross, Euston, Warren Street, Oxford Circus, Green Park, Victoria, Pimlico, Vauxhall",
    ),
    ("Waterloo & City east", "Waterloo & City west", "Waterloo, Bank"),
)


class Ride(NamedTuple):
    """One edge of the map."""

    source: str
    """The station where one gets in."""
    line: str
    """The line and its direction."""
    destination: str
    """The next station."""


class Map(NamedTuple):
    """The rides as a graph."""

    stations: tuple[str, ...]
    """The nodes."""
    lines: tuple[str, ...]
    """The lines with their directions."""
    ends: tuple[tuple[int, int], ...]
    """Where each edge begins and ends, as numbers of stations."""
    edge_lines: tuple[int, ...]
    """The number of each edge's line."""


@cache
def map_of(*, junctions: bool = False) -> Map:
    """The map of `rides`, stations and lines in alphabetical order."""
    every = rides(junctions=junctions)
    stations, lines = sorted({ride.source for ride in every}), sorted({ride.line for ride in every})
    number = {name: place for names in (stations, lines) for place, name in enumerate(names)}
    ends = tuple((number[ride.source], number[ride.destination]) for ride in every)
    return Map(tuple(stations), tuple(lines), ends, tuple(number[ride.line] for ride in every))


def rides(*, junctions: bool = False) -> tuple[Ride, ...]:
    """All edges, both ways.

    Args:
        junctions: only stations with more than two neighbours; a ride goes from one of them to the next.
    """
    lines = [(onward, back, stations.split(", ")) for onward, back, stations in LINES]
    if junctions:
        kept = _junctions([stations for *_, stations in lines])
        lines = [(onward, back, [each for each in stations if each in kept]) for onward, back, stations in lines]
    found = []
    for onward, back, stations in lines:
        for one, other in pairwise(stations):
            found += [Ride(one, onward, other), Ride(other, back, one)]
    return tuple(found)


def _junctions(lines: list[list[str]]) -> set[str]:
    """The stations with more than two neighbours."""
    neighbours: dict[str, set[str]] = {}
    for stations in lines:
        for one, other in pairwise(stations):
            neighbours.setdefault(one, set()).add(other)
            neighbours.setdefault(other, set()).add(one)
    return {station for station, beside in neighbours.items() if len(beside) > 2}
