"""Derived angles against published values and closed forms; ramps and grids by hand."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

from hybrid_assets.circuits.angles import (
    GRID_BETA,
    GRID_GAMMA,
    coupling_scale,
    fixed_angles,
    grid_angles,
    num_shifts,
    ramp_angles,
    shifted_angles,
    shifts_between,
    transfer_gamma,
    tree_cut_fraction,
)
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.problem import BinaryQuadratic

#: Depth -> cut fraction, gammas, betas of 3-regular graphs of girth >= 2p + 2. Depth 1 is 1/2 + 1/(3 sqrt 3); 2 and 3
#: are the tree iteration's, checked by statevector on girth 6 and by matrix products on the 30-qubit light cone.
CUBIC = {
    1: (0.6924500897298755, [0.6154797086703874], [0.39269908169872414]),
    2: (0.7559064584, [0.4878355254233761, 0.8978391472376817], [0.5549041534353658, 0.2923807226377442]),
    3: (
        0.7923984287,
        [0.42186114087290355, 0.7984024834183174, 0.9369805432759858],
        [0.6089502315980527, 0.4595677194694986, 0.2356701455397048],
    ),
}


def cut_of(graph: nx.Graph, weight: float = 1.0) -> BinaryQuadratic:
    edges = sorted((min(e), max(e)) for e in graph.edges)
    return BinaryQuadratic(
        num_variables=len(graph),
        linear=tuple(weight * graph.degree[v] for v in range(len(graph))),
        pairs=tuple(edges),
        weights=(-2.0 * weight,) * len(edges),
    )


@pytest.mark.parametrize("depth", CUBIC)
def test_tree_cut_fraction_of_reference_angles_is_the_reference(depth):
    fraction, gamma, beta = CUBIC[depth]
    assert tree_cut_fraction(np.array(gamma), np.array(beta), degree=3) == pytest.approx(fraction, abs=1e-8)


@pytest.mark.parametrize("depth", CUBIC)
def test_fixed_angles_of_cubic_graphs_are_the_reference(depth):
    """The value to 1e-8; the angles to the digits kept, as the value is flat around them."""
    fraction, gamma, beta = CUBIC[depth]
    (found_gamma,), (found_beta,) = fixed_angles(depth, 3)
    assert tree_cut_fraction(found_gamma, found_beta, degree=3) == pytest.approx(fraction, abs=1e-8)
    np.testing.assert_allclose(found_gamma, gamma, atol=2e-5)
    np.testing.assert_allclose(found_beta, beta, atol=2e-5)


@pytest.mark.parametrize("degree", [2, 3, 4, 5, 9])
def test_fixed_angles_of_depth_1_are_the_closed_form(degree):
    """1/2 + (1/(2 sqrt D)) (1 - 1/D)^((D - 1)/2) at gamma = arctan(1/sqrt(D - 1)), beta = pi/8."""
    gamma, beta = fixed_angles(1, degree)
    assert gamma.tolist() == [[pytest.approx(math.atan(1 / math.sqrt(degree - 1)), abs=1e-15)]]
    assert beta.tolist() == [[math.pi / 8]]
    expected = 0.5 + (1 - 1 / degree) ** ((degree - 1) / 2) / (2 * math.sqrt(degree))
    assert tree_cut_fraction(gamma[0], beta[0], degree=degree) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_fixed_angles_of_rings_reach_the_known_optimum(depth):
    """Rings longer than 2p + 1 have the optimum (2p + 1)/(2p + 2): 3/4, 5/6, 7/8, 9/10."""
    (gamma,), (beta,) = fixed_angles(depth, 2)
    optimum = (2 * depth + 1) / (2 * depth + 2)
    assert tree_cut_fraction(gamma, beta, degree=2) == pytest.approx(optimum, abs=1e-8)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_fixed_angles_of_a_matching_cut_every_edge(depth):
    (gamma,), (beta,) = fixed_angles(depth, 1)
    assert tree_cut_fraction(gamma, beta, degree=1) == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize("degree", [3, 4, 7])
def test_fixed_angles_improve_with_depth_on_the_tree(degree):
    values = [tree_cut_fraction(*(row[0] for row in fixed_angles(p, degree)), degree=degree) for p in (1, 2, 3)]
    assert values == sorted(set(values))


def test_tree_cut_fraction_with_the_other_sign_is_the_complement():
    (gamma,), (beta,) = fixed_angles(2, 3)
    both = tree_cut_fraction(gamma, beta, degree=3) + tree_cut_fraction(-gamma, beta, degree=3)
    assert both == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(("depth", "degree"), [(0, 3), (6, 3), (1, 0)])
def test_fixed_angles_refuses_what_is_not_derived(depth, degree):
    with pytest.raises(ConfigurationError, match=rf"not for depth {depth}, degree {degree}. Take the policy 'ramp'."):
        fixed_angles(depth, degree)


def test_fixed_angles_cannot_be_spoiled_by_a_caller():
    """They are cached: one caller's change would be every caller's."""
    gamma, _ = fixed_angles(2, 3)
    with pytest.raises(ValueError, match="read-only"):
        gamma[0, 0] = 0.0


def test_ramp_angles_are_taken_in_the_middle_of_each_step():
    """Two steps, middles 1/4 and 3/4: gamma 1.2/4 = .3 and .9, beta .6 * 3/4 = .45 and .15."""
    gamma, beta = ramp_angles(2)
    np.testing.assert_allclose(gamma, [[0.3, 0.9]], atol=1e-15)
    np.testing.assert_allclose(beta, [[0.45, 0.15]], atol=1e-15)


def test_ramp_angles_of_depth_1_are_near_the_cubic_optimum():
    """(.6, .3) beside the optimum (.615, .393) gives nearly all of the 19 % gained over random bits."""
    gamma, beta = ramp_angles(1)
    assert tree_cut_fraction(gamma[0], beta[0], degree=3) > 0.5 + 0.9 * 0.19245


def test_grid_angles_has_every_pair_of_slopes_once():
    gamma, beta = grid_angles(3, 4)
    assert gamma.shape == beta.shape == (16, 3)
    assert len({(g, b) for g, b in zip(gamma[:, 0].round(9), beta[:, 0].round(9), strict=True)}) == 16
    ends = ramp_angles(3, GRID_BETA[1], GRID_GAMMA[1])
    np.testing.assert_allclose([gamma[-1], beta[-1]], [ends[0][0], ends[1][0]])


def test_grid_angles_of_depth_1_hold_good_ones():
    """The best of 5 x 5 settings is within .001 of the optimum 0.69245 of cubic graphs."""
    gamma, beta = grid_angles(1, 5)
    best = max(tree_cut_fraction(g, b, degree=3) for g, b in zip(gamma, beta, strict=True))
    assert best == pytest.approx(0.69245, abs=2e-3)


def test_grid_angles_of_size_1_is_the_middle():
    gamma, beta = grid_angles(1, 1)
    assert (gamma.item(), beta.item()) == (pytest.approx(sum(GRID_GAMMA) / 4), pytest.approx(sum(GRID_BETA) / 4))


@pytest.mark.parametrize(
    ("degree", "expected"), [(0.5, math.pi / 2), (1, math.pi / 2), (2, math.pi / 4), (3, 0.6154797086703874)]
)
def test_transfer_gamma_is_the_depth_1_optimum(degree, expected):
    assert transfer_gamma(degree) == pytest.approx(expected, abs=1e-15)


def test_coupling_scale_is_1_on_unweighted_cubic_graphs():
    assert coupling_scale(cut_of(nx.petersen_graph())) == pytest.approx(1.0, abs=1e-15)


def test_coupling_scale_undoes_the_unit_of_the_weights():
    assert coupling_scale(cut_of(nx.petersen_graph(), weight=8.0)) == pytest.approx(1 / 8, abs=1e-15)


def test_coupling_scale_shrinks_with_the_degree():
    """K5: degree 4, arctan(1/sqrt 3) = pi/6 against arctan(1/sqrt 2)."""
    assert coupling_scale(cut_of(nx.complete_graph(5))) == pytest.approx((math.pi / 6) / 0.6154797086703874)


def test_coupling_scale_without_couplings_is_1():
    assert coupling_scale(BinaryQuadratic(num_variables=2, linear=(1.0, 2.0), pairs=(), weights=())) == 1.0


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_shifts_of_shifted_angles_are_the_shifts(depth):
    """Up to rounding of the angles to 5 digits, over the smaller unit: 5e-6 / .15, and a sum over the layers."""
    start = ramp_angles(depth)
    shifts = np.random.default_rng(depth).normal(size=(6, num_shifts(depth)))
    gammas, betas = shifted_angles(start, shifts)
    assert gammas.shape == betas.shape == (6, depth)
    assert shifts_between(start, gammas, betas) == pytest.approx(shifts, abs=1e-4)


def test_no_shift_is_the_start_exactly():
    start = fixed_angles(1, 3)
    gammas, betas = shifted_angles(start, np.zeros((1, 2)))
    assert gammas.tolist() == start[0].tolist()
    assert betas.tolist() == start[1].tolist()


def test_shifts_of_depth_1_are_gamma_and_beta():
    gammas, betas = shifted_angles((np.array([[0.5]]), np.array([[0.4]])), np.array([[1.0, 0.0], [0.0, -2.0]]))
    assert gammas[:, 0].tolist() == pytest.approx([0.8, 0.5])
    assert betas[:, 0].tolist() == pytest.approx([0.4, 0.1])


def test_shifts_of_depth_2_reach_every_setting():
    start = ramp_angles(2)
    gammas, betas = np.array([[1.3, -0.2]]), np.array([[0.1, 0.9]])
    again = shifted_angles(start, shifts_between(start, gammas, betas))
    assert again[0] == pytest.approx(gammas, abs=1e-5)
    assert again[1] == pytest.approx(betas, abs=1e-5)


def test_shifts_beyond_depth_2_stay_smooth():
    """Level and slope only: the second differences of a shifted ramp vanish, as those of the ramp do."""
    gammas, betas = shifted_angles(ramp_angles(6), np.array([[0.7, -1.1, 0.2, 0.5]]))
    assert np.diff(gammas, n=2) == pytest.approx(np.zeros((1, 4)), abs=1e-4)
    assert np.diff(betas, n=2) == pytest.approx(np.zeros((1, 4)), abs=1e-4)
    assert num_shifts(6) == 4
