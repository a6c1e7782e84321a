"""Parts and merging: every node and edge is there, and no merge loses ground or beats the optimum."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_assets.workloads._maxcut_merge import MAX_ENUMERATED_PARTS, best_flips, merge
from hybrid_assets.workloads._maxcut_partition import partition
from hybrid_assets.workloads._maxcut_problem import cut_problem, edge_weights, regular_degree, subgraph
from hybrid_assets_tests.unit.workloads.graphs import best_cut, cut_of, edges_of, weighted


@given(st.integers(2, 40), st.integers(1, 12), st.integers(0, 1000))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_partition_puts_every_node_into_one_of_few_balanced_parts(n, most, seed):
    weights = edge_weights(cut_of(weighted(nx.gnp_random_graph(n, 0.3, seed=seed), seed)))
    parts = partition(weights, most)
    assert sorted(node for part in parts for node in part) == list(range(n))
    assert len(parts) == -(-n // most)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert partition(weights, most) == parts


def test_partition_finds_clear_groups():
    """Three cliques of 5 in a ring of single edges: 3 edges between parts."""
    graph = nx.connected_caveman_graph(3, 5)
    parts = partition(edge_weights(cut_of(graph)), 5)
    assert sorted(map(sorted, parts)) == [list(range(5 * k, 5 * k + 5)) for k in range(3)]


def test_partition_cuts_fewer_edges_than_slices_do():
    graph = nx.random_regular_graph(3, 60, seed=2)
    weights = edge_weights(cut_of(graph))

    def across(parts):
        owner = {node: k for k, part in enumerate(parts) for node in part}
        return sum(owner[u] != owner[v] for u, v in graph.edges)

    slices = [tuple(range(k, k + 15)) for k in range(0, 60, 15)]
    assert across(partition(weights, 15)) < across(slices) / 2


@pytest.mark.parametrize("seed", range(3))
def test_partition_leaves_no_exchange_that_helps(seed):
    """Every swap of two nodes of different parts is tried, and its effect counted anew."""
    weights = edge_weights(cut_of(weighted(nx.gnp_random_graph(16, 0.4, seed=seed), seed)))
    owner = np.zeros(16, dtype=int)
    for k, part in enumerate(partition(weights, 4)):
        owner[list(part)] = k

    def across(of):
        return np.abs(weights)[of[:, None] != of].sum() / 2

    for u, v in itertools.combinations(range(16), 2):
        swapped = owner.copy()
        swapped[[u, v]] = owner[[v, u]]
        assert across(swapped) >= across(owner) - 1e-9


def test_partition_weighs_edges_by_magnitude():
    """The negative edge of weight 9 must stay inside a part, although it is the smallest number."""
    weights = edge_weights(cut_problem(4, {(0, 1): 1.0, (1, 2): -9.0, (2, 3): 1.0, (0, 3): 1.0}))
    assert sorted(partition(weights, 2)) == [(0, 3), (1, 2)]


def test_parts_and_the_edges_between_them_are_the_whole_cut():
    """For any sides: sum of the parts' cuts + edges across = the whole cut, so the decomposition loses no edge."""
    graph = weighted(nx.gnp_random_graph(18, 0.4, seed=5), 5)
    problem, edges = cut_of(graph), edges_of(graph)
    parts = partition(edge_weights(problem), 5)
    owner = {node: k for k, part in enumerate(parts) for node in part}
    bits = np.random.default_rng(1).integers(0, 2, (50, 18))
    inside = sum(subgraph(problem, part).values(bits[:, list(part)]) for part in parts)
    across = sum(w * (bits[:, u] != bits[:, v]) for (u, v), w in edges.items() if owner[u] != owner[v])
    np.testing.assert_allclose(inside + across, problem.values(bits), atol=1e-9)


def candidates_of(problem, parts, seed, count):
    """Draw random candidates, best first, as the merge expects them."""
    rng, result = np.random.default_rng(seed), []
    for part in parts:
        bits = np.unique(rng.integers(0, 2, (count, len(part))).astype(np.uint8), axis=0)
        result.append(bits[np.argsort(-subgraph(problem, part).values(bits), kind="stable")])
    return result


@given(st.integers(4, 14), st.integers(1, 6), st.integers(1, 8), st.integers(0, 1000))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_merge_is_between_concatenation_and_the_optimum(n, most, count, seed):
    problem = cut_of(weighted(nx.gnp_random_graph(n, 0.5, seed=seed), seed))
    weights = edge_weights(problem)
    parts = partition(weights, most)
    candidates = candidates_of(problem, parts, seed, count)
    side_by_side = np.zeros((1, n), dtype=int)
    for part, bits in zip(parts, candidates, strict=True):
        side_by_side[0, list(part)] = bits[0]
    merged = problem.values(merge(weights, parts, candidates)[None])[0]
    assert merged >= problem.values(side_by_side)[0] - 1e-9
    assert merged <= problem.value_table().max() + 1e-9


