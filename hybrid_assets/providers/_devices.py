"""Device snapshots by name: which there are, and their target documents. Put finding and keeping of devices here.

The snapshots are those of the fake backends of qiskit-ibm-runtime. Importing that package takes over a second, so its
files are read instead (see `_snapshot_files`), and a document is kept on disk by the package's version.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid_assets.circuits.targets import target_from_json, target_to_json
from hybrid_assets.errors import ConfigurationError, ResultIntegrityError
from hybrid_assets.model.text import nearest
from hybrid_assets.providers._archive import pack, read_document
from hybrid_assets.providers._snapshot_files import SnapshotFiles, read_snapshot
from hybrid_assets.storage.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybrid_assets.model.circuits import TargetDocument

PACKAGE = "qiskit-ibm-runtime"
#: Raise it when documents are made differently from the same snapshot.
SCHEMA = 2
_FACT = re.compile(r"^ {4}(backend_name|conf_filename|props_filename) = \"([\w.]+)\"", re.MULTILINE)


@cache
def device_snapshots() -> Mapping[str, SnapshotFiles]:
    """Return the snapshot files of every device by its name.

    Raises:
        ConfigurationError: qiskit-ibm-runtime is not installed.
    """
    spec = find_spec("qiskit_ibm_runtime")
    if spec is None or spec.origin is None:
        raise ConfigurationError(f"Devices need the package {PACKAGE}. Install it, or leave `device` out.")
    found = {}
    for path in sorted((Path(spec.origin).parent / "fake_provider" / "backends").glob("*/fake_*.py")):
        facts = dict(_FACT.findall(path.read_text(encoding="utf-8")))
        if len(facts) == len(("backend_name", "conf_filename", "props_filename")):
            found[facts["backend_name"]] = SnapshotFiles(
                configuration=path.parent / facts["conf_filename"], properties=path.parent / facts["props_filename"]
            )
    return found


def check_device(name: str) -> None:
    """Refuse an unknown device.

    Raises:
        ConfigurationError: There is no device of this name; the nearest one is named.
    """
    known = device_snapshots()
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

    Raises:
        ConfigurationError: The files of the snapshot are not as expected.
    """
    path = folder / f"{device}.{version(PACKAGE)}.{SCHEMA}.json"
    try:
        return replace(target_from_json(read_document(path)["target"]), backend=backend)
    except (FileNotFoundError, ResultIntegrityError):
        document = read_snapshot(device_snapshots()[device], backend=backend)
        write_atomically(path, pack({"target": target_to_json(document)}, {}))
        return document
