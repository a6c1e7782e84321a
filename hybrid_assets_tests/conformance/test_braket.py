"""Braket, as a local simulator and as a device behind the service, keeps every promise of the protocol."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_assets.model.jobs import ExecutionKind
from hybrid_assets.providers._braket_aws import AwsBraket
from hybrid_assets.providers.braket import BraketProvider
from hybrid_assets.testing import assert_provider_api
from hybrid_assets_tests.unit.providers.braket_aws import FakeAws, assert_sampled, capabilities, options
from hybrid_assets_tests.unit.providers.pubs import compiled, direct_distributions, pub, qaoa, request

GRAPHS = {"path": ((0, 1), (1, 2), (2, 3)), "star": ((0, 1), (0, 2), (0, 3))}
VALUES = np.random.default_rng(4).uniform(-1.5, 1.5, (3, 2))
SHOTS = 1000


def _job(target, backend):
    isas = [compiled(qaoa(4, edges, 1), target) for edges in GRAPHS.values()]
    pubs = [pub(isa, VALUES, kernel_id=f"k{i}", shots=SHOTS, seed=i) for i, isa in enumerate(isas)]
    return isas, request(*pubs, backend=backend, request_id=f"request-{backend}")


def _assert_samples(result, isas):
    """Compare with Qiskit's own statevector; noise-free, but not seeded."""
    for done, isa in zip(result.pubs, isas, strict=True):
        assert_sampled(done.counts, direct_distributions(isa, VALUES), SHOTS)


@pytest.mark.parametrize(
    ("local", "kind"), [("braket_sv", ExecutionKind.STATEVECTOR), ("braket_dm", ExecutionKind.DENSITY_MATRIX)]
)
def test_local_simulator_keeps_the_promises_of_a_provider(tmp_path, local, kind):
    def make():
        return BraketProvider.from_settings(local, {"local": local}, tmp_path)

    isas, job = _job(make().target(), local)
    result = assert_provider_api(make, job)
    assert [done.execution for done in result.pubs] == [kind, kind]
    assert result.calibration_id == make().target().calibration_id
    assert make().estimate(job).money == 0.0
    _assert_samples(result, isas)


def test_device_keeps_the_promises_of_a_provider(tmp_path):
    """Two kernels with three rows each are one task; compiled for the device, on its own qubits."""
    aws = FakeAws(capabilities(qubits=(1, 2, 3, 5, 6)))

    def make():
        return AwsBraket("garnet", options(), tmp_path, connect=aws.connect)

    isas, job = _job(make().target(), "garnet")
    result = assert_provider_api(make, job, wait=lambda _: None)
    assert [done.execution for done in result.pubs] == [ExecutionKind.QPU, ExecutionKind.QPU]
    assert result.calibration_id == make().target().calibration_id
    assert len(aws.tasks) == 1
    # One task of 6 executables: 0.30 + 6 x 1000 x 0.00145 = 9.00.
    assert result.billed_money == make().estimate(job).money == pytest.approx(9.0)
    assert result.billed_s == 0.0
    _assert_samples(result, isas)
