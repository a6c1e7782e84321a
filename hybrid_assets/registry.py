"""Entry points -> validated plug-ins. Put how plug-ins are found here; never a list of their names."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, cast

from hybrid_assets.errors import RegistrationError
from hybrid_assets.model.text import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.protocols import BaselineSolver, Provider, Workload

GROUPS = {kind: f"hybrid_assets.{kind}s" for kind in ("workload", "provider", "baseline")}


@cache
def _found(kind: str) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=GROUPS[kind]), key=lambda e: (e.name, e.value)):
        other = found.get(entry.name)
        if other is not None and other.value != entry.value:
            raise RegistrationError(
                f"Two {kind}s are registered as {entry.name!r}: {other.value} and {entry.value}. "
                "Uninstall or rename one."
            )
        found[entry.name] = entry
    if not found:
        raise RegistrationError(
            f"No {kind} is registered. Entry points come from installed metadata: run `make setup` (pip install -e .)."
        )
    return found


def names(kind: str) -> Sequence[str]:
    """Return the registered names of a kind (``workload``, ``provider``, ``baseline``), sorted.

    Raises:
        RegistrationError: None is registered, or two share a name.
    """
    return tuple(_found(kind))


@cache
def _load(kind: str, name: str) -> Any:
    found = _found(kind)
    if name not in found:
        raise RegistrationError(f"Unknown {kind} {name!r}. {nearest(name, found)}Installed: {', '.join(found)}.")
    try:
        return found[name].load()
    except ImportError as exc:
        raise RegistrationError(f"The {kind} {name!r} ({found[name].value}) cannot be imported: {exc}.") from exc


def workload(name: str) -> Workload:
    """Return the workload of this name.

    Raises:
        RegistrationError: It is unknown, cannot be imported or calls itself otherwise.
    """
    plugin = cast("Workload", _load("workload", name)())
    if plugin.name != name:
        raise RegistrationError(f"The workload registered as {name!r} calls itself {plugin.name!r}.")
    return plugin


def provider_class(name: str) -> type[Provider]:
    """Return the provider class of this name.

    Raises:
        RegistrationError: It is unknown or cannot be imported.
    """
    return cast("type[Provider]", _load("provider", name))


def baseline(name: str) -> BaselineSolver:
    """Return the baseline of this name.

    Raises:
        RegistrationError: It is unknown, cannot be imported or calls itself otherwise.
    """
    plugin = cast("BaselineSolver", _load("baseline", name)())
    if plugin.name != name:
        raise RegistrationError(f"The baseline registered as {name!r} calls itself {plugin.name!r}.")
    return plugin


def baselines_for(instance: ProblemInstance) -> Sequence[BaselineSolver]:
    """Return every registered baseline that supports an instance, by name."""
    return tuple(solver for name in names("baseline") if (solver := baseline(name)).supports(instance))
