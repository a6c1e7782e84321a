"""Graphs and files that several MaxCut tests share."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from hybrid_assets.workloads._maxcut_problem import cut_problem

if TYPE_CHECKING:
    from pathlib import Path

    from hybrid_assets.model.problem import BinaryQuadratic


def edges_of(graph: nx.Graph) -> dict[tuple[int, int], float]:
    """Return the weights (1.0 where there are none) of a graph on nodes 0 .. n - 1."""
    return {(min(u, v), max(u, v)): float(w) for u, v, w in graph.edges(data="weight", default=1.0)}


def cut_of(graph: nx.Graph) -> BinaryQuadratic:
    return cut_problem(len(graph), edges_of(graph))


def weighted(graph: nx.Graph, seed: int, *, signs: bool = False) -> nx.Graph:
    """Give every edge a weight: normal ones, or +1 and -1."""
    rng, result = np.random.default_rng(seed), nx.Graph()
    result.add_nodes_from(graph)
    for u, v in graph.edges:
        result.add_edge(u, v, weight=float(rng.choice([-1.0, 1.0])) if signs else float(rng.normal()))
    return result


def write_edges(path: Path, edges: dict[tuple[int, int], float], *, weights: bool = False) -> Path:
    """Write an edge list in the order given."""
    lines = [f"{u},{v},{w!r}" if weights else f"{u},{v}" for (u, v), w in edges.items()]
    path.write_text("\n".join(["source,target,weight" if weights else "source,target", *lines]) + "\n")
    return path


def relabelled(edges: dict[tuple[int, int], float], seed: int) -> dict[tuple[int, int], float]:
    """Give the nodes other, gappy ids, turn edges around and shuffle their order."""
    rng = np.random.default_rng(seed)
    nodes = sorted({node for edge in edges for node in edge})
    ids = dict(zip(nodes, rng.choice(10 * len(nodes), len(nodes), replace=False).tolist(), strict=True))
    items = [((ids[v], ids[u]), w) for (u, v), w in edges.items()]
    return {items[k][0]: items[k][1] for k in rng.permutation(len(items))}


def best_cut(edges: dict[tuple[int, int], float], n: int) -> float:
    """Try every cut, one edge at a time: the slow way, independent of the product."""
    return max(
        sum(w for (u, v), w in edges.items() if sides[u] != sides[v]) for sides in itertools.product((0, 1), repeat=n)
    )
