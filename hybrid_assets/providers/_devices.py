"""Device snapshots: the fake backends of qiskit-ibm-runtime as target documents. Put reading of devices here.

Importing qiskit-ibm-runtime takes over a second, so a device's document is kept on disk, by the package's version, and
later processes do not import it. The names of devices are read from the package's files for the same reason.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from datetime import UTC
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.targets import build_target_document, target_from_json, target_to_json
from hybrid_assets.errors import ConfigurationError, ResultIntegrityError
from hybrid_assets.model.circuits import TargetDocument, TargetOperation
from hybrid_assets.model.text import nearest
from hybrid_assets.providers._archive import pack, read_document
from hybrid_assets.storage.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE = "qiskit-ibm-runtime"
#: Raise it when documents are made differently from the same snapshot.
SCHEMA = 1
#: What the local simulator does not execute, or what is no operation on qubits.
_LEFT_OUT = frozenset({"delay", "reset", "for_loop", "while_loop", "if_else", "switch_case", "box"})
_NAME = re.compile(r"^ {4}backend_name = \"(\w+)\"", re.MULTILINE)


@cache
def device_modules() -> Mapping[str, str]:
    """Return the module of every device by its name, without importing any.

    Raises:
        ConfigurationError: qiskit-ibm-runtime is not installed.
    """
    spec = find_spec("qiskit_ibm_runtime")
    if spec is None or spec.origin is None:
        raise ConfigurationError(f"Devices need the package {PACKAGE}. Install it, or leave `device` out.")
    root = Path(spec.origin).parent
    found = {}
    for path in sorted((root / "fake_provider" / "backends").glob("*/fake_*.py")):
        if match := _NAME.search(path.read_text(encoding="utf-8")):
            found[match[1]] = ".".join(["qiskit_ibm_runtime", *path.relative_to(root).with_suffix("").parts])
    return found


def check_device(name: str) -> None:
    """Refuse an unknown device.

    Raises:
        ConfigurationError: There is no device of this name; the nearest one is named.
    """
    known = device_modules()
    if name not in known:
        raise ConfigurationError(
            f"Unknown device {name!r}. {nearest(name, known)}"
            f"Devices of {PACKAGE} {version(PACKAGE)}: {', '.join(known)}."
        )


def device_document(device: str, *, backend: str, folder: Path) -> TargetDocument:
    """Return the calibration snapshot of a device.

    Args:
        device: Name of a fake backend, for example ``fake_torino``.
        backend: Backend the document is for.
        folder: Where documents are kept between processes.
    """
    path = folder / f"{device}.{version(PACKAGE)}.{SCHEMA}.json"
    try:
        return replace(target_from_json(read_document(path)["target"]), backend=backend)
    except (FileNotFoundError, ResultIntegrityError):
        document = _read_device(device, backend)
        write_atomically(path, pack({"target": target_to_json(document)}, {}))
        return document


def _read_device(device: str, backend: str) -> TargetDocument:
    module = importlib.import_module(device_modules()[device])
    kinds = [kind for kind in vars(module).values() if getattr(kind, "backend_name", None) == device]
    fake = kinds[0]()
    properties, target = fake.properties(), fake.target
    qubits = [{item.name: item for item in listed} for listed in properties.qubits]
    return build_target_document(
        backend=backend,
        num_qubits=target.num_qubits,
        operations=[
            TargetOperation(
                name=name,
                qubits=tuple(on),
                error=None if facts is None else facts.error,
                duration_s=None if facts is None else facts.duration,
            )
            for name in target.operation_names
            if name not in _LEFT_OUT
            for on, facts in target[name].items()
        ],
        dt_s=target.dt,
        readout=[_readout(listed) for listed in qubits],
        t1_t2_s=[(_seconds(listed.get("T1")), _seconds(listed.get("T2"))) for listed in qubits],
        faulty_qubits=properties.faulty_qubits(),
        calibrated_at=properties.last_update_date.astimezone(UTC),
    )


def _readout(listed: Mapping[str, Any]) -> tuple[float, float]:
    """Return (P(1|0), P(0|1)); where a snapshot has only their mean, that twice."""
    mean = listed["readout_error"].value if "readout_error" in listed else 0.0
    up, down = listed.get("prob_meas1_prep0"), listed.get("prob_meas0_prep1")
    return (mean if up is None else up.value), (mean if down is None else down.value)


def _seconds(item: Any) -> float | None:
    """Return a coherence time in seconds."""
    return (
        None
        if item is None
        else float(item.value) * {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}[item.unit]
    )