def test_merge_uses_only_candidates_or_their_complements():
    problem = cut_of(nx.random_regular_graph(3, 12, seed=4))
    parts = partition(edge_weights(problem), 4)
    candidates = candidates_of(problem, parts, 2, 3)
    sides = merge(edge_weights(problem), parts, candidates)
    for part, bits in zip(parts, candidates, strict=True):
        chosen = sides[list(part)].tolist()
        assert chosen in bits.tolist() or [1 - b for b in chosen] in bits.tolist()


def test_merge_takes_a_worse_candidate_that_fits_better():
    """Alone, each of {0, 1} and {2, 3} is best cut, [0, 1]; together they are best left whole.

    Side by side [0, 1] gives 1 + 1 + 9 + 9 = 20, turned over 1 + 1 + 20 = 22; whole and on opposite sides 9 + 9 + 20.
    """
    edges = {(0, 1): 1.0, (2, 3): 1.0, (1, 2): 9.0, (0, 3): 9.0, (0, 2): 20.0}
    problem = cut_problem(4, edges)
    both = np.array([[0, 1], [0, 0]], dtype=np.uint8)
    sides = merge(edge_weights(problem), ((0, 1), (2, 3)), [both, both])
    assert problem.values(sides[None])[0] == best_cut(edges, 4) == 38.0


def test_merge_turns_several_parts_over_at_once():
    """Four single nodes, 0-1 and 2-3 held together by -10, 0-2 and 1-3 worth 1 each when cut.

    All on one side cut 0; turning any one node gives 1 - 10; turning 0 and 1 together gives 2, the optimum.
    """
    edges = {(0, 1): -10.0, (2, 3): -10.0, (0, 2): 1.0, (1, 3): 1.0}
    problem = cut_problem(4, edges)
    sides = merge(edge_weights(problem), ((0,), (1,), (2,), (3,)), [np.zeros((1, 1), dtype=np.uint8)] * 4)
    assert problem.values(sides[None])[0] == best_cut(edges, 4) == 2.0


def test_merge_of_many_parts_is_no_worse_than_concatenation():
    """Beyond the enumerated range: 30 parts of 4 nodes."""
    problem = cut_of(nx.random_regular_graph(3, 120, seed=1))
    weights = edge_weights(problem)
    parts = partition(weights, 4)
    assert len(parts) > MAX_ENUMERATED_PARTS
    candidates = candidates_of(problem, parts, 0, 8)
    side_by_side = np.zeros((1, 120), dtype=int)
    for part, bits in zip(parts, candidates, strict=True):
        side_by_side[0, list(part)] = bits[0]
    merged = problem.values(merge(weights, parts, candidates)[None])[0]
    assert merged > problem.values(side_by_side)[0]


@pytest.mark.parametrize("num_parts", [1, 2, 5, 9])
def test_best_flips_is_the_minimum_over_all(num_parts):
    rng = np.random.default_rng(num_parts)
    bonds = rng.normal(size=(num_parts, num_parts))
    bonds += bonds.T
    np.fill_diagonal(bonds, 100.0)

    def energy(flip):
        return (flip @ bonds @ flip - np.trace(bonds)) / 2

    everything = [energy(np.array(flip)) for flip in itertools.product((-1.0, 1.0), repeat=num_parts)]
    flip = best_flips(bonds, np.ones(num_parts))
    assert flip[0] == 1.0
    assert energy(flip) == pytest.approx(min(everything), abs=1e-9)


def test_best_flips_of_many_parts_satisfies_a_chain():
    """A ferromagnetic and an antiferromagnetic bond in turn, 25 parts: every bond can be satisfied."""
    bonds = np.zeros((25, 25))
    for p in range(24):
        bonds[p, p + 1] = bonds[p + 1, p] = (-1.0) ** p
    flip = best_flips(bonds, np.ones(25))
    assert flip @ bonds @ flip / 2 <= -20.0


def test_cut_problem_counts_the_edges_across():
    edges = edges_of(weighted(nx.petersen_graph(), 1))
    problem = cut_problem(10, edges)
    bits = np.random.default_rng(3).integers(0, 2, (20, 10))
    expected = [sum(w for (u, v), w in edges.items() if x[u] != x[v]) for x in bits]
    np.testing.assert_allclose(problem.values(bits), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("graph", "degree"),
    [
        pytest.param(nx.petersen_graph(), 3, id="cubic"),
        pytest.param(weighted(nx.petersen_graph(), 1, signs=True), 3, id="signs can be gauged away on a tree"),
        pytest.param(weighted(nx.petersen_graph(), 1), None, id="weights differ"),
        pytest.param(nx.path_graph(4), None, id="degrees differ"),
        pytest.param(nx.path_graph(2), 1, id="single edge"),
        pytest.param(nx.empty_graph(3), None, id="no edge"),
    ],
)
def test_regular_degree(graph, degree):
    assert regular_degree(cut_of(graph)) == degree
