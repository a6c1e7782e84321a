"""The conformance test of workloads, for ours and for third parties'. Put what every workload promises here."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import ConfigurationError, ProblemError
from hybrid_assets.model.fingerprint import canonical_json
from hybrid_assets.model.problem import (
    MAX_TABLE_VARIABLES,
    BinaryQuadratic,
    problem_from_document,
    problem_to_document,
)
from hybrid_assets.model.results import Reference, ReferenceKind, Role
from hybrid_assets.protocols import IterativeWorkload, Workload
from hybrid_assets.testing._workload_rounds import Play

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.results import Score

_WORKLOAD_NAME = re.compile(r"[a-z][a-z0-9_]*")
_INSTANCE_NAME = re.compile(r"[a-z0-9._-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
#: Rounding of sums of float64 terms.
_TOLERANCE = 1e-9


def assert_workload_api(
    workload: Workload, paths: Sequence[Path], options: Mapping[str, Any], *, max_qubits: int = 8, shots: int = 256
) -> None:
    """Check every promise of `hybrid_assets.protocols.Workload` (and of `IterativeWorkload`) on real inputs.

    All rounds are played, then again with kernels that fail for good. Kernels are executed exactly and sampled, with
    numpy alone: take small instances.

    Args:
        workload: The plug-in.
        paths: Valid input files.
        options: The workload's section of the settings, less the common keys.
        max_qubits: Width offered to ``kernels``.
        shots: Shots of each row; an iterative workload may ask for fewer.

    Raises:
        AssertionError: A promise is broken; the message says which.
    """
    _check_identity(workload)
    parsed = workload.parse_options(options)
    _check_refusals(workload, parsed, paths[0])
    for path in paths:
        instance = workload.load(path, source=path.name, options=parsed)
        _check_instance(workload, instance, workload.load(path, source=path.name, options=parsed), path)
        play = Play(workload=workload, instance=instance, options=parsed, max_qubits=max_qubits, shots=shots)
        results, _ = play.all_rounds(lambda _: False)
        for kernel, result in results:
            _check_kernel(workload, instance, kernel, max_qubits=max_qubits, shots=shots)
            _check_evaluation(workload, instance, kernel, result)
        methods = _check_scores(workload, instance, parsed, results)
        _check_failures(workload, play, results, methods)


def _check_identity(workload: Workload) -> None:
    assert isinstance(workload, Workload), "a method or attribute of the protocol is missing"
    assert _WORKLOAD_NAME.fullmatch(workload.name), f"name {workload.name!r} is not [a-z][a-z0-9_]*"
    assert workload.version, "the version is empty"
    assert workload.metric, "the metric is empty"
    assert isinstance(workload.metric_is_relative, bool), "metric_is_relative is not a bool"
    assert 0 < len(workload.description) < 70, "the description is empty or not under 70 characters"
    assert "\n" not in workload.description, "the description is more than one line"


def _check_refusals(workload: Workload, options: Any, path: Path) -> None:
    """Check that wrong options and a missing file are refused by name."""
    try:
        workload.parse_options({"no_such_key": 1})
    except ConfigurationError as exc:
        assert "no_such_key" in str(exc), f"the refusal of an unknown key does not name it: {exc}"  # noqa: PT017 - no pytest here
    else:
        raise AssertionError("an unknown option was accepted")
    missing = path.with_name(f"no-such-file{path.suffix}")
    try:
        workload.load(missing, source=missing.name, options=options)
    except ProblemError as exc:
        assert exc.file == missing.name, f"the refusal of a missing file does not name its source: {exc}"  # noqa: PT017 - no pytest here
    else:
        raise AssertionError("a missing file was accepted")


def _check_instance(workload: Workload, instance: ProblemInstance, again: ProblemInstance, path: Path) -> None:
    assert instance.workload == workload.name
    assert _INSTANCE_NAME.fullmatch(instance.name), f"instance name {instance.name!r} is not [a-z0-9._-]+"
    assert _SHA256.fullmatch(instance.fingerprint), f"fingerprint {instance.fingerprint!r} is no SHA-256"
    assert instance.fingerprint == again.fingerprint, f"{instance.name}: loading twice gives two fingerprints"
    assert instance.source == path.name, "the source is not the one that was given"
    assert instance.num_variables >= 1
    canonical_json(dict(instance.facts))
    document = problem_to_document(instance.problem)
    text = canonical_json(document)
    read = problem_from_document(json.loads(text))
    assert canonical_json(problem_to_document(read)) == text, f"{instance.name}: the problem changes through JSON"
    assert canonical_json(problem_to_document(again.problem)) == text, f"{instance.name}: loading twice differs"


def _check_kernel(
    workload: Workload, instance: ProblemInstance, kernel: LogicalKernel, *, max_qubits: int, shots: int
) -> None:
    name, circuit = f"{instance.name}/{kernel.label}", kernel.circuit
    assert kernel.instance == instance.name, f"{name}: belongs to {kernel.instance!r}"
    least = 1 if isinstance(workload, IterativeWorkload) else shots
    assert least <= kernel.shots <= shots, f"{name}: {kernel.shots} shots instead of {shots}"
    assert circuit.num_qubits <= max_qubits, f"{name}: {circuit.num_qubits} qubits, {max_qubits} were offered"
    assert kernel.values.shape[0] >= 1, f"{name}: no rows"
    assert np.isfinite(kernel.values).all(), f"{name}: a parameter value is not finite"
    assert kernel.values.dtype == np.float64, f"{name}: values are {kernel.values.dtype}, not float64"
    assert len(circuit.cregs) == 1, f"{name}: {len(circuit.cregs)} classical registers instead of one"
    assert {p.name for p in circuit.parameters} == set(kernel.parameter_names), f"{name}: parameters differ"
    position = {qubit: i for i, qubit in enumerate(circuit.qubits)}
    bit = {clbit: i for i, clbit in enumerate(circuit.clbits)}
    measured = [
        (position[step.qubits[0]], bit[step.clbits[0]]) for step in circuit.data if step.operation.name == "measure"
    ]
    assert sorted(measured) == [(i, i) for i in range(circuit.num_qubits)], (
        f"{name}: not qubit i into bit i: {measured}"
    )


def _check_evaluation(
    workload: Workload, instance: ProblemInstance, kernel: LogicalKernel, result: KernelResult
) -> None:
    name, rows = f"{instance.name}/{kernel.label}", kernel.values.shape[0]
    expected, best = workload.evaluate(instance, kernel, result.counts)
    assert expected.shape == best.shape == (rows,), f"{name}: evaluated {expected.shape}, {best.shape}, rows {rows}"
    known = ~(np.isnan(expected) | np.isnan(best))
    assert np.isfinite(expected[known]).all(), f"{name}: an expected value is infinite"
    assert (best[known] >= expected[known] - _TOLERANCE).all(), f"{name}: a best value is below the expected one"


def _check_scores(
    workload: Workload,
    instance: ProblemInstance,
    options: Any,
    results: Sequence[tuple[LogicalKernel, KernelResult]],
    missing: Sequence[LogicalKernel] = (),
) -> list[Score]:
    reference = _proved_optimum(instance)
    more: dict[str, Any] = {"missing": missing} if missing else {}
    scores = workload.score(instance, options=options, results=results, reference=reference, **more)
    again = workload.score(instance, options=options, results=results, reference=reference, **more)
    assert list(scores) == list(again), f"{instance.name}: scoring twice gives two answers"
    methods = [score.method for score in scores]
    assert len(set(methods)) == len(methods), f"{instance.name}: methods are not unique: {methods}"
    _check_controls(workload, instance, scores)
    known = {result.kernel_id for _, result in results}
    for score in scores:
        _check_score(f"{instance.name}/{score.method}", score, known, reference)
    unknown = workload.score(instance, options=options, results=results, reference=None, **more)
    assert [score.value for score in unknown] == [score.value for score in scores], "the reference changes values"
    return list(scores)


def _check_failures(
    workload: Workload, play: Play, results: Sequence[tuple[LogicalKernel, KernelResult]], whole: Sequence[Score]
) -> None:
    """Check that a method whose kernels failed for good keeps its score, without a value where nothing is left."""
    first, last = results[0][0].label, results[-1][0].label
    rounds = {kernel.label: kernel.round_index for kernel, _ in results}
    scenarios: dict[str, Callable[[LogicalKernel], bool]] = {
        "the first kernel failed": lambda kernel: kernel.label == first,
        "the last kernel failed": lambda kernel: kernel.label == last,
        "every kernel failed": lambda _: True,
    }
    if any(rounds.values()):
        scenarios["all rounds after the first failed"] = lambda kernel: kernel.round_index > 0
    expected = {score.method for score in whole if score.role is Role.QUANTUM}
    for what, fails in scenarios.items():
        done, missing = play.all_rounds(fails)
        scores = _check_scores(workload, play.instance, play.options, done, missing)
        quantum = {score.method: score for score in scores if score.role is Role.QUANTUM}
        name = f"{play.instance.name}, {what}"
        assert set(quantum) == expected, f"{name}: scored are {sorted(quantum)} instead of {sorted(expected)}"
        valued = [method for method, score in quantum.items() if score.value is not None]
        assert done or not valued, f"{name}: a value without a result: {valued}"


def _check_controls(workload: Workload, instance: ProblemInstance, scores: Sequence[Score]) -> None:
    """Check that every quantum method names its controls; an optimization must score them itself."""
    quantum = [score.method for score in scores if score.role is Role.QUANTUM]
    assert quantum, f"{instance.name}: no quantum method is scored"
    scored = {score.method for score in scores if score.role is Role.CONTROL}
    for method in quantum:
        controls = workload.controls_of(method)
        assert controls, (
            f"{instance.name}/{method}: has no control; the same steps without the quantum part are mandatory"
        )
        if isinstance(instance.problem, BinaryQuadratic):
            assert set(controls) <= scored, (
                f"{instance.name}/{method}: its controls {controls} are not scored: {scored}"
            )


def _check_score(name: str, score: Score, kernel_ids: set[str], reference: Reference | None) -> None:
    canonical_json(dict(score.facts))
    assert set(score.kernel_ids) <= kernel_ids, f"{name}: names kernels that were not executed"
    if score.value is not None:
        assert score.kernel_ids or score.role is not Role.QUANTUM, f"{name}: a quantum method without kernels"
        assert score.shots > 0 or score.role is not Role.QUANTUM, f"{name}: a quantum method without shots"
        assert math.isfinite(score.value), f"{name}: value {score.value}"
        low, high = score.value_low, score.value_high
        assert (low is None) == (high is None), f"{name}: half an interval"
        if low is not None and high is not None:
            assert low - _TOLERANCE <= score.value <= high + _TOLERANCE, f"{name}: the value is outside its interval"
        assert score.best_value is not None, f"{name}: a value but no best value"
        assert score.best_value >= score.value - _TOLERANCE, f"{name}: the best value is below the mean"
    if score.trials is not None:
        assert score.successes is not None, f"{name}: trials without successes"
        assert 0 <= score.successes <= score.trials, f"{name}: {score.successes} successes of {score.trials}"
    if reference is not None and score.best_value is not None:
        tolerance = _TOLERANCE * max(1.0, abs(reference.value))
        assert score.best_value <= reference.value + tolerance, f"{name}: beats the proved optimum {reference.value}"


def _proved_optimum(instance: ProblemInstance) -> Reference | None:
    """Return the optimum of a small binary quadratic problem by enumeration."""
    problem = instance.problem
    if not isinstance(problem, BinaryQuadratic) or problem.num_variables > MAX_TABLE_VARIABLES:
        return None
    feasible = problem.value_table()[problem.feasible_table()]
    return Reference(value=float(feasible.max()), kind=ReferenceKind.PROVED) if feasible.size else None
