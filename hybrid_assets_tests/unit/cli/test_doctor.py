"""What `doctor` makes of what a backend says of itself."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hybrid_assets.cli.doctor import _backend
from hybrid_assets.errors import BackendUnavailableError, ConfigurationError
from hybrid_assets.model.diagnosis import Finding, FindingState


class Looked:
    """A provider that found this of itself."""

    def __init__(self, *found, message=""):
        self._found, self._message = found, message

    def check(self):
        return self._found

    def describe(self):
        return SimpleNamespace(provider="looked", is_metered=False)

    def status(self):
        return SimpleNamespace(operational=True, message=self._message)

    def target(self):
        return SimpleNamespace(num_qubits=5, calibration_id="0123456789abcdef")


def said_of(*found, message=""):
    provider = Looked(*(Finding(name=name, state=state, detail="it is so") for name, state in found), message=message)
    return _backend(SimpleNamespace(provider=lambda _: provider), "b")


def test_a_backend_is_told_in_one_line_and_a_line_a_finding():
    found = ("service", FindingState.OK), ("clock", FindingState.WARNING)
    assert said_of(*found, message="active").split("\n") == [
        "looked, 5 qubits, calibration 0123456789ab, active",
        "      service: it is so",
        "      WARNING clock: it is so",
    ]


def test_no_comma_is_left_where_a_backend_has_nothing_to_say():
    assert said_of() == "looked, 5 qubits, calibration 0123456789ab"


@pytest.mark.parametrize(
    ("state", "error", "code"),
    [
        pytest.param(FindingState.WRONG, ConfigurationError, 3, id="to be mended here"),
        pytest.param(FindingState.UNREACHABLE, BackendUnavailableError, 6, id="out of reach"),
    ],
)
def test_what_is_wrong_with_the_set_up_is_told_from_what_cannot_be_reached(state, error, code):
    with pytest.raises(error, match="service: it is so") as caught:
        said_of(("service", state))
    assert caught.value.exit_code == code
