"""The workload `maxcut` as a whole: instances, kernels, evaluation and scores."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

from hybrid_assets.circuits.angles import tree_cut_fraction
from hybrid_assets.errors import ProblemError
from hybrid_assets.model.jobs import RawCounts
from hybrid_assets.model.results import Reference, ReferenceKind, Role
from hybrid_assets.testing.fake_execution import exact_probabilities, execute
from hybrid_assets.workloads._maxcut_problem import subgraph
from hybrid_assets.workloads.maxcut import MaxCut
from hybrid_assets_tests.unit.workloads.graphs import edges_of, relabelled, weighted, write_edges

WORKLOAD = MaxCut()


def load(folder, graph, *, name="graph", edges=None):
    edges = edges_of(graph) if edges is None else edges
    path = write_edges(folder / f"{name}.csv", edges, weights=nx.is_weighted(graph))
    return WORKLOAD.load(path, source=f"inputs/{path.name}", options=WORKLOAD.parse_options({}))


def kernels_of(instance, *, max_qubits=16, shots=1000, **raw):
    return WORKLOAD.kernels(instance, options=WORKLOAD.parse_options(raw), max_qubits=max_qubits, shots=shots)


def scores_of(instance, *, reference=None, max_qubits=16, shots=1000, drop=(), **raw):
    kernels = kernels_of(instance, max_qubits=max_qubits, shots=shots, **raw)
    results = [(kernel, execute(kernel)) for kernel in kernels if kernel.label not in drop]
    options = WORKLOAD.parse_options(raw)
    scores = WORKLOAD.score(instance, options=options, results=results, reference=reference)
    return {score.method: score for score in scores}


# ---- instances


@pytest.mark.parametrize(
    "graph",
    [
        pytest.param(nx.petersen_graph(), id="petersen"),
        pytest.param(nx.frucht_graph(), id="frucht"),
        pytest.param(nx.star_graph(7), id="star"),
        pytest.param(weighted(nx.gnp_random_graph(9, 0.5, seed=2), 4), id="weighted"),
    ],
)
def test_relabelling_changes_nothing(tmp_path, graph):
    """Other ids, edge order and directions: the same fingerprint, kernels and scores."""
    first = load(tmp_path, graph)
    second = load(tmp_path, graph, edges=relabelled(edges_of(graph), seed=5))
    assert first.facts["canonical"]
    assert first.fingerprint == second.fingerprint
    for one, other in zip(kernels_of(first), kernels_of(second), strict=True):
        assert one.values.tolist() == other.values.tolist()
        assert one.parameter_names == other.parameter_names
        assert [str(step.operation) for step in one.circuit] == [str(step.operation) for step in other.circuit]
    assert scores_of(first) == scores_of(second)


def test_relabelling_changes_no_score_of_a_decomposed_instance(tmp_path):
    graph = nx.karate_club_graph()
    nx.set_edge_attributes(graph, 1.0, "weight")
    first = load(tmp_path, graph)
    second = load(tmp_path, graph, edges=relabelled(edges_of(graph), seed=1))
    assert first.fingerprint == second.fingerprint
    assert scores_of(first, max_qubits=8, shots=64) == scores_of(second, max_qubits=8, shots=64)


def test_instances_of_different_weights_differ(tmp_path):
    graph = nx.petersen_graph()
    fingerprints = {load(tmp_path, weighted(graph, seed)).fingerprint for seed in (1, 2)}
    assert len(fingerprints | {load(tmp_path, graph).fingerprint}) == 3


def test_instance_of_weights_1_is_the_unweighted_one(tmp_path):
    heavy = nx.petersen_graph()
    nx.set_edge_attributes(heavy, 1.0, "weight")
    assert load(tmp_path, heavy).fingerprint == load(tmp_path, nx.petersen_graph()).fingerprint


def test_instance_facts_lead_back_to_the_file(tmp_path):
    """Variable k is node_ids[k]: the cut of sides given by id equals the cut of the bits."""
    graph = weighted(nx.gnp_random_graph(8, 0.6, seed=1), 2)
    edges = relabelled(edges_of(graph), seed=3)
    instance = load(tmp_path, graph, edges=edges)
    ids = instance.facts["node_ids"]
    bits = np.random.default_rng(0).integers(0, 2, len(ids))
    side = dict(zip(ids, bits.tolist(), strict=True))
    expected = sum(w for (u, v), w in edges.items() if side[u] != side[v])
    assert instance.problem.values(bits[None])[0] == pytest.approx(expected, abs=1e-9)
    assert (instance.workload, instance.name, instance.source) == ("maxcut", "graph", "inputs/graph.csv")
    assert instance.facts["num_edges"] == len(edges)
    assert instance.facts["is_weighted"]


def test_instance_of_named_nodes_is_that_of_numbers_and_keeps_the_names(tmp_path):
    """Names change no key: what is known of the graph is known of the graph with names."""
    graph = weighted(nx.gnp_random_graph(8, 0.6, seed=1), 2)
    numbered = load(tmp_path, graph)
    names = {k: f"person {k}" for k in graph}
    edges = {(names[u], names[v]): w for (u, v), w in edges_of(graph).items()}
    named = load(tmp_path, graph, edges=edges)
    assert (named.fingerprint, named.problem) == (numbered.fingerprint, numbered.problem)
    assert named.facts["node_ids"] == [names[k] for k in numbered.facts["node_ids"]]


def test_instance_too_symmetric_is_numbered_by_ids(tmp_path):
    graph = nx.disjoint_union_all([nx.complete_graph(3)] * 8)
    edges = {(u + 100, v + 100): w for (u, v), w in edges_of(graph).items()}
    instance = load(tmp_path, graph, edges=edges)
    assert not instance.facts["canonical"]
    assert instance.facts["node_ids"] == list(range(100, 124))


def test_single_edge_is_an_instance(tmp_path):
    instance = load(tmp_path, nx.path_graph(2))
    assert instance.num_variables == 2
    assert scores_of(instance)["qaoa_p1"].value == pytest.approx(1.0)


def test_load_refuses_a_file_name_that_is_no_instance_name(tmp_path):
    path = write_edges(tmp_path / "My Graph.csv", {(0, 1): 1.0})
    with pytest.raises(ProblemError, match=r"^My Graph.csv: the file's name is the instance's name and may only hold"):
        WORKLOAD.load(path, source="My Graph.csv", options=None)


# ---- kernels


def test_kernels_of_a_regular_graph_take_fixed_angles(tmp_path):
    """Slots: gamma is -2 * (1/2) * arctan(1/sqrt 2), beta is 2 pi/8."""
    (kernel,) = kernels_of(load(tmp_path, nx.petersen_graph()))
    assert (kernel.label, kernel.facts["angle_policy"], kernel.facts["cost_scale"]) == ("qaoa_p1", "fixed", 1.0)
    assert kernel.values.tolist() == [[pytest.approx(-math.atan(1 / math.sqrt(2))), pytest.approx(math.pi / 4)]]
    assert kernel.settings == (
        {"gamma": [pytest.approx(math.atan(1 / math.sqrt(2)))], "beta": [pytest.approx(math.pi / 8)]},
    )


def test_kernels_of_an_irregular_graph_fall_back_to_the_ramp_and_say_so(tmp_path):
    (kernel,) = kernels_of(load(tmp_path, nx.path_graph(5)))
    assert (kernel.facts["angle_policy"], kernel.facts["angle_policy_asked"]) == ("ramp", "fixed")


def test_kernels_of_a_grid_have_a_row_for_each_setting(tmp_path):
    kernels = kernels_of(load(tmp_path, nx.petersen_graph()), depths=[1, 2], angles={"policy": "grid", "size": 3})
    assert [(kernel.label, kernel.values.shape) for kernel in kernels] == [("qaoa_p1", (9, 2)), ("qaoa_p2", (9, 4))]


def test_kernels_of_one_structure_share_the_template(tmp_path):
    """Two sets of weights on the same edges (ids keep them apart from canonical numbers): same gates, other values."""
    graph = nx.path_graph(5)
    one, other = (kernels_of(load(tmp_path, weighted(graph, seed)))[0] for seed in (1, 2))
    assert [str(step.operation.name) for step in one.circuit] == [str(step.operation.name) for step in other.circuit]
    assert one.values.tolist() != other.values.tolist()


@pytest.mark.parametrize(("depth", "fraction"), [(1, 0.6924500897298755), (2, 0.7559064584)])
def test_fixed_kernels_have_the_tree_value_exactly_and_sampled(tmp_path, depth, fraction):
    """Heawood has girth 6 >= 2p + 2 up to depth 2; exact to 1e-6, and sampled within 5 standard errors."""
    instance = load(tmp_path, nx.heawood_graph())
    (kernel,) = kernels_of(instance, shots=4096, depths=[depth])
    table = instance.problem.value_table()
    (probability,) = exact_probabilities(kernel)
    assert probability @ table / 21 == pytest.approx(fraction, abs=1e-6)
    sigma = math.sqrt(probability @ table**2 - (probability @ table) ** 2) / math.sqrt(4096)
    (expected,), _ = WORKLOAD.evaluate(instance, kernel, execute(kernel).counts)
    assert expected == pytest.approx(21 * fraction, abs=5 * sigma)


def test_fixed_kernel_of_a_spin_glass_is_the_gauged_tree_value(tmp_path):
    """On a ring of 8 with signs, w <ZZ> of an edge is the unweighted <ZZ>, which is 1 - 2f with f = 5/6 at depth 2.

    So E = sum (w - w <ZZ>)/2 = (m - 2 m_negative - m (1 - 2f))/2 = m f - m_negative.
    """
    graph = weighted(nx.cycle_graph(8), 3, signs=True)
    negative = sum(w < 0 for w in edges_of(graph).values())
    assert 0 < negative < 8
    instance = load(tmp_path, graph)
    (kernel,) = kernels_of(instance, depths=[2])
    (probability,) = exact_probabilities(kernel)
    assert kernel.facts["angle_policy"] == "fixed"
    assert probability @ instance.problem.value_table() == pytest.approx(8 * 5 / 6 - negative, abs=1e-6)


def test_kernels_beyond_max_qubits_are_parts_that_cover_the_graph(tmp_path):
    instance = load(tmp_path, nx.random_regular_graph(3, 20, seed=1))
    kernels = kernels_of(instance, max_qubits=8, depths=[1, 2])
    assert [kernel.label for kernel in kernels] == [f"part{p:02d}_p{d}" for d in (1, 2) for p in range(3)]
    assert max(kernel.circuit.num_qubits for kernel in kernels) <= 8
    assert sorted(node for kernel in kernels[:3] for node in kernel.facts["nodes"]) == list(range(20))
    assert {kernel.instance for kernel in kernels} == {"graph"}


def test_kernel_of_a_part_without_edges_still_runs(tmp_path):
    """A star of 9 nodes in parts of 3: two parts have no edge, so nothing but the mixer acts."""
    kernels = kernels_of(load(tmp_path, nx.star_graph(8)), max_qubits=3)
    assert any(kernel.parameter_names == ("b0",) for kernel in kernels)
    assert all(np.isfinite(kernel.values).all() for kernel in kernels)


def test_max_qubits_decides_at_the_border(tmp_path):
    instance = load(tmp_path, nx.petersen_graph())
    assert [kernel.label for kernel in kernels_of(instance, max_qubits=10)] == ["qaoa_p1"]
    assert len(kernels_of(instance, max_qubits=9)) == 2


# ---- evaluation


def counts_of(num_bits, *rows):
    """Make counts of rows given as {outcome: times}."""
    return RawCounts(
        num_bits=num_bits,
        outcomes=np.array([o for row in rows for o in sorted(row)], dtype=np.uint64),
        counts=np.array([row[o] for row in rows for o in sorted(row)], dtype=np.int64),
        offsets=np.cumsum([0, *map(len, rows)]),
    )


def test_evaluate_is_the_mean_and_the_largest_cut_of_each_row(tmp_path):
    """A triangle: outcomes 0 and 7 cut nothing, all others 2. Row 0: (3*0 + 1*2)/4; row 1: 2; an empty row is NaN."""
    instance = load(tmp_path, nx.complete_graph(3))
    (kernel,) = kernels_of(instance)
    expected, best = WORKLOAD.evaluate(instance, kernel, counts_of(3, {0: 3, 5: 1}, {1: 4}, {}))
    np.testing.assert_array_equal(expected, [0.5, 2.0, np.nan])
    np.testing.assert_array_equal(best, [2.0, 2.0, np.nan])


def test_evaluate_of_a_part_counts_its_own_edges(tmp_path):
    instance = load(tmp_path, nx.random_regular_graph(3, 12, seed=1))
    kernel = kernels_of(instance, max_qubits=6)[1]
    part = subgraph(instance.problem, kernel.facts["nodes"])
    _, best = WORKLOAD.evaluate(instance, kernel, counts_of(6, dict.fromkeys(range(64), 1)))
    assert best.tolist() == [part.value_table().max()]


def test_evaluate_with_and_without_a_table_agree(tmp_path):
    """Few outcomes are computed one by one, many are looked up."""
    instance = load(tmp_path, weighted(nx.petersen_graph(), 3))
    (kernel,) = kernels_of(instance)
    every = dict.fromkeys(range(1024), 1)
    looked_up, _ = WORKLOAD.evaluate(instance, kernel, counts_of(10, every, every))
    halves = counts_of(10, {k: 1 for k in every if k < 512})
    computed, _ = WORKLOAD.evaluate(instance, kernel, halves)
    assert computed == pytest.approx(instance.problem.value_table()[:512].mean(), abs=1e-9)
    assert looked_up == pytest.approx([instance.problem.value_table().mean()] * 2, abs=1e-9)


# ---- scores


def test_scores_have_a_control_of_the_same_shots_for_every_method(tmp_path):
    scores = scores_of(load(tmp_path, nx.petersen_graph()), depths=[1, 2])
    assert list(scores) == [
        "qaoa_p1",
        "qaoa_p1+descent",
        "qaoa_p2",
        "qaoa_p2+descent",
        "random_bits",
        "random_bits+descent",
    ]
    for method, score in scores.items():
        is_control = method.startswith("random_bits")
        assert score.role is (Role.CONTROL if is_control else Role.QUANTUM)
        assert (score.shots, len(score.kernel_ids)) == (1000, 0 if is_control else 1)
        assert not is_control or WORKLOAD.controls_of(method) == ()
        assert is_control or set(WORKLOAD.controls_of(method)) <= set(scores)


@pytest.mark.parametrize(
    ("method", "control"),
    [
        ("qaoa_p1", ("random_bits",)),
        ("qaoa_p12+descent", ("random_bits+descent",)),
        ("qaoa_p1+merge", ("random_bits+merge",)),
        ("qaoa_p1+merge+descent", ("random_bits+merge+descent",)),
        ("simulated_annealing", ()),
    ],
)
def test_controls_of_takes_the_same_steps(method, control):
    assert WORKLOAD.controls_of(method) == control


def test_scores_without_descent_have_none(tmp_path):
    assert list(scores_of(load(tmp_path, nx.petersen_graph()), descent=False)) == ["qaoa_p1", "random_bits"]


def test_scores_of_no_results_are_none(tmp_path):
    assert scores_of(load(tmp_path, nx.petersen_graph()), drop=("qaoa_p1",)) == {}


def test_score_of_depth_1_is_near_the_tree_value_and_of_random_bits_near_half(tmp_path):
    """Petersen: 15 * .69245 = 10.387 and 15/2; 4,000 samples of standard deviation under 2: 5 sigma < .16."""
    scores = scores_of(load(tmp_path, nx.petersen_graph()), shots=4000)
    assert scores["qaoa_p1"].value == pytest.approx(15 * 0.6924500897, abs=0.16)
    assert scores["random_bits"].value == pytest.approx(7.5, abs=0.16)
    assert scores["qaoa_p1+descent"].value > scores["qaoa_p1"].value
    assert scores["random_bits+descent"].value > scores["random_bits"].value


@pytest.mark.parametrize("max_qubits", [16, 5])
def test_no_score_beats_a_proved_optimum(tmp_path, max_qubits):
    for seed in range(4):
        instance = load(tmp_path, weighted(nx.gnp_random_graph(10, 0.5, seed=seed), seed))
        optimum = instance.problem.value_table().max()
        reference = Reference(value=float(optimum), kind=ReferenceKind.PROVED)
        for score in scores_of(instance, max_qubits=max_qubits, reference=reference, depths=[1, 2]).values():
            assert score.best_value <= optimum + 1e-9
            assert 0 <= score.successes <= score.trials
            assert (score.successes > 0) == (score.best_value >= optimum - 1e-9)


def test_score_of_a_grid_takes_the_best_row_and_counts_all_shots(tmp_path):
    """25 settings of 200 shots: the value is the best row's, as `evaluate` gives it."""
    instance = load(tmp_path, nx.petersen_graph())
    (kernel,) = kernels_of(instance, shots=200, angles={"policy": "grid"})
    expected, best = WORKLOAD.evaluate(instance, kernel, execute(kernel).counts)
    scores = scores_of(instance, shots=200, angles={"policy": "grid"})
    assert scores["qaoa_p1"].value == pytest.approx(expected.max(), abs=1e-9)
    assert scores["qaoa_p1"].best_value == best.max()
    assert scores["qaoa_p1"].facts["best_row"] == expected.argmax()
    assert scores["qaoa_p1"].facts["best_setting"] == kernel.settings[int(expected.argmax())]
    assert (scores["qaoa_p1"].shots, scores["random_bits"].shots) == (5000, 5000)
    assert below_over_above(scores["qaoa_p1"]) == pytest.approx(3.1317 / 1.9720, abs=1e-3)
    assert below_over_above(scores["random_bits"]) == pytest.approx(1.0)


