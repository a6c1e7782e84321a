"""IBM backends that point at a loopback service, for tests of the provider. Put nothing of the service here."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.providers._devices import device_snapshots
from hybrid_assets.providers._snapshot_files import read_snapshot
from hybrid_assets.providers.ibm import IbmProvider
from hybrid_assets_tests.loopback import LoopbackService
from hybrid_assets_tests.unit.providers.pubs import compiled, pub, qaoa, request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hybrid_assets.model.jobs import JobHandle, JobReport, JobRequest

#: Small and quick to read.
DEVICE = "fake_manila"
TOKEN_ENV = "QISKIT_IBM_TOKEN"  # noqa: S105 - a variable's name
#: Longest waits of a test's backend: generous to a busy machine, short enough for tests of silence.
BOUNDS = {"read_timeout_s": 5.0, "post_timeout_s": 5.0, "deadline_s": 15.0}
VALUES = np.random.default_rng(4).uniform(-1.5, 1.5, (2, 2))


@contextmanager
def service(monkeypatch: Any, **options: Any) -> Iterator[LoopbackService]:
    """Run a service whose API key is in the environment."""
    with LoopbackService(device=DEVICE, name="ibm_loopback", is_noisy=False, **options) as running:
        monkeypatch.setenv(TOKEN_ENV, running.token)
        yield running


def provider(running: LoopbackService, state: Path, **options: Any) -> IbmProvider:
    """Return a backend of a service; more options, or None for one that is to be left out."""
    common = {
        "device": running.options.name,
        "instance": running.instance,
        "url": running.api_url,
        "iam_url": running.base_url,
        "search_url": running.base_url,
        "catalog_url": f"{running.base_url}/catalog/api/v1",
        **BOUNDS,
        **options,
    }
    chosen = {key: value for key, value in common.items() if value is not None}
    return IbmProvider.from_settings("ibm", chosen, state / "ibm")


def impatient(backend: IbmProvider, **bounds: float) -> IbmProvider:
    """Lower the bounds of a backend that has signed in; what is asked afterwards of another one is not hurried."""
    backend.status()
    chosen = {"read_timeout_s": 0.25, "post_timeout_s": 0.4, "deadline_s": 1.2, **bounds}
    client = backend._service._client
    session = client._api._session
    backend._options = backend._service._options = client._options = replace(backend._options, **chosen)
    adapter = session.get_adapter(session.base_url)
    adapter._read_s, adapter._post_s = chosen["read_timeout_s"], chosen["post_timeout_s"]
    session.auth._manager.http_config["timeout"] = (1.0, chosen["read_timeout_s"])
    return backend


@cache
def isa(num_qubits: int) -> Any:
    """Return a compiled circuit of two parameters."""
    document = read_snapshot(device_snapshots()[DEVICE], backend="ibm")
    return compiled(qaoa(num_qubits, ((0, 1),), 1), document)


def two_pubs(request_id: str = "req", *, shots: int = 400) -> JobRequest:
    """Return a request of two kernels of different width, two rows each."""
    pubs = [pub(isa(n), VALUES, kernel_id=f"k{n}", shots=shots) for n in (2, 3)]
    return request(*pubs, backend="ibm", request_id=request_id)


def twin_pubs(request_id: str = "twins") -> JobRequest:
    """Return a request of two kernels that nothing but their names tells apart."""
    pubs = [pub(isa(2), VALUES, kernel_id=name, shots=400) for name in ("first", "second")]
    return request(*pubs, backend="ibm", request_id=request_id)


def until_final(backend: IbmProvider, handle: JobHandle, *, bound_s: float = 30.0) -> JobReport:
    """Poll until a job is over."""
    ends_s = time.monotonic() + bound_s
    while not (report := backend.poll(handle)).status.is_final:
        assert time.monotonic() < ends_s, f"The job is still {report.status} after {bound_s} s."
        time.sleep(0.02)
    return report


def done(backend: IbmProvider, asked: JobRequest) -> JobHandle:
    """Submit a request and wait until it has succeeded."""
    handle = backend.submit(asked)
    report = until_final(backend, handle)
    assert report.status is JobStatus.SUCCEEDED, report.message
    return handle
