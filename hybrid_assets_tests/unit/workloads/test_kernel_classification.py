"""The workload: instances that ignore order, tuning that ignores test rows, scores that follow the counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from hybrid_assets.circuits.feature_map import kernel_matrix
from hybrid_assets.errors import CapacityError, ConfigurationError, ProblemError
from hybrid_assets.model.jobs import ExecutionKind, KernelResult, RawCounts
from hybrid_assets.model.problem import OpaqueProblem
from hybrid_assets.model.results import Role
from hybrid_assets.scoring.folds import project
from hybrid_assets.scoring.kernel_matrix import num_pairs, pair_rows
from hybrid_assets.workloads import _labeled_instance
from hybrid_assets.workloads.kernel_classification import KernelClassification

FOLDER = Path(__file__).parents[3] / "data" / "inputs" / "classification"
WORKLOAD = KernelClassification()
DEFAULTS = WORKLOAD.parse_options({})
SMALL = WORKLOAD.parse_options({"num_components": 2, "samples": 18, "bandwidths": [0.1, 0.3], "C": [1, 10]})


def load(path, options=DEFAULTS):
    return WORKLOAD.load(path, source=path.name, options=options)


def wine(options=DEFAULTS):
    return load(FOLDER / "wine.csv", options)


def write(tmp_path, text, name="small.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def kernels_of(instance, options=DEFAULTS, shots=64):
    return WORKLOAD.kernels(instance, options=options, max_qubits=16, shots=shots)


def exact_entries(instance, kernel, options):
    """Kernel entries of a kernel's rows, computed apart from the workload."""
    fold = instance.problem.folds[kernel.facts["fold"]]
    train, test = project(instance.problem, fold)
    rows = np.array(fold.train + fold.test)
    points = np.vstack([train, test])[np.argsort(rows)] * kernel.facts["bandwidth"]
    repetitions = options.repetitions_of_map
    return kernel_matrix(points, points, repetitions=repetitions, entanglement=options.entanglement)[pair_rows(fold)]


def counts_of(zeros, shots, *, num_bits):
    """Counts with so many zeros in each row, the other shots on outcome 1."""
    outcomes, counts, offsets = [], [], [0]
    for zero in zeros:
        seen = [(outcome, count) for outcome, count in ((0, zero), (1, shots - zero)) if count]
        outcomes += [outcome for outcome, _ in seen]
        counts += [count for _, count in seen]
        offsets.append(len(counts))
    return RawCounts(
        num_bits=num_bits,
        outcomes=np.array(outcomes, dtype=np.uint64),
        counts=np.array(counts, dtype=np.int64),
        offsets=np.array(offsets, dtype=np.int64),
    )


def result_of(kernel, counts):
    return KernelResult(
        kernel_id=f"id-{kernel.label}",
        counts=counts,
        shots=kernel.shots,
        execution=ExecutionKind.STATEVECTOR,
        backend="test",
        compiled_calibration_id="none",
        executed_calibration_id="none",
        provider_job_id="1",
        request_id="1",
        executed_at=datetime(2026, 11, 1, tzinfo=UTC),
    )


def sampled(instance, options, *, shots, seed=3):
    rng = np.random.default_rng(seed)
    results = []
    for kernel in kernels_of(instance, options, shots=shots):
        zeros = rng.binomial(shots, np.clip(exact_entries(instance, kernel, options), 0, 1))
        results.append((kernel, result_of(kernel, counts_of(zeros, shots, num_bits=instance.num_variables))))
    return results


def score(instance, options, results):
    return WORKLOAD.score(instance, options=options, results=results, reference=None)


def test_load_fixes_rows_folds_and_grid():
    """40 of 178 rows: 59, 71 and 48 rows of three classes become 13.26, 15.96 and 10.79, so 13, 16 and 11."""
    instance = wine()
    assert instance.facts["class_sizes"] == {"class_0": 13, "class_1": 16, "class_2": 11}
    assert (instance.facts["rows"], instance.facts["rows_in_file"], instance.facts["columns"]) == (40, 178, 13)
    assert instance.facts["tuning"]["bandwidths"] == [0.01, 0.03, 0.1, 0.3, 1.0]
    assert (instance.name, instance.num_variables, len(instance.problem.folds)) == ("wine", 4, 3)


