"""MaxCut as a binary quadratic problem. Put translations between graphs and objectives here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from hybrid_assets.model.problem import BinaryQuadratic
from hybrid_assets.scoring.local_search import coupling_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybrid_assets.model.problem import ProblemInstance


def objective_of(instance: ProblemInstance) -> BinaryQuadratic:
    """Return the objective of an instance of this workload."""
    return cast("BinaryQuadratic", instance.problem)  # `load` makes no other kind


def cut_problem(n: int, edges: Mapping[tuple[int, int], float]) -> BinaryQuadratic:
    """Return the cut size ``sum w (x_i + x_j - 2 x_i x_j)`` as an objective to maximize.

    Args:
        n: Number of nodes.
        edges: Weight of each edge (i, j), i < j, of nodes 0 .. n - 1.
    """
    incident: list[list[float]] = [[] for _ in range(n)]
    for (i, j), w in edges.items():
        incident[i].append(w)
        incident[j].append(w)
    pairs = tuple(sorted(edges))
    return BinaryQuadratic(
        num_variables=n,
        linear=tuple(math.fsum(terms) for terms in incident),
        pairs=pairs,
        weights=tuple(-2.0 * edges[pair] for pair in pairs),
    )


def edge_weights(problem: BinaryQuadratic) -> np.ndarray:
    """Return the edge weights of a `cut_problem`, symmetric, shape (n, n)."""
    return coupling_matrix(problem) / -2.0


def regular_degree(problem: BinaryQuadratic) -> int | None:
    """Return the degree of a regular graph whose edges weigh the same up to sign, else None.

    On a tree the signs can be gauged away by renaming sides, so that angles for unweighted regular graphs apply.
    """
    degrees = np.bincount(np.asarray(problem.pairs, dtype=np.intp).reshape(-1), minlength=problem.num_variables)
    if np.unique(degrees).size != 1 or len({abs(w) for w in problem.weights}) != 1:
        return None
    return int(degrees[0])


def subgraph(problem: BinaryQuadratic, nodes: Sequence[int]) -> BinaryQuadratic:
    """Return the MaxCut of the edges among some nodes; its variable k is ``nodes[k]`` (increasing)."""
    number = {node: k for k, node in enumerate(nodes)}
    edges = {
        (number[i], number[j]): w / -2.0
        for (i, j), w in zip(problem.pairs, problem.weights, strict=True)
        if i in number and j in number
    }
    return cut_problem(len(nodes), edges)


def problem_of(problem: BinaryQuadratic, facts: Mapping[str, Any]) -> BinaryQuadratic:
    """Return what a kernel of these facts solves: the whole problem, or its part on ``facts["nodes"]``."""
    return subgraph(problem, facts["nodes"]) if "nodes" in facts else problem
