"""Workload `kernel_classification`: a support vector machine on a sampled quantum fidelity kernel.

The bandwidth and the machine's C are tuned on exactly simulated kernels inside the training rows of each fold, and
only the chosen kernel is executed: train classically, sample once. Put what is particular to this workload here; the
feature map is in `circuits.feature_map`, what classical rivals share in `scoring.folds` and `scoring.kernel_tuning`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.circuits.feature_map import fidelity_circuit, fidelity_values, kernel_matrix
from hybrid_assets.errors import CapacityError, ConfigurationError
from hybrid_assets.model.circuits import LogicalKernel
from hybrid_assets.model.problem import Fold, LabeledData, ProblemInstance
from hybrid_assets.model.results import Role, Score
from hybrid_assets.scoring.folds import project
from hybrid_assets.scoring.kernel_matrix import pair_rows
from hybrid_assets.scoring.kernel_tuning import TuningGrid, tune
from hybrid_assets.workloads._csv_input import instance_name
from hybrid_assets.workloads._kernel_options import KernelOptions, parse_kernel_options
from hybrid_assets.workloads._kernel_scores import FoldPlan, fold_record, kernel_score
from hybrid_assets.workloads._labeled_csv import read_labeled_csv
from hybrid_assets.workloads._labeled_instance import choose_rows_and_folds, labeled_facts, labeled_fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hybrid_assets.model.jobs import KernelResult, RawCounts
    from hybrid_assets.model.results import Reference

QUANTUM_METHOD = "quantum_kernel"
EXACT_METHOD = "quantum_kernel_exact"


class KernelClassification:
    """Classify labeled data with a sampled quantum kernel, beside the same kernel computed exactly."""

    name = "kernel_classification"
    version = "1"
    metric = "accuracy"
    metric_is_relative = False
    description = "Support vector machine on a sampled quantum fidelity kernel"

    def parse_options(self, raw: Mapping[str, Any]) -> KernelOptions:
        """Return the typed options.

        Raises:
            ConfigurationError: A key is unknown or a value is wrong.
        """
        return parse_kernel_options(raw)

    def load(self, path: Path, *, source: str, options: KernelOptions) -> ProblemInstance:
        """Read a table, choose its rows and fix its folds; the file's stem becomes the name.

        The tuning grid is part of the instance: classical rivals read it there and get as many settings.

        Raises:
            ProblemError: The file is refused, or it has too few classes, rows or columns for the options.
        """
        name = instance_name(path, source=source)
        table = read_labeled_csv(path, source=source)
        data = choose_rows_and_folds(table, options, source=source)
        grid = TuningGrid(bandwidths=options.bandwidths, costs=options.costs, repetitions=options.repetitions_of_map)
        return ProblemInstance(
            workload=self.name,
            name=name,
            fingerprint=labeled_fingerprint(data, grid),
            num_variables=data.num_components,
            source=source,
            problem=data,
            facts=labeled_facts(data, table, grid),
        )

    def kernels(
        self, instance: ProblemInstance, *, options: KernelOptions, max_qubits: int, shots: int
    ) -> Sequence[LogicalKernel]:
        """Return one kernel a fold; its rows are the pairs of `scoring.kernel_matrix.pair_rows`.

        Settings ``i`` and ``j`` are row numbers of the instance's data. All folds share one circuit, so it is
        compiled once.

        Raises:
            CapacityError: There are more components than qubits.
        """
        data, grid = _data(instance), TuningGrid.from_facts(instance.facts)
        if data.num_components > max_qubits:
            raise CapacityError(
                f"{instance.name}: {data.num_components} components need as many qubits, but there are {max_qubits}; "
                "lower kernel_classification.num_components."
            )
        circuit, names = fidelity_circuit(data.num_components, grid.repetitions, options.entanglement)
        kernels = []
        for number, (fold, plan) in enumerate(zip(data.folds, _plans(instance, options), strict=True)):
            first, second = pair_rows(fold)
            points = _points(data, fold, plan.bandwidth)
            values = fidelity_values(
                points[first], points[second], repetitions=grid.repetitions, entanglement=options.entanglement
            )
            kernels.append(
                LogicalKernel(
                    instance=instance.name,
                    label=f"fold{number}",
                    circuit=circuit,
                    parameter_names=names,
                    values=values,
                    shots=shots,
                    settings=tuple({"i": i, "j": j} for i, j in zip(first.tolist(), second.tolist(), strict=True)),
                    facts={"fold": number, "tuning": "simulated", **asdict(plan)},
                )
            )
        return kernels

    def evaluate(
        self, instance: ProblemInstance, kernel: LogicalKernel, counts: RawCounts
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (kernel entry, NaN) of each row; an entry is the share of outcome 0."""
        del instance, kernel
        entries = _share_of_zero(counts)
        return entries, np.full(entries.shape, np.nan)

    def score(
        self,
        instance: ProblemInstance,
        *,
        options: KernelOptions,
        results: Sequence[tuple[LogicalKernel, KernelResult]],
        reference: Reference | None,
        missing: Sequence[LogicalKernel] = (),
    ) -> Sequence[Score]:
        """Score the sampled kernel and, as a control, the same kernel without shots or noise.

        `quantum_kernel` has no value unless every fold is there. `quantum_kernel_exact` is the same pipeline, with the
        same bandwidths and C, around entries computed classically: the difference is what sampling and the device
        cost. It is a control, since a quantum result that does not beat it could have been had without a QPU.
        """
        del reference, missing  # folds tell what is missing
        return _sampled_score(instance, options, results), _exact_score(instance, options)

    def controls_of(self, method: str) -> Sequence[str]:
        """Return the kernel without entanglement (a baseline) and the kernel without a QPU."""
        return ("unentangled_kernel", EXACT_METHOD) if method == QUANTUM_METHOD else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _TuningKey:
    """What tuning depends on; the instance itself is covered by its fingerprint."""

    fingerprint: str
    entanglement: str
    instance: ProblemInstance = field(compare=False)


