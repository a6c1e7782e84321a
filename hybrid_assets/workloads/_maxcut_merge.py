"""The classical step that makes one cut of the cuts of the parts. Put merging here; it knows nothing of circuits.

A merged cut picks, for each part, one of its candidate cuts and whether it is turned over (all nodes change sides,
which leaves the part's own cut as it is). Which parts to turn over is a MaxCut on the graph of parts.
"""

from __future__ import annotations

import numpy as np

from hybrid_assets.scoring.samples import descend
from hybrid_assets.workloads._maxcut_problem import cut_problem

#: Up to here all 2^(parts - 1) orientations are tried, in about 5 ms; beyond, descents from many starts.
MAX_ENUMERATED_PARTS = 20
#: Starts of the descent beyond; one of them is the present orientation, so that a merge never loses ground.
NUM_STARTS = 64
#: An energy must fall by more than this share of the total weight; less is rounding.
RELATIVE_GAIN = 1e-12


def merge(weights: np.ndarray, parts: tuple[tuple[int, ...], ...], candidates: list[np.ndarray]) -> np.ndarray:
    """Combine candidate cuts of parts into a cut of the whole graph.

    Alternates two steps until neither helps: the best orientation of all parts for the present choices; then, part by
    part, the best candidate and orientation against all others.

    Args:
        weights: Symmetric edge weights, shape (n, n).
        parts: Nodes of each part.
        candidates: For each part its candidates, best first, shape (candidates, nodes of the part), 0/1.

    Returns:
        Side of each node, shape (n,), uint8; at least as good as the first candidates side by side.
    """
    spins, owner = _stack(len(weights), parts, candidates)
    bonds = spins @ weights @ spins.T  # (all candidates, all candidates); a candidate with itself: twice its energy
    choice = np.searchsorted(owner, np.arange(len(parts)))
    flip = np.ones(len(parts))
    least = RELATIVE_GAIN * np.abs(weights).sum()
    while True:
        flip = best_flips(bonds[np.ix_(choice, choice)], flip)
        if not _choose(bonds, owner, choice, flip, least=least):
            break
    sides: np.ndarray = (1 - flip @ spins[choice]) / 2
    return sides.astype(np.uint8)


def best_flips(bonds: np.ndarray, flip: np.ndarray) -> np.ndarray:
    """Minimize ``sum_{p<q} flip_p flip_q bonds_pq`` over flips of +1 and -1.

    Exact up to `MAX_ENUMERATED_PARTS`, otherwise the best of many descents.

    Args:
        bonds: Symmetric, shape (parts, parts); the diagonal does not count.
        flip: Present flips, shape (parts,): a start beyond the exact range.
    """
    num_parts = len(bonds)
    if num_parts > MAX_ENUMERATED_PARTS:
        edges = {(p, q): float(bonds[p, q]) for p in range(num_parts) for q in range(p + 1, num_parts) if bonds[p, q]}
        quotient = cut_problem(num_parts, edges)
        random_starts = np.random.default_rng(num_parts).integers(0, 2, (NUM_STARTS - 1, num_parts))
        bits = descend(quotient, np.vstack([(1 - flip) / 2, random_starts]))
        return np.asarray(1.0 - 2 * bits[quotient.values(bits).argmax()])
    # Orientations of the parts so far, doubled with each further part; part 0 stays, for turning over all is no change.
    energy = np.zeros(1)
    for p in range(1, num_parts):
        field = np.full(1, bonds[0, p])
        for q in range(1, p):
            field = np.concatenate([field + bonds[q, p], field - bonds[q, p]])
        energy = np.concatenate([energy + field, energy - field])
    turned = (int(energy.argmin()) << 1) >> np.arange(num_parts) & 1
    return np.asarray(1.0 - 2 * turned)


def _stack(n: int, parts: tuple[tuple[int, ...], ...], candidates: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return all candidates as spins on the whole graph (0 outside their part) and the part of each."""
    owner = np.repeat(np.arange(len(parts)), [len(bits) for bits in candidates])
    spins = np.zeros((len(owner), n))
    for number, (nodes, bits) in enumerate(zip(parts, candidates, strict=True)):
        spins[np.ix_(np.flatnonzero(owner == number), np.asarray(nodes))] = 1.0 - 2.0 * bits
    return spins, owner


def _choose(bonds: np.ndarray, owner: np.ndarray, choice: np.ndarray, flip: np.ndarray, *, least: float) -> bool:
    """Give each part in turn its best candidate and orientation, in place, until none changes; tell whether any did."""
    changed, again = False, True
    while again:
        again = False
        for p in range(len(choice)):
            own = np.flatnonzero(owner == p)
            others = np.delete(np.arange(len(choice)), p)
            field = bonds[np.ix_(own, choice[others])] @ flip[others]
            energy = bonds[own, own] / 2 - np.abs(field)
            now = choice[p] - own[0]
            best = int(energy.argmin())
            if energy[best] < bonds[choice[p], choice[p]] / 2 + flip[p] * field[now] - least:
                choice[p], flip[p] = own[best], -1.0 if field[best] > 0 else 1.0
                changed = again = True
    return changed