def test_load_ignores_order_of_rows_and_columns(tmp_path):
    header, *rows = (FOLDER / "wine.csv").read_text().splitlines()
    rng = np.random.default_rng(0)
    columns = [*rng.permutation(13), 13]
    lines = [[line.split(",")[k] for k in columns] for line in (header, *rng.permutation(rows))]
    shuffled = load(write(tmp_path, "\n".join(",".join(line) for line in lines), "other.csv"))
    original = wine()
    assert shuffled.fingerprint == original.fingerprint
    assert np.array_equal(shuffled.problem.features, original.problem.features)


@pytest.mark.parametrize(
    "raw",
    [{"seed": 8}, {"samples": 41}, {"folds": 4}, {"num_components": 3}, {"C": [1]}, {"repetitions_of_map": 1}],
    ids=lambda raw: next(iter(raw)),
)
def test_fingerprint_changes_with_what_rivals_would_see(raw):
    assert wine(WORKLOAD.parse_options(raw)).fingerprint != wine().fingerprint


def test_fingerprint_changes_with_one_number(tmp_path):
    text = (FOLDER / "wine.csv").read_text()
    everything = WORKLOAD.parse_options({"samples": "all"})
    other = load(write(tmp_path, text.replace("14.23", "14.24", 1)), everything)
    assert other.fingerprint != wine(everything).fingerprint


def test_load_drops_constant_columns_and_says_so(tmp_path):
    rows = "".join(f"{k},5,{k * k},{'xy'[k % 2]}\n" for k in range(12))
    instance = load(write(tmp_path, "a,same,b,label\n" + rows), SMALL)
    assert instance.facts["dropped_columns"] == ["same"]
    assert instance.problem.feature_names == ("a", "b")


def test_load_counts_duplicate_rows(tmp_path):
    rows = "".join(f"{k // 2},{(k // 2) ** 2},{'xy'[k // 2 % 2]}\n" for k in range(12))
    assert load(write(tmp_path, "a,b,label\n" + rows), SMALL).facts["duplicate_rows"] == 6


@pytest.mark.parametrize(
    ("rows", "raw", "message"),
    [
        pytest.param(
            "1,2,x\n2,3,x\n",
            {},
            "small.csv, column 'label': has only the class 'x'; at least 2 are needed",
            id="one class",
        ),
        pytest.param(
            "1,2,x\n2,3,x\n3,4,x\n1,2,y\n5,6,y\n",
            {},
            "small.csv, column 'label': class 'y' has 2 rows, but 3 folds need at least 3; add rows or drop the class",
            id="small class",
        ),
        pytest.param(
            "1,2,x\n2,2,x\n3,2,x\n1,2,y\n5,2,y\n6,2,y\n",
            {},
            "small.csv: has 1 feature columns that vary, fewer than num_components (2); lower num_components",
            id="few columns",
        ),
        pytest.param(
            "1,2,x\n2,3,x\n3,9,y\n1,4,y\n",
            {"folds": 2},
            "small.csv: a fold has 2 training rows, too few for num_components (2); raise samples or lower "
            "num_components",
            id="few rows",
        ),
    ],
)
def test_load_refuses_what_cannot_be_learned(tmp_path, rows, raw, message):
    options = WORKLOAD.parse_options({"num_components": 2, **raw})
    with pytest.raises(ProblemError) as caught:
        load(write(tmp_path, "a,b,label\n" + rows), options)
    assert str(caught.value) == message


def test_load_refuses_more_circuits_than_the_cap(monkeypatch):
    """40 rows in folds of 14, 13, 13 test rows: 325 + 364, 351 + 351 and 351 + 351 pairs, together 2093."""
    monkeypatch.setattr(_labeled_instance, "MAX_KERNEL_ROWS", 2_092)
    with pytest.raises(ProblemError) as caught:
        wine()
    assert str(caught.value) == "wine.csv: 40 rows need 2093 circuits, the cap is 2092; lower samples"


def test_load_refuses_a_name_that_cannot_be_a_key(tmp_path):
    with pytest.raises(ProblemError, match="use only a-z, 0-9"):
        load(write(tmp_path, "a,label\n", "My Data.csv"))