def _plans(instance: ProblemInstance, options: KernelOptions) -> tuple[FoldPlan, ...]:
    return _tuned(_TuningKey(fingerprint=instance.fingerprint, entanglement=options.entanglement, instance=instance))


@lru_cache(maxsize=256)  # several stages of a night ask for the same kernels
def _tuned(key: _TuningKey) -> tuple[FoldPlan, ...]:
    data, grid = _data(key.instance), TuningGrid.from_facts(key.instance.facts)
    # Entries of a wide bandwidth lie farther apart, so shots and noise blur them less: it wins a tie.
    bandwidths = grid.bandwidths[::-1]
    plans = []
    for fold in data.folds:
        train, _ = project(data, fold)
        kernels = (
            kernel_matrix(b * train, b * train, repetitions=grid.repetitions, entanglement=key.entanglement)
            for b in bandwidths
        )
        best = tune(kernels, data.labels[list(fold.train)], grid.costs)
        plans.append(
            FoldPlan(
                bandwidth=bandwidths[best.candidate],
                cost=best.cost,
                inner_accuracy=best.inner_accuracy,
                num_tried=best.num_tried,
            )
        )
    return tuple(plans)


def _sampled_score(
    instance: ProblemInstance, options: KernelOptions, results: Sequence[tuple[LogicalKernel, KernelResult]]
) -> Score:
    data, plans = _data(instance), _plans(instance, options)
    by_fold = sorted(((int(kernel.facts["fold"]), result) for kernel, result in results), key=itemgetter(0))
    return kernel_score(
        data,
        [fold_record(data, data.folds[k], _share_of_zero(result.counts), plans[k]) for k, result in by_fold],
        method=QUANTUM_METHOD,
        role=Role.QUANTUM,
        shots=sum(result.shots * result.counts.num_rows for _, result in by_fold),
        kernel_ids=tuple(result.kernel_id for _, result in by_fold),
    )


def _exact_score(instance: ProblemInstance, options: KernelOptions) -> Score:
    data, grid = _data(instance), TuningGrid.from_facts(instance.facts)
    records = []
    for fold, plan in zip(data.folds, _plans(instance, options), strict=True):
        points = _points(data, fold, plan.bandwidth)
        full = kernel_matrix(points, points, repetitions=grid.repetitions, entanglement=options.entanglement)
        records.append(fold_record(data, fold, full[pair_rows(fold)], plan))
    return kernel_score(data, records, method=EXACT_METHOD, role=Role.CONTROL)


def _points(data: LabeledData, fold: Fold, bandwidth: float) -> np.ndarray:
    """Return the angles of every row of the data as a fold projects it, shape (rows, num_components)."""
    train, test = project(data, fold)
    points = np.empty((data.labels.size, data.num_components))
    points[list(fold.train)], points[list(fold.test)] = bandwidth * train, bandwidth * test
    return points


def _share_of_zero(counts: RawCounts) -> np.ndarray:
    """Return how often each row gave outcome 0, as a share; shape (rows,)."""
    return np.asarray(counts.row_sums(counts.outcomes == 0) / counts.row_sums())


def _data(instance: ProblemInstance) -> LabeledData:
    if not isinstance(instance.problem, LabeledData):
        raise ConfigurationError(f"{instance.name} is no labeled data; kernel_classification cannot take it.")
    return instance.problem
