"""Everything a depth (of a part) spent, and the samples of it that are scored.

Put which samples are scored, and what they took, here; what is made of samples belongs in `_maxcut_scores` and
`_maxcut_merged_scores`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.model.fingerprint import seed_from
from hybrid_assets.scoring.samples import best_row
from hybrid_assets.workloads._angle_search import best_point
from hybrid_assets.workloads._maxcut_kernels import ansatz_of
from hybrid_assets.workloads._maxcut_problem import objective_of, problem_of
from hybrid_assets.workloads._maxcut_training import CONFIRMATION, TRAINING, measurements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import KernelResult, RawCounts
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.scoring.samples import Sampled
    from hybrid_assets.workloads._maxcut_kernels import Ansatz

    Results = Sequence[tuple[LogicalKernel, KernelResult]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Effort:
    """What one depth of the whole graph, or of one part, did in all its rounds."""

    #: Facts of its first kernel: ``depth`` and, of a part, ``part``, ``num_parts`` and ``nodes``.
    facts: Mapping[str, Any]
    results: Results
    #: Kernels of it that ended without a result.
    missing: Sequence[LogicalKernel]
    #: Samples that are scored; None: there are none.
    sampled: Sampled | None
    #: How they were chosen, for the record.
    choice: Mapping[str, Any]

    @property
    def depth(self) -> int:
        """QAOA depth."""
        return int(self.facts["depth"])

    @property
    def chosen_from(self) -> int:
        """Number of rows the samples are the best of by their own mean; 1 where other samples chose."""
        return int(self.choice["rows"]) if "best_row" in self.choice else 1

    @property
    def shots(self) -> int:
        """All shots that were taken, training included."""
        return sum(result.shots * result.counts.num_rows for _, result in self.results)

    @property
    def samples_for_control(self) -> int:
        """Samples a control may take: as many as were taken here, or would have been had it not failed."""
        return self.shots or sum(kernel.shots * kernel.values.shape[0] for kernel in self.missing)

    @property
    def kernel_ids(self) -> tuple[str, ...]:
        """All kernels that were executed."""
        return tuple(result.kernel_id for _, result in self.results)

    @property
    def every(self) -> np.ndarray:
        """All outcomes that were seen, increasing."""
        return np.unique(np.concatenate([result.counts.outcomes for _, result in self.results]))


def efforts_of(instance: ProblemInstance, results: Results, missing: Sequence[LogicalKernel]) -> list[Effort]:
    """Group kernels by depth and part, those that failed too; in the order of their first rounds."""
    groups: dict[tuple[int, int | None], tuple[list[tuple[LogicalKernel, KernelResult]], list[LogicalKernel]]] = {}
    for kernel, result in results:
        groups.setdefault(_key(kernel), ([], []))[0].append((kernel, result))
    for kernel in missing:
        groups.setdefault(_key(kernel), ([], []))[1].append(kernel)
    return [_effort(instance, done, failed) for done, failed in groups.values()]


def _key(kernel: LogicalKernel) -> tuple[int, int | None]:
    return kernel.facts["depth"], kernel.facts.get("part")


def _effort(instance: ProblemInstance, done: Results, failed: Sequence[LogicalKernel]) -> Effort:
    facts = (done[0][0] if done else failed[0]).facts
    sampled, choice = _chosen(instance, done) if done else (None, {})
    return Effort(facts=facts, results=done, missing=failed, sampled=sampled, choice=choice)


def _chosen(instance: ProblemInstance, done: Results) -> tuple[Sampled | None, dict[str, Any]]:
    """Return the samples to score and facts about the choice."""
    first, result = done[0]
    if "purpose" not in first.facts:
        row = best_row(problem_of(objective_of(instance), first.facts), result.counts)
        facts = {"angle_policy": first.facts["angle_policy"], "rows": result.counts.num_rows, "best_row": row}
        return result.counts.row(row), facts | {"best_setting": dict(first.settings[row])}
    training = [pair for pair in done if pair[0].facts["purpose"] == TRAINING]
    facts = {
        "angle_policy": first.facts["angle_policy"],
        "start_policy": first.facts["start_policy"],
        "rounds": len(training),
        "rows": sum(result.counts.num_rows for _, result in training),
        "training_shots": sum(result.shots * result.counts.num_rows for _, result in training),
    }
    for kernel, result in done:
        if kernel.facts["purpose"] == CONFIRMATION:
            known = {key: kernel.facts[key] for key in ("predicted_gain", "resolution")}
            return result.counts.row(0), facts | known | {"confirmed": True, "best_setting": dict(kernel.settings[0])}
    ansatz = ansatz_of(instance, first.facts)
    return _scored_half(ansatz, training), facts | {"confirmed": False}


def _scored_half(ansatz: Ansatz, training: Results) -> Sampled | None:
    """Choose a setting by one half of every row's shots, and return the other half of the chosen row's.

    For training that ended before its confirmation, as a budget may end it. The half that is scored has no part in this
    choice, so that its mean is not flattered by it; it only had one in where later rounds measured.
    """
    halves = [_halves(result.counts, seed_from(ansatz.instance.fingerprint, k.label)) for k, result in training]
    pairs = [(kernel, counts) for (kernel, _), (counts, _) in zip(training, halves, strict=True)]
    places, measured, _ = measurements(ansatz, pairs)
    if not places:
        return None
    number, row = places[best_point(measured)]
    outcomes, counts = halves[number][1].row(row)
    return (outcomes[counts > 0], counts[counts > 0]) if counts.any() else None


def _halves(counts: RawCounts, seed: int) -> tuple[RawCounts, RawCounts]:
    """Divide every row's shots at random; the first half has the odd shot."""
    rng = np.random.default_rng(seed)
    rows = [counts.row(row)[1] for row in range(counts.num_rows)]
    second = np.concatenate([rng.multivariate_hypergeometric(row, int(row.sum()) // 2) for row in rows])
    return replace(counts, counts=counts.counts - second), replace(counts, counts=second)
