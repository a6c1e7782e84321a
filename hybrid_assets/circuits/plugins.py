"""Third-party transpiler plug-ins: which ones a compile uses, and how the others are kept from being loaded.

Qiskit loads every installed plug-in to build one pass manager, whatever the methods asked for. A provider SDK that
registers a stage for its own use costs each compile worker most of a second that way. A plug-in that is not asked for
by name cannot change a circuit, so only those asked for are loaded, and only their versions are in the compile key.
"""

from __future__ import annotations

import logging
import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from types import ModuleType

    from hybrid_assets.model.circuits import CompileOptions

_STAGES = ("init", "layout", "routing", "translation", "optimization", "scheduling")
_GROUPS = (*(f"qiskit.transpiler.{stage}" for stage in _STAGES), "qiskit.synthesis", "qiskit.unitary_synthesis")


def plugin_versions(options: CompileOptions) -> str:
    """Return the third-party plug-ins that options ask for with their versions, or ``none``."""
    return ", ".join(sorted(_title(entry) for entry in _wanted(options))) or "none"


def load_only_wanted(options: CompileOptions) -> None:
    """Make every other third-party plug-in fail to import in this process, quietly. For compile workers only."""
    logging.getLogger("stevedore").setLevel(logging.CRITICAL)  # reports each plug-in that does not load as an error
    wanted = {_package(entry) for entry in _wanted(options)}
    modules = cast("dict[str, ModuleType | None]", sys.modules)  # None is the documented way to forbid an import
    for package in {_package(entry) for entry in _foreign()}:
        if package in wanted and modules.get(package, sys) is None:
            del modules[package]
        elif package not in wanted:
            modules.setdefault(package, None)


def _wanted(options: CompileOptions) -> list[EntryPoint]:
    asked = {
        ("qiskit.transpiler.layout", options.layout_method),
        ("qiskit.transpiler.routing", options.routing_method),
    }
    return [entry for entry in _foreign() if (entry.group, entry.name) in asked]


@cache
def _foreign() -> tuple[EntryPoint, ...]:
    """Return the plug-ins of other distributions than Qiskit, whose own change with its version."""
    installed = entry_points()
    return tuple(entry for group in _GROUPS for entry in installed.select(group=group) if _package(entry) != "qiskit")


def _package(entry: EntryPoint) -> str:
    return entry.module.partition(".")[0]


def _title(entry: EntryPoint) -> str:
    version = entry.dist.version if entry.dist is not None else "unknown"
    return f"{entry.group}:{entry.name} {_package(entry)} {version}"
