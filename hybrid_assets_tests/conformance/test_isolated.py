"""An IQM fake backend in an environment of its own keeps every promise of the protocol; circuits are compiled here."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from hybrid_assets.circuits import payload
from hybrid_assets.circuits.transpile import compile_template
from hybrid_assets.model.circuits import CompileOptions
from hybrid_assets.model.jobs import ExecutionKind
from hybrid_assets.providers.isolated import IsolatedProvider
from hybrid_assets.testing import assert_provider_api
from hybrid_assets_tests.unit.providers.pubs import direct_distributions, pub, qaoa, request, slot

ROOT = Path(__file__).parents[2]
VALUES = np.random.default_rng(4).uniform(-1.5, 1.5, (5, 2))
SHOTS = 4000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def python():
    """The interpreter of the environment; the documented command makes it, or fails this test."""
    subprocess.run(["make", "env-iqm"], cwd=ROOT, check=True)
    return ROOT / ".venvs" / "iqm" / "bin" / "python"


def _ladder():
    """Return a circuit whose bit 0 is turned by slot 0, and whose other bits stay 0: tells the order of bits."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(3, 3)
    circuit.rx(slot(0), 0)
    circuit.measure(range(3), range(3))
    return circuit


@pytest.mark.parametrize("device", ["adonis", "apollo"])
def test_an_iqm_fake_backend_keeps_the_promises_of_a_provider(tmp_path, python, device):
    options = {"python": str(python), "adapter": "iqm_fake", "options": {"device": device}}

    def provider():
        return IsolatedProvider.from_settings("iqm", options, tmp_path)

    one = provider()
    target, description = one.target(), one.describe()
    assert {op.name for op in target.operations} == {"r", "cz", "measure"}
    assert all(0.0 < op.error < 0.2 for op in target.operations)
    assert "qiskit 2.1" in description.identity
    assert version("qiskit") not in description.identity

    templates = [qaoa(4, ((0, 1), (1, 2), (2, 3)), 1), _ladder()]
    compiled = [compile_template(payload.dump(t)[0], target, CompileOptions())[0] for t in templates]
    isas = [payload.parse(content) for content in compiled]
    values = [VALUES, np.array([[0.0], [np.pi]])]
    pubs = [
        pub(isa, v, kernel_id=f"k{i}", shots=SHOTS, seed=i) for i, (isa, v) in enumerate(zip(isas, values, strict=True))
    ]
    result = assert_provider_api(provider, request(*pubs, backend="iqm"), bound_s=300.0)

    assert [done.execution for done in result.pubs] == [ExecutionKind.DENSITY_MATRIX] * 2
    assert result.calibration_id == target.calibration_id
    # rx(0) leaves 000, rx(pi) makes bit 0 one: outcome 1. Three readouts of at most 10 % error each leave over 0.7.
    assert [_most_frequent(result.pubs[1].counts, row) for row in range(2)] == [0, 1]
    seen, ideal = _frequencies(result.pubs[0].counts, 16), direct_distributions(isas[0], VALUES)
    distances = 0.5 * np.abs(seen[:, None] - ideal[None]).sum(axis=-1)  # of each row seen from each row asked for
    own, others = np.diag(distances), distances[~np.eye(5, dtype=bool)]
    # It is the circuit, row by row. And noise is there: sampling alone gives about sqrt(16 / 4000) / 2 = 0.03.
    assert own.mean() < 0.5 * others.mean()
    assert own.max() > 0.06


def _frequencies(counts, size):
    seen = np.zeros((counts.num_rows, size))
    for row in range(counts.num_rows):
        outcomes, times = counts.row(row)
        seen[row, outcomes.astype(int)] = times / SHOTS
    return seen


def _most_frequent(counts, row):
    outcomes, times = counts.row(row)
    assert times.max() > 0.7 * SHOTS
    return int(outcomes[np.argmax(times)])