def below_over_above(score):
    """Lower half over upper half: t(199; 1 - .025/25 = .999) over t(199; .975) for the best of 25 rows of 200."""
    return (score.value - score.value_low) / (score.value_high - score.value)


def test_score_of_a_grid_takes_the_best_value_of_all_rows(tmp_path):
    """With 4 shots a row, the best cut is not in the row of the best mean."""
    instance = load(tmp_path, nx.frucht_graph())
    (kernel,) = kernels_of(instance, shots=4, angles={"policy": "grid"})
    expected, best = WORKLOAD.evaluate(instance, kernel, execute(kernel).counts)
    assert best[expected.argmax()] < best.max()
    assert scores_of(instance, shots=4, angles={"policy": "grid"})["qaoa_p1"].best_value == best.max()


def test_merged_scores_have_a_control_and_an_interval_over_batches(tmp_path):
    instance = load(tmp_path, nx.random_regular_graph(3, 20, seed=2))
    scores = scores_of(instance, max_qubits=7)
    assert list(scores) == [
        "qaoa_p1+merge",
        "qaoa_p1+merge+descent",
        "random_bits+merge",
        "random_bits+merge+descent",
    ]
    for method, score in scores.items():
        assert score.shots == 3 * 1000
        assert score.facts["batches"] == 16
        assert score.facts["shots_per_trial"] == 3000 / 16
        assert score.value_low <= score.value <= score.value_high
        assert score.best_value >= score.value
        assert len(score.kernel_ids) == (3 if method.startswith("qaoa") else 0)
    assert scores["qaoa_p1+merge+descent"].value >= scores["qaoa_p1+merge"].value


