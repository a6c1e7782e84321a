"""Where QAOA angles come from: derived fixed angles, linear ramps, grids of ramps, and shifts around any of them.

All angles are in the convention of `hybrid_assets.circuits.qaoa`, where an unweighted MaxCut edge has |J| = 1/2; other
costs are scaled to that first. Put rules for angles here; keep circuits and their slots out.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.circuits.qaoa import spin_form
from hybrid_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from hybrid_assets.model.problem import BinaryQuadratic

#: Deepest fixed angles that are derived: cost grows as p^2 4^p, so that p = 5 takes seconds and p = 6 a minute.
MAX_FIXED_DEPTH = 5
#: Slopes of the default ramp. The source takes .3 and, for |J| = 1, .6 (that is 1.2 here); on cubic graphs a beta slope
#: of .6 is better at every depth from 5 to 50.
DELTA_BETA, DELTA_GAMMA = 0.6, 1.2
#: Ends of the grid's slopes. At depth 1 the angles are half the slopes: beta .2 to .5, gamma .2 to 1.0. That holds the
#: optimum of D-regular graphs without triangles, beta = pi/8 = .39 and gamma = arctan(1/sqrt(D - 1)) = .79 to .34 for
#: D = 2 to 9; and at all depths the default ramp lies inside.
GRID_BETA, GRID_GAMMA = (0.4, 1.0), (0.4, 2.0)
#: Units of shifts in training, radians in all layers together: about the distance in which the expected cut changes
#: much, and the usual distance of a start to the best setting nearby (at depths 1 to 4 of six kinds of graphs).
UNIT_GAMMA, UNIT_BETA = 0.3, 0.15
#: Digits kept of a derived angle: costs 1e-10 of the cut fraction, and spares another kernel where another machine's
#: linear algebra differs in the last bits.
DIGITS = 5


def tree_cut_fraction(gamma: np.ndarray, beta: np.ndarray, *, degree: int) -> float:
    """Return the expected cut fraction <C>/m of QAOA on a degree-regular graph of girth at least 2p + 2.

    There the p-neighborhood of an edge is a tree, the same for every edge, and the expectation is p steps of an
    iteration over the 2p + 1 spins of one vertex's path (arXiv:2110.14206); its sums are XOR convolutions, done by
    Walsh transforms in O(p^2 4^p).

    Args:
        gamma: Shape (p,), radians.
        beta: Shape (p,), radians.
        degree: Number of edges at each vertex, at least 1.
    """
    p = len(gamma)
    size = 1 << (2 * p + 1)
    spin = _path_spins(p)  # a_1 .. a_p, a_0, a_-p .. a_-1
    weight = np.full(size, 0.5, dtype=complex)
    for j in range(p):
        b = beta[p - 1 - j]
        weight *= np.where(spin[j] == spin[j + 1], np.cos(beta[j]), 1j * np.sin(beta[j]))
        weight *= np.where(spin[p + j] == spin[p + j + 1], np.cos(b), -1j * np.sin(b))
    angle = (gamma @ spin[:p] - gamma[::-1] @ spin[p + 1 :]) / 2
    kernel = _walsh(np.cos(angle))
    branch = np.ones(size, dtype=complex)
    for _ in range(p):
        branch = (_walsh(_walsh(weight * branch) * kernel) / size) ** (degree - 1)
    root = spin[p] * weight * branch
    crossing = np.sum(root * _walsh(_walsh(root) * _walsh(np.sin(angle))) / size)
    return float(0.5 + (0.5j * crossing).real)


@cache
def fixed_angles(depth: int, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Derive the angles that are best on the degree-regular tree.

    On a regular graph of girth at least 2p + 2 the cut fraction is the tree's; on others the tree value is a
    conjectured lower bound (arXiv:2107.00677). Depth 1 is a closed form; a deeper optimum is found from the shallower
    one, stretched.

    Returns:
        Gammas and betas, shape (1, depth) each, radians, not writable.

    Raises:
        ConfigurationError: The depth is not in 1 .. `MAX_FIXED_DEPTH`, or the degree is below 1.
    """
    if not 1 <= depth <= MAX_FIXED_DEPTH or degree < 1:
        raise ConfigurationError(
            f"Fixed angles are derived for depths 1 to {MAX_FIXED_DEPTH} and degrees from 1, not for depth {depth}, "
            f"degree {degree}. Take the policy 'ramp'."
        )
    if depth == 1:
        angles = np.array([transfer_gamma(degree), math.pi / 8])
    else:
        start = np.concatenate([_stretch(row[0]) for row in fixed_angles(depth - 1, degree)])
        angles = _maximize(start, depth, degree)
    angles.setflags(write=False)
    return angles[None, :depth], angles[None, depth:]


def transfer_gamma(degree: float) -> float:
    """Return the best gamma of depth 1 on a regular graph without triangles, arctan(1/sqrt(degree - 1)).

    A degree up to 1 gives pi/2. The ratio of two degrees' values transfers gammas between graphs (arXiv:2201.11785).
    """
    return math.atan2(1.0, math.sqrt(max(degree - 1.0, 0.0)))


