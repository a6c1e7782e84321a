"""The service's configuration and properties -> a target document, the same way as for device snapshots.

Put what is IBM's about targets here. The calibration id is the hash of the content, so it does not depend on when or
how it was asked for.
"""

from __future__ import annotations

import json
import math
from time import monotonic
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.targets import target_from_json, target_to_json
from hybrid_assets.errors import ConfigurationError, TransientProviderError
from hybrid_assets.providers._snapshot_files import snapshot_document
from hybrid_assets.storage.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hybrid_assets.model.circuits import TargetDocument

#: Gates with an angle that take time; the others with an angle are changes of frame.
FRACTIONAL = frozenset({"rx", "rzz"})
#: A night asks for the target hundreds of times; a calibration lasts hours. What a job ran under is asked by its time.
FRESH_S = 60.0


class LastTarget:
    """The target as the service told it last, in memory and on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: TargetDocument | None = None
        self._told_s = -math.inf

    @property
    def fresh(self) -> TargetDocument | None:
        """The target, if it was told within `FRESH_S`."""
        return self._found if monotonic() - self._told_s < FRESH_S else None

    @property
    def known(self) -> TargetDocument | None:
        """The target, however long ago it was told, also to another process; None: never."""
        if self._found is None and self._path.exists():
            try:
                self._found = target_from_json(json.loads(self._path.read_bytes()))
            except (ValueError, KeyError, TypeError):
                return None  # it is asked for again
        return self._found

    def put(self, document: TargetDocument) -> None:
        """Keep what the service has just told."""
        if self.known is None or document.calibration_id != self._found.calibration_id:  # type: ignore[union-attr]
            write_atomically(self._path, json.dumps(target_to_json(document)).encode())
        self._found, self._told_s = document, monotonic()


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