def test_kernels_are_one_a_fold_and_share_a_circuit():
    instance = wine()
    kernels = kernels_of(instance)
    assert [kernel.label for kernel in kernels] == ["fold0", "fold1", "fold2"]
    assert len({id(kernel.circuit) for kernel in kernels}) == 1
    # Three diagonals of 4 qubits and 3 pairs.
    assert [kernel.values.shape for kernel in kernels] == [(689, 21), (702, 21), (702, 21)]
    assert sum(num_pairs(fold) for fold in instance.problem.folds) == 689 + 702 + 702


def test_kernels_are_the_same_each_time_and_from_a_fresh_load():
    first, second = kernels_of(wine()), kernels_of(wine())
    assert all(np.array_equal(a.values, b.values) for a, b in zip(first, second, strict=True))
    assert [a.facts for a in first] == [b.facts for b in second]


def test_kernel_settings_name_the_rows_of_the_data():
    kernel = kernels_of(wine())[0]
    first, second = pair_rows(wine().problem.folds[0])
    assert kernel.settings[0] == {"i": int(first[0]), "j": int(second[0])}
    assert kernel.settings[-1] == {"i": int(first[-1]), "j": int(second[-1])}
    assert len(kernel.settings) == kernel.values.shape[0]


def test_kernel_rows_are_the_exact_kernel():
    """The bound circuit of a training pair and of a test pair has P(0...0) = K."""
    instance = wine(SMALL)
    kernel = kernels_of(instance, SMALL)[1]
    expected = exact_entries(instance, kernel, SMALL)
    bare = kernel.circuit.remove_final_measurements(inplace=False)
    by_name = {parameter.name: parameter for parameter in bare.parameters}
    for row in (0, 17, len(expected) - 1):
        values = {by_name[n]: v for n, v in zip(kernel.parameter_names, kernel.values[row], strict=True)}
        assert abs(Statevector(bare.assign_parameters(values)).data[0]) ** 2 == pytest.approx(expected[row], abs=1e-12)


def test_kernels_refuse_fewer_qubits_than_components():
    with pytest.raises(CapacityError) as caught:
        WORKLOAD.kernels(wine(), options=DEFAULTS, max_qubits=3, shots=1)
    assert str(caught.value) == (
        "wine: 4 components need as many qubits, but there are 3; lower kernel_classification.num_components."
    )


def test_kernels_refuse_another_kind_of_problem():
    opaque = replace(wine(), problem=OpaqueProblem(document={}))
    with pytest.raises(ConfigurationError, match="wine is no labeled data"):
        kernels_of(opaque)


def test_test_rows_never_reach_the_choice_of_bandwidth():
    """Leakage: other test rows in a fold leave its bandwidth, C and training kernel as they are."""
    instance = wine()
    rng = np.random.default_rng(1)
    for number, fold in enumerate(instance.problem.folds):
        features = instance.problem.features.copy()
        features[list(fold.test)] = rng.normal(size=(len(fold.test), features.shape[1])) * 1e3
        labels = instance.problem.labels.copy()
        labels[list(fold.test)] = rng.permutation(labels[list(fold.test)])
        poisoned = replace(
            instance, problem=replace(instance.problem, features=features, labels=labels), fingerprint=f"other{number}"
        )
        before, after = kernels_of(instance)[number], kernels_of(poisoned)[number]
        assert before.facts == after.facts
        pairs = len(fold.train) * (len(fold.train) - 1) // 2
        assert np.array_equal(before.values[:pairs], after.values[:pairs])
        assert not np.array_equal(before.values[pairs:], after.values[pairs:])


def test_tuning_is_done_once_for_all_stages(monkeypatch):
    instance = replace(wine(SMALL), fingerprint="fresh")
    kernels_of(instance, SMALL)

    def refuse(*_args, **_kwargs):
        raise AssertionError("tuned again")

    monkeypatch.setattr("hybrid_assets.workloads.kernel_classification.tune", refuse)
    kernels_of(instance, SMALL)
    with pytest.raises(AssertionError, match="tuned again"):
        kernels_of(replace(instance, fingerprint="fresher"), SMALL)


def test_evaluate_gives_the_share_of_zeros():
    kernel = kernels_of(wine(SMALL), SMALL)[0]
    expected, best = WORKLOAD.evaluate(wine(SMALL), kernel, counts_of([64, 0, 16], 64, num_bits=2))
    assert expected.tolist() == [1.0, 0.0, 0.25]
    assert np.isnan(best).all()
    assert best.shape == (3,)