def coupling_scale(problem: BinaryQuadratic) -> float:
    """Return the factor on a cost that makes its phases add up as on an unweighted cubic graph (where it is 1).

    Inverse root mean square of the weights 2 J (arXiv:2305.15201; the maximum would leave spread-out weights with weak
    phases), times the transfer from the mean number of couplings of a variable to 3. Fields do not count.
    """
    _, _, couplings = spin_form(problem)
    strength = float(np.sqrt(np.mean(np.square(2 * couplings)))) if couplings.size else 0.0
    if strength == 0.0:
        return 1.0
    coupled = {i for pair in problem.pairs for i in pair}
    return transfer_gamma(2 * len(problem.pairs) / len(coupled)) / transfer_gamma(3) / strength


def ramp_angles(
    depth: int, delta_beta: float = DELTA_BETA, delta_gamma: float = DELTA_GAMMA
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ramp gamma_i = t_i delta_gamma, beta_i = (1 - t_i) delta_beta, t_i = (i + 1/2)/p, i = 0 .. p - 1.

    An annealing schedule in p steps (arXiv:2405.09169). The source takes gamma at the end and beta at the beginning of
    each step; the middle is about as good from depth 3 on and much better below, where those overshoot the optimum.

    Returns:
        Gammas and betas, shape (1, depth) each, radians, for costs scaled by `coupling_scale`.
    """
    t = (np.arange(depth) + 0.5)[None, :] / depth
    return delta_gamma * t, delta_beta * (1 - t)


def grid_angles(depth: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return size x size ramps whose slopes are evenly spaced over `GRID_GAMMA` and `GRID_BETA`, ends included.

    A size of 1 takes the middle of both.

    Returns:
        Gammas and betas, shape (size**2, depth) each, radians; the beta slope varies fastest.
    """
    gamma_slopes, beta_slopes = _spaced(GRID_GAMMA, size), _spaced(GRID_BETA, size)
    gamma, beta = ramp_angles(depth, 1.0, 1.0)
    return np.repeat(gamma_slopes, size)[:, None] * gamma, np.tile(beta_slopes, size)[:, None] * beta


def shifted_angles(start: tuple[np.ndarray, np.ndarray], shifts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the settings that lie some shifts away from one setting.

    Two coordinates at depth 1, the whole plane; four beyond: level and slope of the gammas, level and slope of the
    betas (`_modes`). That is every setting of depth 2, and for deeper ones a smooth family around a schedule, which few
    shots can explore (compare arXiv:1812.01041, whose best schedules are smooth). Shifts are rounded to `DIGITS`.

    Args:
        start: Gammas and betas, shape (1, depth) each, radians.
        shifts: Shape (rows, 2 or 4); 1 is `UNIT_GAMMA` or `UNIT_BETA` in all layers together.

    Returns:
        Gammas and betas, shape (rows, depth) each, radians.
    """
    modes = _modes(start[0].shape[1])
    gamma_shift, beta_shift = np.split(shifts, 2, axis=1)
    return (
        start[0] + (UNIT_GAMMA * gamma_shift @ modes).round(DIGITS),
        start[1] + (UNIT_BETA * beta_shift @ modes).round(DIGITS),
    )


def shifts_between(start: tuple[np.ndarray, np.ndarray], gammas: np.ndarray, betas: np.ndarray) -> np.ndarray:
    """Return the shifts of settings from a start, shape (rows, 2 or 4): `shifted_angles` undone, up to `DIGITS`."""
    modes = _modes(start[0].shape[1])
    return np.hstack([(gammas - start[0]) @ modes.T / UNIT_GAMMA, (betas - start[1]) @ modes.T / UNIT_BETA])


def num_shifts(depth: int) -> int:
    """Return how many coordinates the shifts of a depth have."""
    return 2 * len(_modes(depth))


def _modes(depth: int) -> np.ndarray:
    """Return orthonormal directions, shape (1 or 2, depth): all layers alike and, beyond depth 1, rising."""
    level = np.full(depth, 1.0)
    rise = np.arange(depth) - (depth - 1) / 2
    rows = [level, rise] if depth > 1 else [level]
    return np.array([row / np.linalg.norm(row) for row in rows])


def _spaced(ends: tuple[float, float], size: int) -> np.ndarray:
    return np.linspace(*ends, size) if size > 1 else np.array([sum(ends) / 2])


def _stretch(angles: np.ndarray) -> np.ndarray:
    """Interpolate the schedule of depth p at p + 1 points, as a start (arXiv:1812.01041)."""
    p = angles.size
    weight = np.arange(p + 1) / p
    padded = np.concatenate([[0.0], angles, [0.0]])
    return np.asarray(weight * padded[:-1] + (1 - weight) * padded[1:])


def _maximize(start: np.ndarray, depth: int, degree: int) -> np.ndarray:
    from scipy.optimize import minimize  # noqa: PLC0415 - imported late: it takes a tenth of a second

    def loss(angles: np.ndarray) -> float:
        return -tree_cut_fraction(angles[:depth], angles[depth:], degree=degree)

    found = minimize(loss, start, method="BFGS", jac="3-point", options={"gtol": 1e-7})
    return np.asarray(found.x, dtype=float).round(DIGITS)


@cache
def _path_spins(p: int) -> np.ndarray:
    outcomes = np.arange(1 << (2 * p + 1))
    return np.array([1 - 2 * ((outcomes >> k) & 1) for k in range(2 * p + 1)])


def _walsh(values: np.ndarray) -> np.ndarray:
    half = 1
    while half < values.size:
        pairs = values.reshape(-1, 2, half)
        values = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1).reshape(-1)
        half *= 2
    return values
