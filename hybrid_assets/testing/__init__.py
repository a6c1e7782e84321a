"""Conformance suites for plug-ins, for this package's tests and for third parties.

    from hybrid_assets.testing import assert_provider_api, assert_workload_api, assert_baseline_api

Each raises AssertionError with a sentence about the promise that is broken. Put suites in one module for each protocol;
they load when they are asked for, so that testing a baseline needs no quantum SDK.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybrid_assets.testing.baseline import assert_baseline_api
    from hybrid_assets.testing.provider import assert_provider_api
    from hybrid_assets.testing.workload import assert_workload_api

__all__ = ["assert_baseline_api", "assert_provider_api", "assert_workload_api"]


def __getattr__(name: str) -> Any:
    """Import a suite when it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = name.removeprefix("assert_").removesuffix("_api")
    return getattr(import_module(f"{__name__}.{module}"), name)
