"""The Aer provider, ideal and as a device with and without noise, keeps every promise of the protocol."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_assets import registry
from hybrid_assets.model.jobs import ExecutionKind
from hybrid_assets.testing import assert_provider_api
from hybrid_assets_tests.unit.providers.pubs import compiled, direct_distributions, pub, qaoa, request

GRAPHS = {"path": ((0, 1), (1, 2), (2, 3)), "star": ((0, 1), (0, 2), (0, 3))}
VALUES = np.random.default_rng(4).uniform(-1.5, 1.5, (5, 2))
SHOTS = 4000


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """One state folder, so that the device is read once."""
    return tmp_path_factory.mktemp("state")


@pytest.mark.parametrize(
    ("backend", "options", "kind"),
    [
        ("ideal", {}, ExecutionKind.STATEVECTOR),
        ("exact", {"device": "fake_torino", "noise": False}, ExecutionKind.STATEVECTOR),
        ("noisy", {"device": "fake_torino"}, ExecutionKind.DENSITY_MATRIX),
        ("mixed", {"device": "fake_torino", "density_matrix_qubits": 2}, ExecutionKind.DEPOLARIZED),
    ],
)
def test_aer_keeps_the_promises_of_a_provider(state, backend, options, kind):
    plugin = registry.provider_class("aer")
    target = plugin.from_settings(backend, options, state).target()
    isas = [compiled(qaoa(4, edges, 1), target) for edges in GRAPHS.values()]
    pubs = [pub(isa, VALUES, kernel_id=f"k{i}", shots=SHOTS, seed=i) for i, isa in enumerate(isas)]
    job = request(*pubs, backend=backend, request_id=f"request-{backend}")
    result = assert_provider_api(lambda: plugin.from_settings(backend, options, state), job)
    assert [done.execution for done in result.pubs] == [kind, kind]
    assert result.calibration_id == target.calibration_id
    statistics = [
        _chi_square(done.counts, direct_distributions(isa, VALUES)) for isa, done in zip(isas, result.pubs, strict=True)
    ]
    # 5 rows of 16 outcomes: 75 degrees of freedom, standard deviation sqrt(150) = 12.2; 75 + 5 x 12.2 = 136.
    assert all((statistic < 136) is (kind is ExecutionKind.STATEVECTOR) for statistic in statistics)


def _chi_square(counts, ideal):
    """Return the distance of counts from a noise-free distribution; noise drives it far beyond chance."""
    seen = np.zeros(ideal.shape)
    for row in range(ideal.shape[0]):
        outcomes, times = counts.row(row)
        seen[row, outcomes.astype(int)] = times
    return float(((seen - SHOTS * ideal) ** 2 / (SHOTS * ideal)).sum())
