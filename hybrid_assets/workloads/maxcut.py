"""The workload `maxcut`: QAOA on weighted graphs, decomposed where they exceed a backend.

Start here; each ``_maxcut_*`` module beside it holds one step. Methods it scores, each with its control:

| n <= max_qubits | control | what |
| --- | --- | --- |
| ``qaoa_p{d}`` | ``random_bits`` | raw samples |
| ``qaoa_p{d}+descent`` | ``random_bits+descent`` | every sample after a greedy one-flip descent |

| n > max_qubits | control | what |
| --- | --- | --- |
| ``qaoa_p{d}+merge`` | ``random_bits+merge`` | samples of all parts, merged in batches |
| ``qaoa_p{d}+merge+descent`` | ``random_bits+merge+descent`` | every merged cut after a descent |

With ``angles: {policy: optimize}`` the angles are trained on the backend in rounds (`_maxcut_training`). The methods
are the same, but the shots of all rounds count, and controls take as many samples as all rounds together.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.model.problem import ProblemInstance, problem_to_document
from hybrid_assets.scoring.samples import outcome_values
from hybrid_assets.workloads._csv_input import instance_name
from hybrid_assets.workloads._maxcut_canonical import canonical_numbering
from hybrid_assets.workloads._maxcut_edges import read_edges
from hybrid_assets.workloads._maxcut_effort import efforts_of
from hybrid_assets.workloads._maxcut_kernels import ansatz_of, untrained_kernel
from hybrid_assets.workloads._maxcut_merged_scores import score_merged
from hybrid_assets.workloads._maxcut_options import parse_maxcut_options
from hybrid_assets.workloads._maxcut_partition import partition
from hybrid_assets.workloads._maxcut_problem import cut_problem, edge_weights, objective_of, problem_of, regular_degree
from hybrid_assets.workloads._maxcut_scores import CONTROL, score_whole
from hybrid_assets.workloads._maxcut_training import TRAINING, first_kernel, next_kernel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import KernelResult, RawCounts
    from hybrid_assets.model.results import Reference, Score
    from hybrid_assets.workloads._maxcut_kernels import Ansatz
    from hybrid_assets.workloads._maxcut_options import MaxCutOptions

_WRONG_NAME = "the file's name is the instance's name and may only hold a-z, 0-9, '.', '_' and '-'; rename the file"
_QUANTUM_METHOD = re.compile(r"qaoa_p\d+((?:\+merge)?(?:\+descent)?)")


class MaxCut:
    """Divide the nodes of a weighted graph so that the edges across weigh as much as possible."""

    name = "maxcut"
    version = "1"
    metric = "approximation_ratio"
    metric_is_relative = True
    description = "Largest cut of a weighted graph by QAOA."

    def parse_options(self, raw: Mapping[str, Any]) -> MaxCutOptions:
        """Return typed options: ``depths``, ``angles`` and ``descent``.

        Raises:
            ConfigurationError: A key is unknown or a value is wrong.
        """
        return parse_maxcut_options(raw)

    def load(self, path: Path, *, source: str, options: MaxCutOptions) -> ProblemInstance:  # noqa: ARG002 - protocol
        """Read an edge list and number its nodes by structure, so that a relabelled graph is the same instance.

        Graphs too large or too symmetric for that are numbered in the order of their ids (``facts["canonical"]``).
        ``facts["node_ids"]`` has the number or the name that the file gives to each variable.

        Raises:
            ProblemError: The file is refused; file, row and column are named.
        """
        name = instance_name(path, source=source, refusal=_WRONG_NAME)
        by_id, names = read_edges(path, source=source)
        ids = sorted({node for edge in by_id for node in edge})
        order = {node: k for k, node in enumerate(ids)}
        canonical = canonical_numbering(len(ids), {(order[u], order[v]): w for (u, v), w in by_id.items()})
        number = {node: canonical[k] if canonical else k for node, k in order.items()}
        edges = {(min(number[u], number[v]), max(number[u], number[v])): w for (u, v), w in by_id.items()}
        problem = cut_problem(len(ids), edges)
        return ProblemInstance(
            workload=self.name,
            name=name,
            fingerprint=fingerprint({"workload": self.name, "problem": problem_to_document(problem)}),
            num_variables=len(ids),
            source=source,
            problem=problem,
            facts={
                "num_edges": len(edges),
                "is_weighted": set(edges.values()) != {1.0},
                "regular_degree": regular_degree(problem),
                "canonical": canonical is not None,
                "node_ids": [names[k] if names else k for k in sorted(ids, key=number.__getitem__)],
            },
        )

    def kernels(
        self, instance: ProblemInstance, *, options: MaxCutOptions, max_qubits: int, shots: int
    ) -> Sequence[LogicalKernel]:
        """Return one kernel for each depth, or for each depth and part of an instance beyond ``max_qubits``.

        With ``angles: {policy: optimize}`` they are the first round of training.
        """
        training = options.training
        ansatzes = _ansatzes(instance, options, max_qubits)
        if training is None:
            return [untrained_kernel(ansatz, options, shots=shots) for ansatz in ansatzes]
        return [first_kernel(ansatz, training, shots=shots) for ansatz in ansatzes]

    def max_rounds(self, options: MaxCutOptions) -> int:
        """Return 1, or with ``optimize`` the rounds of training and the one that confirms."""
        return 1 if options.training is None else options.training.rounds + 1

    def next_round(
        self,
        instance: ProblemInstance,
        *,
        options: MaxCutOptions,
        max_qubits: int,  # noqa: ARG002 - protocol; the facts of a kernel say which part it is
        shots: int,
        history: Sequence[Sequence[tuple[LogicalKernel, KernelResult]]],
    ) -> Sequence[LogicalKernel]:
        """Return what each depth (of each part) that is still in training measures next; see `_maxcut_training`.

        A depth drops out once it is confirmed, or when a kernel of it failed for good: it is then scored from what it
        has measured.
        """
        if options.training is None or not history:
            return ()
        asked = []
        for kernel, _ in history[-1]:
            if kernel.facts["purpose"] == TRAINING:
                ansatz = ansatz_of(instance, kernel.facts)
                own = [(k, r.counts) for done in history for k, r in done if ansatz.made(k)]
                asked.append(next_kernel(ansatz, options.training, own, shots=shots, index=len(history)))
        return [kernel for kernel in asked if kernel is not None]

    def evaluate(
        self, instance: ProblemInstance, kernel: LogicalKernel, counts: RawCounts
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (expected cut, best cut) of each row, shape (rows,) each; of a part, its own edges' only."""
        values = outcome_values(problem_of(objective_of(instance), kernel.facts), counts.outcomes)
        rows = [slice(a, b) for a, b in zip(counts.offsets[:-1], counts.offsets[1:], strict=True)]
        seen = counts.row_sums()
        expected = np.divide(counts.row_sums(values), seen, out=np.full(len(rows), np.nan), where=seen > 0)
        return expected, np.array([values[row].max(initial=-np.inf) if values[row].size else np.nan for row in rows])

    def score(
        self,
        instance: ProblemInstance,
        *,
        options: MaxCutOptions,
        results: Sequence[tuple[LogicalKernel, KernelResult]],
        reference: Reference | None,
        missing: Sequence[LogicalKernel] = (),
    ) -> Sequence[Score]:
        """Score every QAOA method and its control; see the table at the top of this module.

        A depth without samples, or of a decomposed instance without those of all its parts, has no value. Trained
        angles are scored by `_maxcut_effort`'s rules, and their training counts in ``shots`` and ``kernel_ids``.
        """
        problem, seed, descent = objective_of(instance), instance.fingerprint, options.descent
        efforts = efforts_of(instance, results, missing)
        whole = [effort for effort in efforts if "nodes" not in effort.facts]
        parts = [effort for effort in efforts if "nodes" in effort.facts]
        scores = score_whole(problem, whole, seed=seed, descent=descent, reference=reference)
        return scores + score_merged(problem, parts, seed=seed, descent=descent, reference=reference)

    def controls_of(self, method: str) -> Sequence[str]:
        """Return the method that takes the same steps around random bits; none for other than quantum methods."""
        match = _QUANTUM_METHOD.fullmatch(method)
        return (f"{CONTROL}{match[1]}",) if match else ()


def _ansatzes(instance: ProblemInstance, options: MaxCutOptions, max_qubits: int) -> list[Ansatz]:
    """Return the templates of an instance: one a depth, or one a depth and part; depths in the options' order."""
    problem = objective_of(instance)
    facts: list[dict[str, Any]] = [{}]
    if problem.num_variables > max_qubits:
        parts = partition(edge_weights(problem), max_qubits)
        facts = [{"part": p, "num_parts": len(parts), "nodes": list(nodes)} for p, nodes in enumerate(parts)]
    return [ansatz_of(instance, {"depth": depth, **part}) for depth in options.depths for part in facts]
