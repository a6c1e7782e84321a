"""From the samples of a decomposed instance's parts to scores: merged cuts, and the same around random bits.

The samples of all parts are split into batches and each batch is merged on its own, so that the merged cut has an
interval; the sample of these methods is a batch, not a shot (``facts["shots_per_trial"]``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.model.fingerprint import seed_from
from hybrid_assets.model.results import Role
from hybrid_assets.scoring.samples import DESCENT, Origin, descend, outcome_bits, random_outcomes
from hybrid_assets.workloads._maxcut_merge import merge
from hybrid_assets.workloads._maxcut_problem import edge_weights, subgraph
from hybrid_assets.workloads._maxcut_scores import CONTROL, failed_scores, missing_fact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.model.problem import BinaryQuadratic
    from hybrid_assets.model.results import Reference, Score
    from hybrid_assets.scoring.samples import Sampled
    from hybrid_assets.workloads._maxcut_effort import Effort

    Parts = tuple[tuple[int, ...], ...]

#: Disjoint batches that are merged each on its own: enough for Student's interval.
NUM_BATCHES = 16
#: Best distinct cuts of a part that a merge may choose from.
NUM_CANDIDATES = 16


def score_merged(
    problem: BinaryQuadratic, efforts: Sequence[Effort], *, seed: str, descent: bool, reference: Reference | None
) -> list[Score]:
    """Score the depths of a decomposed problem, and the control; a depth that lacks a part has no value.

    Args:
        problem: The whole problem.
        efforts: Every depth of every part.
        seed: Fixes the random bits and the batches.
        descent: Whether descended cuts are scored too.
        reference: Value to reach.
    """
    scores: list[Score] = []
    depths = _by_depth(efforts)
    for parts in depths:
        method = f"qaoa_p{parts[0].depth}+merge"
        sampled = [effort.sampled for effort in parts if effort.sampled is not None]
        if len(sampled) < parts[0].facts["num_parts"]:
            scores += failed_scores(method, parts, descent=descent)
            continue
        policies = sorted({effort.choice["angle_policy"] for effort in parts})
        origin = Origin(
            role=Role.QUANTUM,
            shots=sum(effort.shots for effort in parts),
            reference=reference,
            kernel_ids=tuple(kernel_id for effort in parts for kernel_id in effort.kernel_ids),
            facts={"depth": parts[0].depth, "angle_policies": policies, **_training(parts), **missing_fact(parts)},
        )
        scores += _stages(problem, origin, method, _merged(problem, _nodes(parts), sampled, seed=seed), descent=descent)
    known = [parts for parts in depths if len(parts) == parts[0].facts["num_parts"]]
    for parts in known[:1]:  # one control serves all depths
        shots = [max(effort.samples_for_control for effort in of_part) for of_part in zip(*known, strict=True)]
        drawn = [
            random_outcomes(len(effort.facts["nodes"]), samples, seed_from(seed, CONTROL, str(p)))
            for p, (effort, samples) in enumerate(zip(parts, shots, strict=True))
        ]
        origin = Origin(role=Role.CONTROL, shots=sum(shots), reference=reference)
        merged = _merged(problem, _nodes(parts), drawn, seed=seed)
        scores += _stages(problem, origin, f"{CONTROL}+merge", merged, descent=descent)
    return scores


def _by_depth(efforts: Sequence[Effort]) -> list[list[Effort]]:
    """Return the parts of each depth that are there at all, in order."""
    depths: dict[int, list[Effort]] = {}
    for effort in efforts:
        depths.setdefault(effort.depth, []).append(effort)
    return [sorted(parts, key=lambda effort: int(effort.facts["part"])) for parts in depths.values()]


def _training(parts: Sequence[Effort]) -> dict[str, Any]:
    """Return facts about the training of the parts, if there was any."""
    if "confirmed" not in parts[0].choice:
        return {}
    return {
        "confirmed": all(effort.choice["confirmed"] for effort in parts),
        "rounds": max(effort.choice["rounds"] for effort in parts),
        "training_shots": sum(effort.choice["training_shots"] for effort in parts),
    }


def _nodes(efforts: Sequence[Effort]) -> Parts:
    return tuple(tuple(effort.facts["nodes"]) for effort in efforts)


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
