"""Canonical numbering of small weighted graphs, so that relabelled copies are the same instance.

Put graph isomorphism here; keep what is numbered out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Larger graphs are not canonized: a copy with other ids is hardly met, and the search grows with n^3.
MAX_CANONICAL_NODES = 64
#: Numberings looked at before a graph counts as too symmetric. Symmetric cubic graphs need up to a few hundred (Heawood
#: 336, one for each automorphism), and a thousand take about a second.
MAX_LEAVES = 1000


def canonical_numbering(n: int, edges: Mapping[tuple[int, int], float]) -> list[int] | None:
    """Number the nodes by structure alone.

    Color refinement with individualization; among all numberings it reaches, the one with the least edge list wins.
    Twins (nodes whose exchange changes nothing) are not told apart, so that complete graphs and stars stay cheap.

    Args:
        n: Number of nodes.
        edges: Weight of each edge of nodes 0 .. n - 1.

    Returns:
        New number of each node; None when the graph is too large or too symmetric.
    """
    if n > MAX_CANONICAL_NODES:
        return None
    near: list[list[tuple[float, int]]] = [[] for _ in range(n)]
    for (u, v), weight in edges.items():
        near[u].append((weight, v))
        near[v].append((weight, u))
    best: tuple[list[tuple[int, int, float]], list[int]] | None = None
    leaves, stack = 0, [[0] * n]
    while stack:
        color = _refine(stack.pop(), near)
        cell = _first_shared(color)
        if cell:
            stack += [[2 * c - (u == v) for u, c in enumerate(color)] for v in _without_twins(cell, near)]
            continue
        leaves += 1
        if leaves > MAX_LEAVES:
            return None
        found = (sorted((min(color[u], color[v]), max(color[u], color[v]), w) for (u, v), w in edges.items()), color)
        best = min(best or found, found)
    return best[1] if best else None


def _refine(color: list[int], near: Sequence[Sequence[tuple[float, int]]]) -> list[int]:
    """Split color classes by the colors and weights around each node until none splits."""
    classes = 0
    while classes < len(set(color)):
        classes = len(set(color))
        signature = [(color[v], sorted((w, color[u]) for w, u in near[v])) for v in range(len(color))]
        rank: dict[int, int] = {}
        previous = None
        for position, v in enumerate(sorted(range(len(color)), key=signature.__getitem__)):
            if signature[v] != previous:
                previous, current = signature[v], position
            rank[v] = current
        color = [rank[v] for v in range(len(color))]
    return color


def _first_shared(color: list[int]) -> list[int]:
    """Return the nodes of the first color that several share."""
    cells: dict[int, list[int]] = {}
    for v, c in enumerate(color):
        cells.setdefault(c, []).append(v)
    return next((cells[c] for c in sorted(cells) if len(cells[c]) > 1), [])


def _without_twins(cell: Sequence[int], near: Sequence[Sequence[tuple[float, int]]]) -> list[int]:
    """Keep one of all nodes that can be exchanged without changing the graph."""
    kept: list[int] = []
    for v in cell:
        if not any(_around(v, u, near) == _around(u, v, near) for u in kept):
            kept.append(v)
    return kept


def _around(v: int, other: int, near: Sequence[Sequence[tuple[float, int]]]) -> list[tuple[float, int]]:
    return sorted((w, u) for w, u in near[v] if u != other)
