"""The service's configuration and properties -> a target document, the same way as for device snapshots.

Put what is IBM's about targets here. The calibration id is the hash of the content, so it does not depend on when or
how it was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import ConfigurationError, TransientProviderError
from hybrid_assets.providers._snapshot_files import snapshot_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybrid_assets.model.circuits import TargetDocument

#: Gates with an angle that take time; the others with an angle are changes of frame.
FRACTIONAL = frozenset({"rx", "rzz"})


def target_document(
    configuration: Mapping[str, Any], properties: Mapping[str, Any] | None, *, backend: str, fractional_gates: bool
) -> TargetDocument:
    """Return what a device can execute, and one of its calibrations.

    Args:
        configuration: As the service gives it, all gates included.
        properties: As the service gives them.
        backend: Name in the settings.
        fractional_gates: Whether gates with an angle may be used.

    Raises:
        ConfigurationError: The device has no fractional gates, or a document is not as expected.
        TransientProviderError: There are no properties.
    """
    if not properties:
        raise TransientProviderError(f"The service has no calibration of {backend!r} at that time. Try again later.")
    basis = configuration.get("basis_gates") or []
    if fractional_gates and FRACTIONAL.isdisjoint(basis):
        raise ConfigurationError(
            f"Backend {backend!r}: {configuration.get('backend_name')} has no fractional gates. Set fractional_gates: "
            "false."
        )
    kept = [name for name in basis if fractional_gates or name not in FRACTIONAL]
    try:
        return snapshot_document({**configuration, "basis_gates": kept}, properties, backend)
    except (KeyError, TypeError, ValueError) as exc:
        raise ConfigurationError(
            f"The service describes {backend!r} in a way that is not understood: {type(exc).__name__}: {exc}."
        ) from exc
