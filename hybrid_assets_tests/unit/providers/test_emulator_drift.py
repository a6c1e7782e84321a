"""Calibrations of the emulated QPU over time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from hybrid_assets.providers._emulator_drift import Drift
from hybrid_assets.providers._noise import noise_model
from hybrid_assets_tests.unit.providers.pubs import line_device

SNAPSHOT = line_device(40, error=0.01, readout=0.001)
AT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


def drift(**changes):
    return Drift(**{"every_s": 3600.0, "sigma": 0.3, "qubits": None, "seed": 7, **changes})


def test_a_period_has_one_calibration_and_the_next_another():
    rule = drift()
    assert rule.period(AT) == rule.period(AT + timedelta(seconds=3599)) == rule.period(AT - timedelta(seconds=1)) + 1
    first, second = (rule.document(SNAPSHOT, period) for period in (5, 6))
    assert first == drift().document(SNAPSHOT, 5)
    assert len({SNAPSHOT.calibration_id, first.calibration_id, second.calibration_id}) == 3
    assert drift(seed=8).document(SNAPSHOT, 5).calibration_id != first.calibration_id
    assert first.calibrated_at == datetime(1970, 1, 1, 5, 0, tzinfo=UTC)


def test_the_structure_and_coherence_times_stay():
    changed = drift().document(SNAPSHOT, 5)
    assert (changed.structure_sha, changed.t1_t2_s) == (SNAPSHOT.structure_sha, SNAPSHOT.t1_t2_s)
    assert [op.duration_s for op in changed.operations] == [op.duration_s for op in SNAPSHOT.operations]


def test_errors_change_log_normally_around_the_snapshot():
    ratios = [
        new.error / old.error
        for period in range(20)
        for new, old in zip(drift().document(SNAPSHOT, period).operations, SNAPSHOT.operations, strict=True)
        if old.name in {"sx", "x"}
    ]
    logs = np.log(ratios)
    # 1600 independent factors: mean 0 +- 4 x 0.3 / 40, standard deviation 0.3 +- 4 x 0.3 / sqrt(3200).
    assert abs(logs.mean()) < 0.03
    assert abs(logs.std() - 0.3) < 0.0213


def test_both_directions_of_a_pair_and_a_readout_and_its_mean_change_alike():
    changed = {(op.name, op.qubits): op.error for op in drift().document(SNAPSHOT, 5).operations}
    assert changed["cz", (3, 4)] == changed["cz", (4, 3)] != changed["cz", (4, 5)]
    readout = drift().document(SNAPSHOT, 5).readout
    factor = changed["measure", (2,)] / 0.001
    assert readout[2] == pytest.approx((3 * 0.001 * factor, 0.001 * factor))


def test_only_named_qubits_drift_and_as_they_would_with_all():
    every, some = drift().document(SNAPSHOT, 5), drift(qubits=frozenset({3})).document(SNAPSHOT, 5)
    for full, part, old in zip(every.operations, some.operations, SNAPSHOT.operations, strict=True):
        assert part.error == (full.error if 3 in old.qubits else old.error)
    assert [a == b for a, b in zip(some.readout, SNAPSHOT.readout, strict=True)].count(False) == 1


def test_drifted_errors_stay_below_one_half_unless_they_were_beyond():
    wild = drift(sigma=3.0).document(line_device(5, error=0.4, readout=0.1), 1)
    assert max(op.error for op in wild.operations) <= 0.5
    broken = line_device(2, error=1.0)
    pairs = [op.error for op in drift().document(broken, 1).operations if op.name == "cz"]
    assert pairs == [1.0, 1.0]


def test_a_wild_calibration_still_makes_a_noise_model():
    wild = drift(sigma=2.0).document(line_device(3, error=0.3), 2)
    assert noise_model(wild, (0, 1, 2)).noise_instructions
