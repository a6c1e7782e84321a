"""Semidefinite relaxation: a certified upper bound, and points by Goemans-Williamson rounding.

The relaxation replaces each spin by a unit vector. Low-rank block coordinate descent (the mixing method,
arXiv:1706.00476) solves it; its bound does not rely on convergence, because any dual vector gives one once the smallest
eigenvalue is known. Vectors become points by random hyperplanes (Goemans and Williamson 1995) and one-flip descent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.baselines._bound import safe_bound
from hybrid_assets.baselines._measurement import Measurement, best_point, exact_value, magnitude, supported_problem
from hybrid_assets.baselines._spin import spin_form
from hybrid_assets.model.problem import BinaryQuadratic
from hybrid_assets.scoring.samples import descend

if TYPE_CHECKING:
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.results import BaselineResult

#: The certificate is a dense eigenvalue problem, a tenth of a second at this size.
MAX_VARIABLES = 500
#: Random hyperplanes, each followed by one descent: as many as the control has starts.
NUM_HYPERPLANES = 1_000
#: Sweeps between two certificates, and the most sweeps there are.
SWEEPS_A_CHECK, MAX_SWEEPS = 50, 3_000
#: Stop when primal and dual value of the relaxation differ by less than this share of all couplings.
RELATIVE_GAP = 1e-6
#: Rounding errors of the eigenvalue and of the sums, as a share of all coefficients.
BOUND_MARGIN = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relaxation:
    """A solution of: maximize ``sum_ij couplings_ij v_i . v_j / 2`` over unit vectors."""

    #: Shape (n, rank).
    vectors: np.ndarray
    #: Value at these vectors.
    value: float
    #: Certified upper bound of the relaxation, and so of every choice of spins.
    bound: float
    sweeps: int
    #: ``finished``, ``sweep_limit`` or ``time_limit``; the bound holds in each case.
    status: str


def solve_relaxation(couplings: np.ndarray, *, rng: np.random.Generator, limit_s: float) -> Relaxation:
    """Solve the relaxation of a quadratic form in spins.

    Args:
        couplings: Symmetric with a zero diagonal, shape (n, n).
        rng: Source of the start vectors.
        limit_s: No further block of sweeps begins after that many seconds.
    """
    clock, n = Measurement(), couplings.shape[0]
    # From this rank on the low-rank problem has no local optima worth fearing (Barvinok-Pataki).
    vectors = rng.normal(size=(n, math.ceil(math.sqrt(2 * n)) + 1))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    classes = [(members, couplings[members]) for members in independent_classes(couplings)]
    bound, sweeps, status = math.inf, 0, "finished"
    while True:
        for _ in range(SWEEPS_A_CHECK):
            _sweep(vectors, classes)
        sweeps += SWEEPS_A_CHECK
        value, upper = certificate(couplings, vectors)
        bound = min(bound, upper)
        if bound - value <= RELATIVE_GAP * np.abs(couplings).sum() / 2:
            break
        if sweeps >= MAX_SWEEPS or clock.elapsed_s > limit_s:
            status = "sweep_limit" if sweeps >= MAX_SWEEPS else "time_limit"
            break
    return Relaxation(vectors=vectors, value=value, bound=bound, sweeps=sweeps, status=status)


def independent_classes(couplings: np.ndarray) -> list[np.ndarray]:
    """Partition the spins greedily into classes without couplings inside, so that a class can be moved at once."""
    n = couplings.shape[0]
    color = np.full(n, -1)
    for i in np.argsort(-np.count_nonzero(couplings, axis=1), kind="stable"):
        taken = set(color[np.flatnonzero(couplings[i])].tolist())
        color[i] = next(c for c in range(n) if c not in taken)
    return [np.flatnonzero(color == c) for c in range(int(color.max(initial=-1)) + 1)]


def certificate(couplings: np.ndarray, vectors: np.ndarray) -> tuple[float, float]:
    """Return the value of unit vectors and an upper bound of the relaxation that they certify.

    With y_i = (couplings v)_i . v_i, the matrix diag(y) - couplings is positive semidefinite at the optimum. Elsewhere
    its smallest eigenvalue -e < 0 is mended by adding e to every y_i, so ``sum(y) / 2 + n e / 2`` is always a bound.
    """
    y = np.einsum("ij,ij->i", couplings @ vectors, vectors)
    smallest = float(np.linalg.eigvalsh(np.diag(y) - couplings)[0])
    value = float(y.sum()) / 2
    return value, value - y.size * min(smallest, 0.0) / 2


def _sweep(vectors: np.ndarray, classes: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Put every vector where its couplings pull it, class by class, in place."""
    for members, rows in classes:
        pull = rows @ vectors
        norm = np.sqrt(np.einsum("ij,ij->i", pull, pull))
        moved = norm > np.finfo(float).tiny
        vectors[members[moved]] = pull[moved] / norm[moved, None]


class SdpRounding:
    """Low-rank SDP bound, hyperplane rounding, one-flip descent."""

    name = "sdp_rounding"
    version = f"1 (numpy {np.__version__}, {NUM_HYPERPLANES} hyperplanes, gap {RELATIVE_GAP:g}, {MAX_SWEEPS} sweeps)"

    def supports(self, instance: ProblemInstance) -> bool:
        """Binary quadratic problems of up to `MAX_VARIABLES` variables without a cardinality."""
        problem = instance.problem
        return (
            isinstance(problem, BinaryQuadratic)
            and problem.cardinality is None
            and 1 <= problem.num_variables <= MAX_VARIABLES
        )

    def solve(self, instance: ProblemInstance, *, seed: int, limit_s: float) -> BaselineResult:
        """Bound and round.

        Raises:
            ConfigurationError: The instance is not supported.
        """
        problem = supported_problem(self, instance)
        clock, rng = Measurement(), np.random.default_rng(seed)
        spin = spin_form(problem)
        couplings = spin.couplings
        if not spin.is_symmetric:
            # One more spin carries the fields; a point is read relative to it.
            couplings = np.block([[couplings, spin.fields[:, None]], [spin.fields[None, :], np.zeros((1, 1))]])
        relaxation = solve_relaxation(couplings, rng=rng, limit_s=limit_s)
        rounded = _rounded(relaxation.vectors, problem.num_variables, rng=rng)
        point, p_best = best_point(problem, descend(problem, rounded))
        bound = safe_bound(problem, spin.offset + relaxation.bound, margin=BOUND_MARGIN * magnitude(problem))
        value = None if point is None else exact_value(problem, point)
        return clock.result(
            self,
            problem,
            seed=seed,
            point=point,
            bound=bound,
            proved=value is not None and value >= bound,
            facts={
                "status": relaxation.status,
                "gap": None if value is None else bound - value,
                "relaxation_bound": spin.offset + relaxation.bound,
                "relaxation_gap": relaxation.bound - relaxation.value,
                "sweeps": relaxation.sweeps,
                "rank": relaxation.vectors.shape[1],
                "hyperplanes": NUM_HYPERPLANES,
                "rounded_best": float(problem.values(rounded).max()),
                "p_best": p_best,
            },
        )


def _rounded(vectors: np.ndarray, n: int, *, rng: np.random.Generator) -> np.ndarray:
    """Cut the vectors by random hyperplanes; 0/1 array of shape (NUM_HYPERPLANES, n), 1 on the last vector's side."""
    side = vectors @ rng.normal(size=(vectors.shape[1], NUM_HYPERPLANES)) >= 0
    return np.asarray((side[:n] == side[-1]).T, dtype=np.uint8)
