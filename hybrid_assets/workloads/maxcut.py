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
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from hybrid_assets.circuits.angles import coupling_scale, fixed_angles, grid_angles, ramp_angles
from hybrid_assets.circuits.qaoa import qaoa_circuit, qaoa_values, shares_angles, unit_scale
from hybrid_assets.model.circuits import LogicalKernel
from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.model.problem import ProblemInstance, problem_to_document
from hybrid_assets.scoring.samples import outcome_values
from hybrid_assets.workloads._csv_input import instance_name
from hybrid_assets.workloads._maxcut_canonical import canonical_numbering
from hybrid_assets.workloads._maxcut_edges import read_edges
from hybrid_assets.workloads._maxcut_merged_scores import score_merged
from hybrid_assets.workloads._maxcut_options import parse_maxcut_options
from hybrid_assets.workloads._maxcut_partition import partition
from hybrid_assets.workloads._maxcut_problem import cut_problem, edge_weights, problem_of, regular_degree
from hybrid_assets.workloads._maxcut_scores import CONTROL, score_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hybrid_assets.model.jobs import KernelResult, RawCounts
    from hybrid_assets.model.problem import BinaryQuadratic
    from hybrid_assets.model.results import Reference, Score
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

        Raises:
            ProblemError: The file is refused; file, row and column are named.
        """
        name = instance_name(path, source=source, refusal=_WRONG_NAME)
        by_id = read_edges(path, source=source)
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
                "node_ids": sorted(ids, key=number.__getitem__),
            },
        )

    def kernels(
        self, instance: ProblemInstance, *, options: MaxCutOptions, max_qubits: int, shots: int
    ) -> Sequence[LogicalKernel]:
        """Return one kernel for each depth, or for each depth and part of an instance beyond ``max_qubits``."""
        problem = _objective_of(instance)
        if problem.num_variables <= max_qubits:
            return [_kernel(instance, problem, depth, options, shots) for depth in options.depths]
        parts = partition(edge_weights(problem), max_qubits)
        facts = [{"part": p, "num_parts": len(parts), "nodes": list(nodes)} for p, nodes in enumerate(parts)]
        return [
            _kernel(instance, problem_of(problem, part), depth, options, shots, part=part)
            for depth in options.depths
            for part in facts
        ]

    def evaluate(
        self, instance: ProblemInstance, kernel: LogicalKernel, counts: RawCounts
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (expected cut, best cut) of each row, shape (rows,) each; of a part, its own edges' only."""
        values = outcome_values(problem_of(_objective_of(instance), kernel.facts), counts.outcomes)
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
    ) -> Sequence[Score]:
        """Score every QAOA method and its control; see the table at the top of this module.

        A depth of a decomposed instance is scored when the results of all its parts are there.
        """
        problem, seed = _objective_of(instance), instance.fingerprint
        whole = score_whole(problem, results, seed=seed, descent=options.descent, reference=reference)
        return whole + score_merged(problem, results, seed=seed, descent=options.descent, reference=reference)

    def controls_of(self, method: str) -> Sequence[str]:
        """Return the method that takes the same steps around random bits; none for other than quantum methods."""
        match = _QUANTUM_METHOD.fullmatch(method)
        return (f"{CONTROL}{match[1]}",) if match else ()


def _objective_of(instance: ProblemInstance) -> BinaryQuadratic:
    return cast("BinaryQuadratic", instance.problem)  # `load` makes no other kind


def _angles(
    problem: BinaryQuadratic, depth: int, options: MaxCutOptions
) -> tuple[tuple[np.ndarray, np.ndarray], float, str]:
    """Return (gammas and betas, scale of the cost, policy that was really used)."""
    degree = regular_degree(problem)
    if options.policy == "fixed" and degree:
        return fixed_angles(depth, degree), unit_scale(problem), "fixed"
    if options.policy == "grid":
        return grid_angles(depth, options.grid_size), coupling_scale(problem), "grid"
    return ramp_angles(depth), coupling_scale(problem), "ramp"


def _kernel(
    instance: ProblemInstance,
    problem: BinaryQuadratic,
    depth: int,
    options: MaxCutOptions,
    shots: int,
    *,
    part: Mapping[str, Any] | None = None,
) -> LogicalKernel:
    (gammas, betas), scale, policy = _angles(problem, depth, options)
    shared = shares_angles(problem)
    circuit, names = qaoa_circuit(problem, depth, shared_angles=shared)
    return LogicalKernel(
        instance=instance.name,
        label=f"qaoa_p{depth}" if part is None else f"part{part['part']:02d}_p{depth}",
        circuit=circuit,
        parameter_names=names,
        values=qaoa_values(problem, gammas, betas, shared_angles=shared, scale=scale),
        shots=shots,
        settings=tuple({"gamma": g.tolist(), "beta": b.tolist()} for g, b in zip(gammas, betas, strict=True)),
        facts={
            "depth": depth,
            "angle_policy": policy,
            "angle_policy_asked": options.policy,
            "cost_scale": scale,
            **(part or {}),
        },
    )
