"""From the samples of a decomposed instance's parts to scores: merged cuts, and the same around random bits.

The samples of all parts are split into batches and each batch is merged on its own, so that the merged cut has an
interval; the sample of these methods is a batch, not a shot (``facts["shots_per_trial"]``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.model.fingerprint import seed_from
from hybrid_assets.model.results import Role
from hybrid_assets.scoring.samples import DESCENT, Origin, descend, outcome_bits, random_outcomes
from hybrid_assets.workloads._maxcut_merge import merge
from hybrid_assets.workloads._maxcut_problem import edge_weights, problem_of, subgraph
from hybrid_assets.workloads._maxcut_scores import CONTROL, choose_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hybrid_assets.model.problem import BinaryQuadratic
    from hybrid_assets.model.results import Reference, Score
    from hybrid_assets.scoring.samples import Sampled
    from hybrid_assets.workloads._maxcut_scores import Results

    Parts = tuple[tuple[int, ...], ...]

#: Disjoint batches that are merged each on its own: enough for Student's interval.
NUM_BATCHES = 16
#: Best distinct cuts of a part that a merge may choose from.
NUM_CANDIDATES = 16


def score_merged(
    problem: BinaryQuadratic, results: Results, *, seed: str, descent: bool, reference: Reference | None
) -> list[Score]:
    """Score the depths of which all parts are there, and the control; kernels of the whole are left out.

    Args:
        problem: The whole problem.
        results: Finished kernels.
        seed: Fixes the random bits and the batches.
        descent: Whether descended cuts are scored too.
        reference: Value to reach.
    """
    scores: list[Score] = []
    depths = dict(_complete_depths(results))
    for depth, parts in depths.items():
        chosen = [choose_row(problem_of(problem, kernel.facts), kernel, result.counts) for kernel, result in parts]
        origin = Origin(
            role=Role.QUANTUM,
            shots=sum(result.shots * result.counts.num_rows for _, result in parts),
            reference=reference,
            kernel_ids=tuple(result.kernel_id for _, result in parts),
            facts={"depth": depth, "angle_policies": sorted({facts["angle_policy"] for _, facts in chosen})},
        )
        sampled = [result.counts.row(row) for (row, _), (_, result) in zip(chosen, parts, strict=True)]
        merged = _merged(problem, _nodes(parts), sampled, seed=seed)
        scores += _stages(problem, origin, f"qaoa_p{depth}+merge", merged, descent=descent)
    for parts in list(depths.values())[:1]:  # one control serves all depths
        drawn = [
            random_outcomes(len(kernel.facts["nodes"]), samples, seed_from(seed, CONTROL, str(p)))
            for p, (kernel, samples) in enumerate(zip((k for k, _ in parts), _effort(depths), strict=True))
        ]
        origin = Origin(role=Role.CONTROL, shots=sum(_effort(depths)), reference=reference)
        merged = _merged(problem, _nodes(parts), drawn, seed=seed)
        scores += _stages(problem, origin, f"{CONTROL}+merge", merged, descent=descent)
    return scores


def _complete_depths(results: Results) -> Iterator[tuple[int, Results]]:
    """Yield each depth of which all parts are there, its parts in order."""
    parts = [(kernel, result) for kernel, result in results if "nodes" in kernel.facts]
    for depth in dict.fromkeys(kernel.facts["depth"] for kernel, _ in parts):
        chosen = [(kernel, result) for kernel, result in parts if kernel.facts["depth"] == depth]
        if len(chosen) == chosen[0][0].facts["num_parts"]:
            yield depth, sorted(chosen, key=lambda pair: int(pair[0].facts["part"]))


def _effort(depths: dict[int, Results]) -> list[int]:
    """Return, for each part, the samples of the depth that took most, all rows of its angles included."""
    taken = [[result.shots * result.counts.num_rows for _, result in parts] for parts in depths.values()]
    return [max(of_part) for of_part in zip(*taken, strict=True)]


def _nodes(parts: Results) -> Parts:
    return tuple(tuple(kernel.facts["nodes"]) for kernel, _ in parts)


def _stages(problem: BinaryQuadratic, origin: Origin, label: str, merged: np.ndarray, *, descent: bool) -> list[Score]:
    """Score merged cuts of shape (batches, n), as they are and descended."""
    batches = len(merged)
    facts = {**origin.facts, "batches": batches, "shots_per_trial": origin.shots / batches}
    origin = replace(origin, facts=facts)
    points = {label: merged} | ({label + DESCENT: descend(problem, merged)} if descent else {})
    ones = np.ones(batches, dtype=np.int64)
    return [origin.score(problem, bits, ones, method=method) for method, bits in points.items()]


def _merged(problem: BinaryQuadratic, parts: Parts, sampled: Sequence[Sampled], *, seed: str) -> np.ndarray:
    """Merge disjoint random batches of every part's samples; shape (batches, n)."""
    weights = edge_weights(problem)
    batches = min(NUM_BATCHES, *(int(counts.sum()) for _, counts in sampled))
    candidates: list[list[np.ndarray]] = [[] for _ in range(batches)]
    for p, (nodes, (outcomes, counts)) in enumerate(zip(parts, sampled, strict=True)):
        part = subgraph(problem, nodes)
        shuffled = np.random.default_rng(seed_from(seed, "batches", str(p))).permutation(np.repeat(outcomes, counts))
        for batch, drawn in zip(candidates, np.array_split(shuffled, batches), strict=True):
            batch.append(_candidates(part, drawn))
    return np.array([merge(weights, parts, batch) for batch in candidates])


def _candidates(part: BinaryQuadratic, drawn: np.ndarray) -> np.ndarray:
    """Return the best distinct cuts among samples, best first, shape (candidates, nodes); node 0 is on side 0."""
    turned = np.uint64((1 << part.num_variables) - 1)
    distinct = np.unique(np.where(drawn & np.uint64(1), drawn ^ turned, drawn))
    bits = outcome_bits(distinct, part.num_variables)
    return bits[np.argsort(-part.values(bits), kind="stable")[:NUM_CANDIDATES]]
