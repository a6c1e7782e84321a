"""The device behind the service: its configuration and its calibrations. Put what changes in time here, no jobs.

Both come from a fake backend's own files. A calibration in force from some moment on never changes again.
"""

from __future__ import annotations

import copy
import hashlib
import json
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hybrid_assets.providers._devices import check_device, device_snapshots
from hybrid_assets.providers._snapshot_files import SnapshotFiles, read_snapshot
from hybrid_assets_tests.loopback.clock import write_date
from hybrid_assets_tests.loopback.wire import Refused

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from hybrid_assets.model.circuits import TargetDocument

#: Values a new calibration multiplies; those at or above the cap (a gate out of order) stay.
_ERRORS = frozenset({"gate_error", "readout_error", "prob_meas0_prep1", "prob_meas1_prep0"})
ERROR_CAP = 0.5
#: Fractional gates, and the gates whose places and errors each takes over: the first the device has.
_FRACTIONAL = {"rx": ("sx",), "rzz": ("cz", "ecr", "cx")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One calibration."""

    id: str
    calibrated_at: datetime
    #: The properties as the API shows them.
    properties: dict[str, Any] = field(repr=False)
    body: bytes = field(repr=False)


class Device:
    """A fake backend under another name."""

    def __init__(self, device: str, *, name: str, has_fractional_gates: bool, folder: Path) -> None:
        check_device(device)
        files = device_snapshots()[device]
        self.name, self._folder = name, folder
        self.configuration = json.loads(files.configuration.read_text(encoding="utf-8")) | {"backend_name": name}
        properties = json.loads(files.properties.read_text(encoding="utf-8")) | {"backend_name": name}
        if has_fractional_gates:
            _add_fractional_gates(self.configuration, properties)
        self._configuration_file = folder / "configuration.json"
        self._configuration_file.write_text(json.dumps(self.configuration), encoding="utf-8")
        self._lock = threading.Lock()
        self.calibrations = [_calibration(properties)]

    @property
    def current(self) -> Calibration:
        """The calibration in force."""
        return self.calibrations[-1]

    def at(self, date: datetime | None, calibration_id: str | None) -> Calibration | None:
        """Return the newest calibration not newer than a date, or the one with this id; None where there is none."""
        with self._lock:
            if calibration_id is not None:
                found = [c for c in self.calibrations if c.id == calibration_id]
                if not found:
                    raise Refused(404, 1007, f"No calibration {calibration_id!r}.")
                return found[0]
            found = [c for c in self.calibrations if date is None or c.calibrated_at <= date]
            return found[-1] if found else None

    def recalibrate(self, now: datetime, *, factor: float, qubits: Collection[int] | None) -> Calibration:
        """Put a new calibration in force: errors times ``factor``, of these qubits or of all."""
        with self._lock:
            now = max(now, self.current.calibrated_at + timedelta(microseconds=1))
            properties = copy.deepcopy(self.current.properties)
            properties["last_update_date"] = write_date(now)
            concerned = [entry for index, entry in enumerate(properties["qubits"]) if qubits is None or index in qubits]
            concerned += [
                gate["parameters"]
                for gate in properties["gates"]
                if qubits is None or not set(qubits).isdisjoint(gate["qubits"])
            ]
            for value in (value for entry in concerned for value in entry if value["name"] in _ERRORS):
                value["date"] = write_date(now)
                if value["value"] < ERROR_CAP:
                    value["value"] = min(ERROR_CAP, value["value"] * factor)
            self.calibrations.append(_calibration(properties))
            return self.current

    def document(self, calibration: Calibration) -> TargetDocument:
        """Return a calibration as the target document that simulators take."""
        path = self._folder / f"{calibration.id}.json"
        if not path.exists():
            path.write_bytes(calibration.body)
        return read_snapshot(SnapshotFiles(configuration=self._configuration_file, properties=path), backend=self.name)


def _calibration(properties: dict[str, Any]) -> Calibration:
    body = json.dumps(properties).encode()
    date = datetime.fromisoformat(properties["last_update_date"])
    return Calibration(id=hashlib.sha256(body).hexdigest()[:32], calibrated_at=date, properties=properties, body=body)


def _add_fractional_gates(configuration: dict[str, Any], properties: dict[str, Any]) -> None:
    for new, models in _FRACTIONAL.items():
        old = next((gate for gate in models if gate in configuration["basis_gates"]), None)
        if old is None or new in configuration["basis_gates"]:
            continue
        configuration["basis_gates"].append(new)
        configuration["supported_instructions"].append(new)
        template = next(gate for gate in configuration["gates"] if gate["name"] == old)
        configuration["gates"].append(template | {"name": new, "parameters": ["theta"]})
        properties["gates"] += [
            copy.deepcopy(gate) | {"gate": new, "name": gate["name"].replace(old, new)}
            for gate in properties["gates"]
            if gate["gate"] == old
        ]