def test_merged_score_is_no_worse_than_the_parts_side_by_side(tmp_path):
    """The best sample of every part, concatenated, is where a merge of all samples begins."""
    instance = load(tmp_path, nx.random_regular_graph(3, 20, seed=2))
    sides = np.zeros((1, 20), dtype=int)
    for kernel in kernels_of(instance, max_qubits=7):
        part = subgraph(instance.problem, kernel.facts["nodes"])
        outcomes, _ = execute(kernel).counts.row(0)
        best = int(outcomes[part.value_table()[outcomes].argmax()])
        sides[0, kernel.facts["nodes"]] = [(best >> i) & 1 for i in range(part.num_variables)]
    assert scores_of(instance, max_qubits=7)["qaoa_p1+merge"].best_value >= instance.problem.values(sides)[0]


def test_merged_score_with_fewer_shots_than_batches(tmp_path):
    """3 shots make 3 batches of one; 1 shot makes one batch and no interval."""
    instance = load(tmp_path, nx.random_regular_graph(3, 12, seed=2))
    assert scores_of(instance, max_qubits=5, shots=3)["qaoa_p1+merge"].facts["batches"] == 3
    single = scores_of(instance, max_qubits=5, shots=1)["qaoa_p1+merge"]
    assert (single.value_low, single.value_high) == (None, None)


