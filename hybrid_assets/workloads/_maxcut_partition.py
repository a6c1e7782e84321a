"""Cutting a graph into parts that fit a kernel. Put how nodes are grouped here; merging is in `_maxcut_merge`."""

from __future__ import annotations

import numpy as np

#: An exchange must lighten the edges between parts by more than this share of the heaviest edge; less is rounding.
RELATIVE_GAIN = 1e-9


def partition(weights: np.ndarray, max_nodes: int) -> tuple[tuple[int, ...], ...]:
    """Group nodes into as few balanced parts as possible, with light edges between them.

    Each part grows from a node at the rim of what is left, always by the node it is tied to most; then pairs of nodes
    change places as long as that helps. Deterministic; ties go to the lower node.

    Args:
        weights: Symmetric edge weights, shape (n, n); their magnitude is the tie.
        max_nodes: Most nodes of a part.

    Returns:
        Sorted nodes of each part; sizes differ by at most one.
    """
    ties = np.abs(weights)
    n = len(ties)
    num_parts = -(-n // max_nodes)
    part = np.full(n, -1)
    for number in range(num_parts):
        _grow(part, number, size=n // num_parts + (number < n % num_parts), ties=ties)
    _exchange(part, num_parts, ties)
    return tuple(tuple(np.flatnonzero(part == number).tolist()) for number in range(num_parts))


def _grow(part: np.ndarray, number: int, *, size: int, ties: np.ndarray) -> None:
    """Add ``size`` free nodes to a part, in place."""
    inside = np.zeros(len(part))
    for _ in range(size):
        free = np.flatnonzero(part < 0)
        outside = ties[np.ix_(free, free)].sum(axis=1)
        chosen = free[np.lexsort((free, outside, -inside[free]))[0]]
        part[chosen] = number
        inside += ties[chosen]


def _exchange(part: np.ndarray, num_parts: int, ties: np.ndarray) -> None:
    """Swap the best pair of nodes, in place, until no swap lightens the edges between parts."""
    nodes = np.arange(len(part))
    link = ties @ (part[:, None] == np.arange(num_parts))  # (n, parts): tie of each node to each part
    while True:
        own = link[nodes, part]
        moved = link[:, part] - own[:, None]  # gain of node u in the place of node v
        gain = moved + moved.T - 2 * ties
        u, v = np.unravel_index(gain.argmax(), gain.shape)
        if gain[u, v] <= RELATIVE_GAIN * ties.max():
            return
        change = ties[:, v] - ties[:, u]
        link[:, part[u]] += change
        link[:, part[v]] -= change
        part[u], part[v] = part[v], part[u]
