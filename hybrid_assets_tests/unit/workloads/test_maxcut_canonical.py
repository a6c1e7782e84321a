"""Canonical numbering: the same for every copy of a graph, different for different graphs."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_assets.workloads._maxcut_canonical import MAX_CANONICAL_NODES, canonical_numbering
from hybrid_assets_tests.unit.workloads.graphs import edges_of, weighted


def form(n, edges):
    """Return the edge list in canonical numbers."""
    number = canonical_numbering(n, edges)
    assert sorted(number) == list(range(n))
    return sorted((*sorted((number[u], number[v])), w) for (u, v), w in edges.items())


def permuted(n, edges, seed):
    order = np.random.default_rng(seed).permutation(n).tolist()
    return {(order[v], order[u]): w for (u, v), w in reversed(edges.items())}


@pytest.mark.parametrize(
    "graph",
    [
        pytest.param(nx.petersen_graph(), id="petersen, 120 automorphisms"),
        pytest.param(nx.heawood_graph(), id="heawood, 336 automorphisms"),
        pytest.param(nx.frucht_graph(), id="frucht, no automorphism"),
        pytest.param(nx.complete_graph(12), id="complete, twins"),
        pytest.param(nx.star_graph(20), id="star, twins"),
        pytest.param(nx.complete_bipartite_graph(6, 6), id="two kinds of twins"),
        pytest.param(nx.path_graph(2), id="single edge"),
        pytest.param(nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(4)), id="disconnected"),
        pytest.param(nx.karate_club_graph(), id="karate club"),
        pytest.param(nx.random_regular_graph(3, 40, seed=1), id="cubic of 40 nodes"),
        pytest.param(weighted(nx.complete_graph(8), 3), id="normal weights"),
        pytest.param(
            weighted(nx.convert_node_labels_to_integers(nx.grid_2d_graph(4, 4, periodic=True)), 3, signs=True),
            id="spin glass",
        ),
    ],
)
def test_canonical_numbering_is_the_same_for_every_copy(graph):
    edges, n = edges_of(graph), len(graph)
    assert all(form(n, permuted(n, edges, seed)) == form(n, edges) for seed in range(4))


@given(st.integers(2, 8), st.integers(0, 10**6), st.sampled_from([0.2, 0.5, 0.9]))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_canonical_numbering_agrees_with_isomorphism(n, seed, density):
    """Two random graphs have the same form exactly if networkx finds them isomorphic, weights included."""
    first, second = (weighted(nx.gnp_random_graph(n, density, seed=seed + k), seed + k, signs=True) for k in (0, 1))
    second = second if seed % 2 else nx.relabel_nodes(first, dict(enumerate(reversed(range(n)))))
    same = nx.is_isomorphic(first, second, edge_match=lambda a, b: a["weight"] == b["weight"])
    assert (form(n, edges_of(first)) == form(n, edges_of(second))) == same


def test_canonical_numbering_tells_weights_apart():
    """A path with its heavy edge at the end or in the middle."""
    end, middle = {(0, 1): 2.0, (1, 2): 1.0, (2, 3): 1.0}, {(0, 1): 1.0, (1, 2): 2.0, (2, 3): 1.0}
    assert form(4, end) != form(4, middle)


def test_canonical_numbering_gives_up_on_too_much_symmetry():
    """Eight triangles have 8! 6^8 automorphisms."""
    graph = nx.disjoint_union_all([nx.complete_graph(3)] * 8)
    assert canonical_numbering(24, edges_of(graph)) is None


def test_canonical_numbering_leaves_large_graphs():
    n = MAX_CANONICAL_NODES + 1
    assert canonical_numbering(n, edges_of(nx.path_graph(n))) is None
    assert canonical_numbering(n - 1, edges_of(nx.path_graph(n - 1))) is not None