def test_score_of_many_shots_equals_the_exact_control():
    """With a billion shots an entry is known to 1/(2 sqrt 1e9) = 2e-5: both methods see the same kernel."""
    instance = wine(SMALL)
    quantum, exact = score(instance, SMALL, sampled(instance, SMALL, shots=10**9))
    assert quantum.fold_values == exact.fold_values
    assert quantum.facts["offdiag_mean"] == pytest.approx(exact.facts["offdiag_mean"], abs=5 * 2e-5)


def test_score_records_what_shot_noise_broke():
    """16 shots an entry break positivity; it is clipped and said so."""
    instance = wine(SMALL)
    quantum, exact = score(instance, SMALL, sampled(instance, SMALL, shots=16))
    assert quantum.facts["min_eigenvalue"] < 0
    assert quantum.facts["negative_eigenvalues"] == "clip"
    assert quantum.facts["clipped_eigenvalues"] > 0
    assert exact.facts["clipped_eigenvalues"] == 0


def test_score_says_who_is_quantum_and_what_it_cost():
    instance = wine(SMALL)
    quantum, exact = score(instance, SMALL, sampled(instance, SMALL, shots=100))
    assert (quantum.method, quantum.role) == ("quantum_kernel", Role.QUANTUM)
    assert (exact.method, exact.role) == ("quantum_kernel_exact", Role.CONTROL)
    # 18 rows, folds of 12 and 6: 66 + 72 = 138 entries each, 3 folds, 100 shots.
    assert (quantum.shots, exact.shots) == (138 * 3 * 100, 0)
    assert (quantum.kernel_ids, exact.kernel_ids) == (("id-fold0", "id-fold1", "id-fold2"), ())


def test_quantum_method_names_its_controls():
    """Without entanglement (a baseline, for every instance) and without a QPU; a control has none itself."""
    assert WORKLOAD.controls_of("quantum_kernel") == ("unentangled_kernel", "quantum_kernel_exact")
    assert WORKLOAD.controls_of("quantum_kernel_exact") == ()


def test_score_interval_is_the_corrected_resampled_one():
    """Folds of 6 of 18 rows: half = t(.975, 2) s sqrt(1/3 + (1/3)/(2/3)), clipped to 0 .. 1."""
    instance = wine(SMALL)
    quantum, _ = score(instance, SMALL, sampled(instance, SMALL, shots=8, seed=5))
    mean, spread = np.mean(quantum.fold_values), np.std(quantum.fold_values, ddof=1)
    half = 4.302652729911275 * spread * np.sqrt(1 / 3 + 1 / 2)
    assert quantum.value == quantum.best_value == pytest.approx(mean)
    assert quantum.value_low == pytest.approx(max(mean - half, 0))
    assert quantum.value_high == pytest.approx(min(mean + half, 1))
    assert spread > 0


def test_score_of_random_bits_is_chance():
    """Counts that know nothing of the data classify like guessing: far below the exact kernel."""
    instance = wine()
    rng = np.random.default_rng(0)
    results = [
        (kernel, result_of(kernel, counts_of(rng.integers(0, 65, kernel.values.shape[0]), 64, num_bits=4)))
        for kernel in kernels_of(instance)
    ]
    quantum, exact = score(instance, DEFAULTS, results)
    assert quantum.value < 0.6 < exact.value


def test_score_has_no_value_while_a_fold_is_missing():
    instance = wine(SMALL)
    quantum, exact = score(instance, SMALL, sampled(instance, SMALL, shots=100)[:2])
    assert (quantum.value, quantum.value_low, quantum.facts["missing_folds"]) == (None, None, 1)
    assert len(quantum.fold_values) == 2
    assert exact.value is not None


def test_score_without_results_is_empty_but_there():
    quantum, _ = score(wine(SMALL), SMALL, [])
    assert (quantum.value, quantum.fold_values, quantum.shots, quantum.facts["missing_folds"]) == (None, (), 0, 3)


def test_score_does_not_depend_on_order_of_results():
    instance = wine(SMALL)
    results = sampled(instance, SMALL, shots=50)
    assert score(instance, SMALL, results[::-1])[0] == score(instance, SMALL, results)[0]
