"""Options of the Aer provider."""

from __future__ import annotations

import pytest

from hybrid_assets.errors import ConfigurationError, RegistrationError
from hybrid_assets.providers import _devices
from hybrid_assets.providers.aer import AerOptions, AerProvider


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"devise": "fake_torino"}, "unknown option 'devise'. Did you mean 'device'"),
        ({"device": "fake_torinno"}, "Unknown device 'fake_torinno'. Did you mean 'fake_torino'"),
        ({"device": 7}, "`device` must be a name"),
        ({"noise": True}, "`noise` needs a `device`"),
        ({"device": "fake_torino", "noise": "no"}, "`noise` must be true or false"),
        ({"density_matrix_qubits": 40}, "must be 0 to 12, not 40"),
        ({"density_matrix_qubits": True}, "must be 0 to 12, not True"),
        ({"keep_distributions": 1}, "`keep_distributions` must be true or false"),
    ],
)
def test_wrong_options_are_refused(tmp_path, options, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        AerProvider.from_settings("aer", options, tmp_path)
    assert not isinstance(caught.value, RegistrationError)


def test_noise_is_on_with_a_device_and_off_without():
    assert AerOptions.parse({"device": "fake_torino"}, "b").noise
    assert not AerOptions.parse({}, "b").noise


def test_ideal_target_is_on_any_qubits_and_knows_no_errors(tmp_path):
    target = AerProvider.from_settings("aer", {}, tmp_path).target()
    assert (target.num_qubits, target.readout, target.calibrated_at) == (None, (), None)
    assert {(op.qubits, op.error) for op in target.operations} == {(None, None)}
    assert {"h", "rx", "rz", "rzz", "measure"} <= {op.name for op in target.operations}


def test_devices_are_known_by_name():
    assert {"fake_torino", "fake_sherbrooke", "fake_nairobi"} <= set(_devices.device_snapshots())
