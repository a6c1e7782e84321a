"""Entry points -> plug-ins."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint

import pytest

from hybrid_assets import registry
from hybrid_assets.errors import RegistrationError


@pytest.fixture
def installed(monkeypatch):
    """Pretend that these entry points are installed."""

    def install(*entries):
        registry._found.cache_clear()
        registry._load.cache_clear()
        points = [EntryPoint(name, value, "hybrid_assets.workloads") for name, value in entries]
        monkeypatch.setattr(registry, "entry_points", lambda **_: points)

    yield install
    registry._found.cache_clear()
    registry._load.cache_clear()


def test_an_unknown_name_suggests_the_nearest(installed):
    installed(("maxcut", "a:B"), ("portfolio", "a:C"))
    message = "Unknown workload 'maxcat'. Did you mean 'maxcut'? Installed: maxcut, portfolio."
    with pytest.raises(RegistrationError, match=re.escape(message)):
        registry.workload("maxcat")


def test_two_plug_ins_of_one_name_are_refused_with_both(installed):
    installed(("maxcut", "a:B"), ("maxcut", "c:D"))
    with pytest.raises(RegistrationError, match=r"registered as 'maxcut': a:B and c:D\. Uninstall or rename one"):
        registry.names("workload")


def test_the_same_plug_in_found_twice_is_one(installed):
    installed(("maxcut", "a:B"), ("maxcut", "a:B"))
    assert registry.names("workload") == ("maxcut",)


def test_nothing_installed_says_what_to_do(installed):
    installed()
    with pytest.raises(RegistrationError, match=r"No workload is registered.*make setup"):
        registry.names("workload")


def test_a_plug_in_that_does_not_import_is_an_error_not_a_silence(installed):
    installed(("gone", "hybrid_assets.no_such_module:X"))
    with pytest.raises(RegistrationError, match=r"'gone' .*cannot be imported: No module named"):
        registry.workload("gone")


def test_a_plug_in_must_answer_to_its_entry_points_name(installed):
    installed(("other", "hybrid_assets_tests.unit.test_registry:Plugin"))
    with pytest.raises(RegistrationError, match="registered as 'other' calls itself 'mine'"):
        registry.workload("other")


class Plugin:
    """A plug-in."""

    name = "mine"