def test_depth_whose_parts_are_not_all_there_has_no_value(tmp_path):
    instance = load(tmp_path, nx.random_regular_graph(3, 12, seed=2))
    scores = scores_of(instance, max_qubits=5, depths=[1, 2], drop=("part01_p1",))
    has_value = {method: score.value is not None for method, score in scores.items() if method.startswith("qaoa")}
    assert has_value == {
        "qaoa_p1+merge": False,
        "qaoa_p1+merge+descent": False,
        "qaoa_p2+merge": True,
        "qaoa_p2+merge+descent": True,
    }


def test_merged_score_finds_the_optimum_of_a_bipartite_graph(tmp_path):
    """Every part of a bipartite graph can be cut whole, and the parts can be turned to fit: 7 x 4 grid, 45 edges."""
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(7, 4))
    reference = Reference(value=45.0, kind=ReferenceKind.PROVED)
    score = scores_of(load(tmp_path, graph), max_qubits=7, reference=reference)["qaoa_p1+merge"]
    assert score.best_value == graph.number_of_edges() == 45
    assert (score.successes, score.trials) == (16, 16)


def test_tree_value_of_the_angles_in_settings_is_what_the_kernel_promises(tmp_path):
    """The recorded setting is in the convention of `tree_cut_fraction`: depth 3 of cubic graphs, 0.7923984287."""
    (kernel,) = kernels_of(load(tmp_path, nx.frucht_graph()), depths=[3])
    gamma, beta = (np.array(kernel.settings[0][key]) for key in ("gamma", "beta"))
    assert tree_cut_fraction(gamma, beta, degree=3) == pytest.approx(0.7923984287, abs=1e-6)
