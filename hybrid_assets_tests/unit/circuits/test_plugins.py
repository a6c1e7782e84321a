"""Third-party transpiler plug-ins are loaded only when asked for."""

from __future__ import annotations

import logging
import sys
import types

import pytest

from hybrid_assets.circuits import plugins
from hybrid_assets.model.circuits import CompileOptions


@pytest.fixture
def _vendor(monkeypatch):
    """An installed package ``vendor_sdk`` with one layout and one translation stage, not yet imported."""
    entries = tuple(
        types.SimpleNamespace(group=group, name=name, module="vendor_sdk.stages", dist=None)
        for group, name in (("qiskit.transpiler.layout", "vendor"), ("qiskit.transpiler.translation", "vendor"))
    )
    monkeypatch.setattr(plugins, "_foreign", lambda: entries)
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    level = logging.getLogger("stevedore").level
    yield
    logging.getLogger("stevedore").setLevel(level)


@pytest.mark.usefixtures("_vendor")
def test_unwanted_plugin_cannot_be_imported():
    plugins.load_only_wanted(CompileOptions())
    assert sys.modules["vendor_sdk"] is None


@pytest.mark.usefixtures("_vendor")
def test_wanted_plugin_is_allowed_again():
    """A worker may serve a request with default methods first and one with the plug-in next."""
    plugins.load_only_wanted(CompileOptions())
    plugins.load_only_wanted(CompileOptions(layout_method="vendor"))
    assert "vendor_sdk" not in sys.modules


@pytest.mark.usefixtures("_vendor")
def test_loaded_package_is_left_alone():
    loaded = sys.modules["vendor_sdk"] = types.ModuleType("vendor_sdk")
    plugins.load_only_wanted(CompileOptions())
    assert sys.modules["vendor_sdk"] is loaded
