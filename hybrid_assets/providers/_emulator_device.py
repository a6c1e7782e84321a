"""The emulated device over time: its snapshot, the calibration in force at a moment, and what executes under it.

Put what is remembered of calibrations here; how they drift is in `_emulator_drift`, how circuits run in
`_emulator_machine`.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.providers import _devices
from hybrid_assets.providers._emulator_machine import DeviceMachine, Machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.providers._emulator_options import EmulatorOptions

#: Calibrations kept in memory; a process looks at the one now and those of jobs that started lately.
MAX_KEPT = 8


class Device:
    """One device."""

    def __init__(
        self,
        backend: str,
        options: EmulatorOptions,
        folder: Path,
        *,
        snapshot: TargetDocument | None,
        make_machine: Callable[[TargetDocument], Machine] | None,
    ) -> None:
        self._backend, self._options, self._folder, self._snapshot = backend, options, folder, snapshot
        width = options.density_matrix_qubits
        self._make_machine = make_machine or partial(DeviceMachine, density_matrix_qubits=width)
        self._documents: dict[tuple[int, int], TargetDocument] = {}
        self._machines: dict[str, Machine] = {}

    @property
    def snapshot(self) -> TargetDocument:
        """The calibration that drift starts from."""
        if self._snapshot is None:
            self._snapshot = _devices.device_document(self._options.device, backend=self._backend, folder=self._folder)
        return self._snapshot

    @property
    def identity(self) -> str:
        """Everything that makes results of this device differ from another's, its calibration at a moment apart."""
        options, drift = self._options, "none"
        if options.drift is not None:
            facts = asdict(options.drift)
            del facts["events"]  # they change the calibration, whose id tells them apart
            drift = fingerprint(facts | {"qubits": sorted(options.drift.qubits) if options.drift.qubits else "all"})[
                :16
            ]
        return (
            f"{options.device}, density matrix to {options.density_matrix_qubits} qubits, depolarized mixture above, "
            f"snapshot {self.snapshot.calibration_id}, drift {drift}"
        )

    def calibration(self, at: datetime) -> TargetDocument:
        """Return the calibration in force at a moment; the same moment always gives the same one."""
        if self._options.drift is None:
            return self.snapshot
        key = self._options.drift.period(at), self._options.drift.num_events(at)
        if key not in self._documents:
            _forget_oldest(self._documents)
            self._documents[key] = self._options.drift.document(self.snapshot, *key)
        return self._documents[key]

    def machine(self, document: TargetDocument) -> Machine:
        """Return what executes under a calibration."""
        if document.calibration_id not in self._machines:
            _forget_oldest(self._machines)
            self._machines[document.calibration_id] = self._make_machine(document)
        return self._machines[document.calibration_id]


def _forget_oldest(kept: dict[Any, Any]) -> None:
    if len(kept) >= MAX_KEPT:
        kept.pop(next(iter(kept)))
