from collections import Counter

import numpy as np
import pytest

from neuraltape.tasks.graphs import LABELS, Graph, different_in_rows, random_graph, relabelled


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("nodes", [2, 3, 10, 40])
def test_every_node_has_edges_to_different_others_with_different_labels(nodes: int) -> None:
    for seed in range(10):
        graph = random_graph(nodes, (2, 4), rng(seed))
        assert len(set(graph.labels.tolist())) == nodes
        assert graph.labels.min() >= 0
        assert graph.labels.max() < LABELS
        for node in range(nodes):
            mine = graph.ends[:, 0] == node
            assert min(2, nodes - 1) <= mine.sum() <= min(4, nodes - 1)
            assert len(set(graph.ends[mine, 1].tolist()) - {node}) == mine.sum()
            assert len(set(graph.edge_labels[mine].tolist())) == mine.sum()


def test_edges_go_to_the_nearest_points() -> None:
    class Fixed:
        """A generator that says where the points are."""

        def __init__(self) -> None:
            self.rest = rng()

        def random(self, size: tuple[int, int]) -> np.ndarray:
            return np.array([[0.0, 0.0], [0.1, 0.0], [0.3, 0.0], [0.9, 0.0]])

        def __getattr__(self, name: str):
            return getattr(self.rest, name)

    graph = random_graph(4, (2, 2), Fixed())  # pyright: ignore[reportArgumentType]
    assert sorted(map(tuple, graph.ends.tolist())) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (3, 1), (3, 2)]


def test_all_degrees_come_up() -> None:
    graph = random_graph(400, (2, 4), rng())
    # Expected 133 of each; standard deviation 9.4.
    degrees = Counter(np.bincount(graph.ends[:, 0]).tolist())
    assert set(degrees) == {2, 3, 4}
    assert min(degrees.values()) > 86


def test_a_walk_goes_on_where_it_came_to_and_takes_every_edge_in_the_end() -> None:
    graph = random_graph(5, (2, 4), rng())
    path = graph.walk(1000, rng(1))
    assert (graph.ends[path[1:], 0] == graph.ends[path[:-1], 1]).all()
    assert set(path.tolist()) == set(range(len(graph.ends)))


def test_a_walk_knows_the_edges_of_a_node_whatever_their_order() -> None:
    graph = Graph(np.array([1, 2]), np.array([[1, 0], [0, 1], [1, 0]]), np.array([7, 8, 9]))
    path = graph.walk(60, rng())
    assert (graph.ends[path[1:], 0] == graph.ends[path[:-1], 1]).all()
    assert set(path.tolist()) == {0, 1, 2}


def test_triples_are_source_edge_destination() -> None:
    graph = Graph(np.array([11, 22, 33]), np.array([[0, 2], [2, 1]]), np.array([7, 8]))
    assert graph.triples().tolist() == [[11, 7, 33], [33, 8, 22]]
    assert graph.triples(np.array([1, 1])).tolist() == [[33, 8, 22]] * 2


def test_relabelling_keeps_which_labels_are_equal() -> None:
    graph = relabelled([(0, 1), (1, 2), (2, 0)], [0, 1, 0], rng())
    assert len(set(graph.labels.tolist())) == 3
    assert graph.edge_labels[0] == graph.edge_labels[2] != graph.edge_labels[1]
    assert graph.ends.tolist() == [[0, 1], [1, 2], [2, 0]]
    assert relabelled([(0, 1)], [0], rng(1)).labels.tolist() != relabelled([(0, 1)], [0], rng(2)).labels.tolist()


def test_no_two_are_alike_in_a_row() -> None:
    # With 40 of 1,000 a row without a pair of equal ones is rarer (45 %) than one with.
    drawn = different_in_rows((200, 40), rng())
    assert all(len(set(row)) == 40 for row in drawn.tolist())
    assert drawn.min() < 20
    assert drawn.max() > 980
