"""Importing Qiskit where threads come and go. Put nothing else here.

Qiskit 2.6 keeps what its compiled part allocated at import in the importing thread's own memory: when that thread ends,
loading circuits in others crashes the process (seen with ``qpy.load``; never when the main thread had imported it). So
it is imported by a thread that lives as long as the process.
"""

from __future__ import annotations

import threading

_IMPORTED = threading.Event()
_GUARD = threading.Lock()
_KEEPERS: list[threading.Thread] = []


def import_for_good() -> None:
    """Import Qiskit, by a thread that never ends, before any thread that does end may be the first."""
    with _GUARD:
        if not _KEEPERS:
            _KEEPERS.append(threading.Thread(target=_import_and_stay, name="qiskit-keeper", daemon=True))
            _KEEPERS[0].start()
    _IMPORTED.wait()


def _import_and_stay() -> None:
    try:
        import qiskit  # noqa: F401, PLC0415 - the import itself is what this is for
    finally:
        _IMPORTED.set()  # without Qiskit, whoever needs it says so
    threading.Event().wait()
