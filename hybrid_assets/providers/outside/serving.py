"""The worker's loop: one request a line on standard input, one answer a line on standard output. Put the protocol here.

    {"id": 1, "method": "poll", "params": {"job_id": "r1"}}
    {"id": 1, "result": {...}}    or    {"id": 1, "error": {"kind": "transient", "message": "..."}}

The first request is ``hello``; it names the adapter and agrees on versions. What an SDK prints goes to standard error,
so that it cannot get between the answers. When the parent is gone, the worker ends with all that it started.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import os
import queue
import signal
import sys
import threading
import uuid
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import parcels
from .errors import AdapterError
from .records import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

#: Raise it when a message changes in a way that the other side would misread.
PROTOCOL = 1
#: Longest line either side accepts; targets of 1,000 qubits take 1 MB.
MAX_LINE_BYTES = 16 << 20
#: Longest message of an error that is passed on.
MAX_MESSAGE_CHARS = 2000


def serve() -> None:
    """Answer requests until the parent is gone."""
    requests, answers = _take_pipes()
    lines: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read, args=(requests, lines), name="requests", daemon=True).start()
    session = _Session()
    while True:
        message = json.loads(lines.get())
        _write(answers, {"id": message["id"], **_answer(session, message)})


def _take_pipes() -> tuple[int, int]:
    """Keep the pipes for the protocol; whoever else reads gets nothing, whoever else prints does so to stderr."""
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def _read(requests: int, lines: queue.Queue[bytes]) -> None:
    """Queue lines; at the end of the pipe end the process, whatever it is busy with."""
    with os.fdopen(requests, "rb") as pipe:
        for line in pipe:
            lines.put(line)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _write(answers: int, answer: Mapping[str, Any]) -> None:
    try:
        line = json.dumps(answer).encode() + b"\n"
    except TypeError as exc:  # no JSON: an adapter returned an object of its SDK
        line = (
            json.dumps({"id": answer["id"], **_error("unexpected", f"The answer is no JSON: {exc}")}).encode() + b"\n"
        )
    while line:
        line = line[os.write(answers, line) :]


def _answer(session: _Session, message: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"result": session.handle(message["method"], message["params"])}
    except AdapterError as exc:
        return _error(exc.kind, str(exc))
    except Exception as exc:  # noqa: BLE001 - the door of the worker: every failure becomes an answer
        return _error("unexpected", f"{type(exc).__name__}: {exc}")


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"kind": kind, "message": message[:MAX_MESSAGE_CHARS]}}


class _Session:
    """One adapter, from ``hello`` on."""

    def __init__(self) -> None:
        self._adapter: Any = None
        self._state = Path()
        self._methods: dict[str, Callable[..., Any]] = {
            "hello": self._hello,
            "target": lambda at: self._adapter.target(_moment(at)),
            "status": lambda: self._adapter.status(),  # noqa: PLW0108 - there is no adapter yet
            "limits": lambda: self._adapter.limits(),  # noqa: PLW0108 - as above
            "estimate": lambda parcel: self._adapter.estimate(self._request(parcel)),
            "submit": lambda parcel: {"job_id": self._adapter.submit(self._request(parcel))},
            "find": lambda request_id, since: {"job_ids": list(self._adapter.find(request_id, _moment(since)))},
            "poll": lambda job_id: self._adapter.poll(job_id).to_json(),
            "fetch": self._fetch,
            "cancel": lambda job_id: self._adapter.cancel(job_id).to_json(),
        }

    def handle(self, method: str, params: Mapping[str, Any]) -> Any:
        if method not in self._methods:
            raise AdapterError("permanent", f"The protocol has no method {method!r}.")
        if self._adapter is None and method != "hello":
            raise AdapterError("permanent", "The first request must be hello.")
        return self._methods[method](**params)

    def _hello(
        self,
        *,
        protocol: int,
        adapter: str,
        options: Mapping[str, Any],
        backend: str,
        state: str,
        qpy: Mapping[str, int],
    ) -> dict[str, Any]:
        facts: dict[str, Any] = {"protocol": PROTOCOL, "python": sys.version.split()[0]}
        if protocol != PROTOCOL:
            return facts  # the parent says what that means
        self._state = Path(state)
        module = _load_adapter(adapter)
        facts |= _qiskit_facts(module)
        if facts["qpy"]["most"] < qpy["least"] or facts["qpy"]["least"] > qpy["most"]:
            return facts  # as above
        self._adapter = module.Adapter(options, backend=backend, state=self._state)
        return {**facts, "description": self._adapter.describe()}

    def _request(self, parcel: Mapping[str, str]) -> Request:
        try:
            return Request.from_parcel(*parcels.read(self._state / "outbox" / parcel["file"], parcel["sha256"]))
        except (parcels.ParcelError, KeyError, TypeError) as exc:
            raise AdapterError("transient", f"The request did not arrive whole: {exc}") from exc

    def _fetch(self, job_id: str) -> dict[str, Any]:
        name = f"{uuid.uuid4().hex}.npz"
        sha = parcels.write(self._state / "inbox" / name, *self._adapter.fetch(job_id).to_parcel())
        return {"file": name, "sha256": sha}


def _load_adapter(name: str) -> ModuleType:
    """Return an adapter's module: one of this folder by name, a file by its path, or an installed module."""
    try:
        if name.endswith(".py"):
            spec = importlib.util.spec_from_file_location("adapter", name)
            if spec is None or spec.loader is None:
                raise AdapterError("configuration", f"{name} is no Python file.")
            module = importlib.util.module_from_spec(spec)
            sys.modules["adapter"] = module
            spec.loader.exec_module(module)
        elif (Path(__file__).parent / f"{name}.py").exists():
            module = importlib.import_module(f".{name}", __package__)
        else:
            module = importlib.import_module(name)
    except (ImportError, FileNotFoundError) as exc:
        raise AdapterError("configuration", f"The adapter {name!r} cannot be imported: {exc}.") from exc
    if not hasattr(module, "Adapter"):
        raise AdapterError("configuration", f"The adapter {name!r} has no class Adapter.")
    return module


def _qiskit_facts(module: ModuleType) -> dict[str, Any]:
    """Return the version of Qiskit and the QPY versions it reads, as the adapter says or else as Qiskit does."""
    try:
        facts: dict[str, Any] = {"qiskit": importlib.metadata.version("qiskit")}
    except importlib.metadata.PackageNotFoundError:
        facts = {"qiskit": None}
    if hasattr(module, "QPY_VERSIONS"):
        least, most = module.QPY_VERSIONS
    elif facts["qiskit"] is None:
        raise AdapterError("configuration", "The environment has no Qiskit, and the adapter names no QPY_VERSIONS.")
    else:
        from qiskit import qpy  # noqa: PLC0415 - costs half a second; an adapter may do without

        least, most = qpy.QPY_COMPATIBILITY_VERSION, qpy.QPY_VERSION
    return {**facts, "qpy": {"least": least, "most": most}}


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
