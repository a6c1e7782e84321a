"""Options of Braket backends, and what is said when the SDK is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hybrid_assets.errors import ConfigurationError, RegistrationError
from hybrid_assets.providers import braket
from hybrid_assets.providers._braket_aws import AwsBraket
from hybrid_assets.providers._braket_local import SIMULATED, LocalBraket
from hybrid_assets.providers._braket_options import SIMULATORS, LocalOptions, parse_device, parse_local
from hybrid_assets.providers.braket import BraketProvider
from hybrid_assets_tests.unit.providers.braket_aws import DEVICE, OPTIONS, REGION


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"locl": "braket_sv"}, "backends.b.locl: unknown key. Did you mean 'local'"),
        ({"local": "braket_dn"}, "backends.b.local: 'braket_dn' is wrong; expected one of default, braket_sv"),
        ({"s3_bucket": "b"}, "backends.b.s3_bucket: unknown key"),
        ({"device": "Garnet"}, "expected 'local' or the ARN of a QPU"),
        ({"device": "arn:aws:braket:::device/quantum-simulator/amazon/sv1"}, "billed by the minute"),
    ],
)
def test_wrong_local_options_are_refused(tmp_path, changes, message):
    with pytest.raises(ConfigurationError, match=message):
        BraketProvider.from_settings("b", changes, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"local": "braket_sv"}, "backends.b.local: unknown key"),
        ({"region": "us-east-1"}, "expected eu-north-1, where the device is"),
        ({"device": DEVICE.replace(REGION, "")}, "backends.b.region: None is wrong"),
        ({"s3_bucket": None}, "backends.b.s3_bucket: None is wrong"),
        ({"s3_bucket": "s3://mine"}, "without s3://"),
        ({"price_per_task": None}, "backends.b.price_per_task: None is wrong"),
        ({"price_per_shot": None}, "backends.b.price_per_shot: None is wrong"),
        ({"price_per_shot": -1}, "a number of at least 0"),
        ({"profile": 3}, "backends.b.profile: 3 is wrong"),
        ({"aws_secret_access_key": "x"}, "unknown key"),
    ],
)
def test_wrong_device_options_are_refused(tmp_path, changes, message):
    """A price that is not given is refused: a paid device must not look free."""
    with pytest.raises(ConfigurationError, match=message):
        BraketProvider.from_settings("b", {**OPTIONS, **changes}, tmp_path)


def test_device_chooses_the_provider(tmp_path):
    assert isinstance(BraketProvider.from_settings("b", {}, tmp_path), LocalBraket)
    assert isinstance(BraketProvider.from_settings("b", {"device": "local"}, tmp_path), LocalBraket)
    assert isinstance(BraketProvider.from_settings("b", OPTIONS, tmp_path), AwsBraket)
    assert parse_device(OPTIONS, "b").s3_prefix == "nightly"


def test_every_local_simulator_is_known():
    assert set(SIMULATORS.values()) == set(SIMULATED)
    assert parse_local({"local": "default"}, "b") == LocalOptions(simulator="braket_sv")


def test_known_widths_are_those_of_the_simulators():
    from braket.devices import LocalSimulator

    for name, (_, widest) in SIMULATED.items():
        assert LocalSimulator(name).properties.paradigm.qubitCount == widest


def test_missing_sdk_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr(braket, "find_spec", lambda _: None)
    with pytest.raises(RegistrationError, match=r"pip install hybrid-assets\[braket\]"):
        BraketProvider.from_settings("b", {}, tmp_path)


def test_importing_and_making_providers_loads_no_sdk():
    """Neither AWS's clients nor Braket nor Qiskit, which take seconds."""
    code = (
        "import sys, pathlib\n"
        "from hybrid_assets.providers.braket import BraketProvider\n"
        f"for options in ({{}}, {OPTIONS!r}):\n"
        "    provider = BraketProvider.from_settings('b', options, pathlib.Path('none'))\n"
        "    provider.describe()\n"
        "heavy = {'boto3', 'botocore', 'qiskit', 'qiskit_braket_provider'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert not [name for name in sys.modules if name.split('.')[0] == 'braket'], 'braket'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
