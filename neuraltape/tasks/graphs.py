"""Directed graphs with labels on nodes and edges, and walks through them. Knows no task and no tensors."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuraltape.printed import record_repr

# A label is a number of three digits.
LABELS = 1000


class Graph(NamedTuple):
    """A graph. No two edges that leave a node have the same label, so labels say where a walk goes."""

    labels: NDArray[np.int64]
    """Each node's label, (nodes,); all different."""
    ends: NDArray[np.int64]
    """Where each edge begins and ends, as numbers of nodes, (edges, 2)."""
    edge_labels: NDArray[np.int64]
    """Each edge's label, (edges,)."""

    __repr__ = record_repr

    def triples(self, edges: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Labels of source, edge and destination of these edges, or of all, (edges, 3)."""
        chosen = slice(None) if edges is None else edges
        source, destination = self.labels[self.ends[chosen]].T
        return np.stack([source, self.edge_labels[chosen], destination], 1)

    def walk(self, steps: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """The edges of a random walk, (steps,): from any node, at each node any of the edges that leave it."""
        order = np.argsort(self.ends[:, 0], kind="stable")
        first = np.searchsorted(self.ends[order, 0], np.arange(len(self.labels) + 1))
        node, path = int(rng.integers(len(self.labels))), []
        for chance in rng.random(steps):
            low, high = first[node], first[node + 1]
            path.append(order[low + int(chance * (high - low))])
            node = self.ends[path[-1], 1]
        return np.array(path)


def random_graph(nodes: int, degree: tuple[int, int], rng: np.random.Generator) -> Graph:
    """Points in the unit square, each with edges to those that are nearest to it.

    Args:
        nodes: the number of points, at least 2.
        degree: the fewest and the most edges that leave a node; how many is drawn for each.
        rng: all randomness comes from it.
    """
    points = rng.random((nodes, 2))
    distances = np.square(points[:, None] - points[None]).sum(-1)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argsort(1)
    leaving = np.minimum(rng.integers(degree[0], degree[1] + 1, nodes), nodes - 1)
    there = np.arange(min(degree[1], nodes - 1)) < leaving[:, None]
    ends = np.stack([np.repeat(np.arange(nodes), leaving), nearest[:, : there.shape[1]][there]], 1)
    return Graph(rng.choice(LABELS, nodes, replace=False), ends, different_in_rows(there.shape, rng)[there])


def relabelled(ends: Sequence[tuple[int, int]], edge_labels: Sequence[int], rng: np.random.Generator) -> Graph:
    """A known graph with random labels.

    Args:
        ends: where each edge begins and ends, as numbers of nodes from 0 on without a gap.
        edge_labels: a number from 0 on for each edge; equal ones stay equal.
        rng: all randomness comes from it.
    """
    pairs, kinds = np.array(ends), np.array(edge_labels)
    nodes, edges = (rng.choice(LABELS, int(each.max()) + 1, replace=False) for each in (pairs, kinds))
    return Graph(nodes, pairs, edges[kinds])


def different_in_rows(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.int64]:
    """Random labels, no two alike in a row."""
    drawn = rng.integers(LABELS, size=shape)
    while True:
        ordered = np.sort(drawn, 1)
        twice = (ordered[:, 1:] == ordered[:, :-1]).any(1)
        if not twice.any():
            return drawn
        drawn[twice] = rng.integers(LABELS, size=(int(twice.sum()), shape[1]))
