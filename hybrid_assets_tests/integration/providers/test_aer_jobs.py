"""Jobs on disk: idempotence, recovery after a kill, damage, cancellation, kept distributions."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from hybrid_assets.errors import (
    JobCancelledError,
    JobFailedError,
    PermanentProviderError,
    ResultIntegrityError,
    TransientProviderError,
)
from hybrid_assets.model.jobs import JobHandle, JobReport, JobStatus
from hybrid_assets.providers import _execute, _local_jobs
from hybrid_assets.providers._job_files import JobFiles
from hybrid_assets.providers.aer import AerProvider, sweep
from hybrid_assets_tests.unit.providers.pubs import pub, qaoa, request

#: Where a child process finds the tests.
ROOT = Path(__file__).parents[3]
RING = tuple((i, (i + 1) % 5) for i in range(5))
VALUES = np.random.default_rng(2).uniform(-2, 2, (3, 2))


def _provider(state):
    return AerProvider.from_settings("aer", {}, state)


def _small(request_id="req", *, seed=1, shots=200):
    return request(pub(qaoa(5, RING, 1), VALUES, seed=seed, shots=shots), request_id=request_id)


def _ended(provider, handle, *, bound_s=30.0):
    deadline = time.monotonic() + bound_s
    while not (report := provider.poll(handle)).status.is_final:
        assert time.monotonic() < deadline, "the job did not end"
        time.sleep(0.01)
    return report


def _counts(result):
    return [(p.counts.outcomes.tolist(), p.counts.counts.tolist(), p.counts.offsets.tolist()) for p in result.pubs]


@pytest.fixture
def executions(monkeypatch):
    """Count what is computed by Aer rather than read."""
    seen = []
    real = _execute.exact_distributions

    def counted(circuit, values):
        seen.append(values.shape[0])
        yield from real(circuit, values)

    monkeypatch.setattr(_execute, "exact_distributions", counted)
    return seen


def test_submitting_again_is_the_same_job(tmp_path, executions):
    provider, job = _provider(tmp_path), _small()
    first = provider.submit(job)
    _ended(provider, first)
    assert _provider(tmp_path).submit(job) == first
    assert _ended(provider, first).status is JobStatus.SUCCEEDED
    assert executions == [3]


def test_request_id_of_other_pubs_is_refused(tmp_path):
    provider = _provider(tmp_path)
    _ended(provider, provider.submit(_small()))
    with pytest.raises(PermanentProviderError, match="in use for a request of other PUBs"):
        provider.submit(_small(seed=2))


def test_known_distribution_needs_no_simulation(tmp_path, executions):
    """Other shots and seeds of the same circuit and values are sampled from what was kept."""
    provider = _provider(tmp_path)
    _ended(provider, provider.submit(_small("one")))
    handle = provider.submit(_small("two", seed=5, shots=9999))
    _ended(provider, handle)
    provider.fetch(handle).pubs[0].counts.verify(num_bits=5, rows=3, shots=9999)
    assert executions == [3]


def test_damaged_distribution_is_computed_again(tmp_path, executions):
    provider = _provider(tmp_path)
    _ended(provider, first := provider.submit(_small("one")))
    (kept,) = tmp_path.glob("distributions/*/*")
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1
    kept.write_bytes(content)
    _ended(provider, second := provider.submit(_small("two")))
    assert _counts(provider.fetch(first)) == _counts(provider.fetch(second))
    assert executions == [3, 3]


def test_damaged_result_is_refused_and_computed_again(tmp_path):
    provider = _provider(tmp_path)
    _ended(provider, handle := provider.submit(_small()))
    before = _counts(provider.fetch(handle))
    outcome = tmp_path / "jobs" / "aer" / "req" / "outcome"
    content = bytearray(outcome.read_bytes())
    content[-40] ^= 1
    outcome.write_bytes(content)
    with pytest.raises(ResultIntegrityError, match="does not match its checksum"):
        provider.fetch(handle)
    _ended(provider, handle)
    assert _counts(provider.fetch(handle)) == before


def test_damaged_request_fails_by_name_and_can_be_submitted_again(tmp_path, monkeypatch):
    monkeypatch.setattr(_local_jobs._Execution, "start", lambda self: _local_jobs.os.close(self.lock))
    provider = _provider(tmp_path)
    handle = provider.submit(_small())
    stored = tmp_path / "jobs" / "aer" / "req" / "request"
    stored.write_bytes(stored.read_bytes()[:100])
    report = provider.poll(handle)
    assert (report.status, report.error_code) == (JobStatus.FAILED, "ResultIntegrityError")
    assert provider.find("req") == ()
    monkeypatch.undo()
    assert _ended(provider, provider.submit(_small())).status is JobStatus.SUCCEEDED


def test_failed_execution_keeps_its_reason(tmp_path):
    """A payload that does not match its checksum fails the job, with the reason, in any process."""
    good = pub(qaoa(5, RING, 1), VALUES)
    provider = _provider(tmp_path)
    report = _ended(provider, handle := provider.submit(request(replace(good, payload_sha="0" * 64))))
    assert (report.status, report.error_code) == (JobStatus.FAILED, "ResultIntegrityError")
    with pytest.raises(JobFailedError, match="checksum is off"):
        _provider(tmp_path).fetch(handle)


def test_pending_job_has_no_result_and_can_be_cancelled(tmp_path, monkeypatch):
    """The job is queued behind nothing that ever runs: its lock is held, as by another process."""
    monkeypatch.setattr(_local_jobs._Execution, "start", lambda self: held.append(self.lock))
    held = []
    provider = _provider(tmp_path)
    handle = provider.submit(_small())
    assert provider.poll(handle).status is JobStatus.QUEUED
    with pytest.raises(TransientProviderError, match="not there yet"):
        provider.fetch(handle)
    assert provider.cancel(handle).status is JobStatus.QUEUED  # whoever has it will see the request to stop
    _local_jobs.os.close(held.pop())
    assert provider.cancel(handle).status is JobStatus.CANCELLED
    with pytest.raises(JobCancelledError):
        provider.fetch(handle)
    assert provider.submit(_small()) == handle
    assert provider.poll(handle).status is JobStatus.CANCELLED


def test_cancelled_job_stops_before_its_next_pub(tmp_path, monkeypatch):
    real, ran = _execute.LocalMachine.execute, []

    def execute(self, one):
        if not ran:
            provider.cancel(JobHandle(provider="aer", backend="aer", request_id="req", provider_job_id="req"))
        ran.append(one.kernel_id)
        return real(self, one)

    monkeypatch.setattr(_execute.LocalMachine, "execute", execute)
    monkeypatch.setattr(_local_jobs, "_WORKERS", _local_jobs.Workers(limit=1))
    provider = _provider(tmp_path)
    pubs = [pub(qaoa(5, RING, 1), VALUES, kernel_id=f"k{i}") for i in range(4)]
    assert _ended(provider, provider.submit(request(*pubs))).status is JobStatus.CANCELLED
    assert ran == ["k0"]


def test_other_backend_and_strange_ids_are_refused(tmp_path):
    provider = _provider(tmp_path)
    with pytest.raises(PermanentProviderError, match="submitted to 'aer'"):
        provider.submit(request(pub(qaoa(5, RING, 1), VALUES), backend="other"))
    with pytest.raises(PermanentProviderError, match="holds no PUB"):
        provider.submit(request())
    for name in ("../up", "", ".hidden"):
        with pytest.raises(PermanentProviderError, match="not a request id"):
            provider.find(name)


def test_find_respects_time(tmp_path):
    provider = _provider(tmp_path)
    report = _ended(provider, handle := provider.submit(_small()))
    assert provider.find("req", since=report.submitted_at) == (handle,)
    assert provider.find("req", since=report.submitted_at + timedelta(seconds=1)) == ()


def test_sweep_removes_old_jobs_only(tmp_path, monkeypatch):
    provider = _provider(tmp_path)
    _ended(provider, handle := provider.submit(_small("old")))
    monkeypatch.setattr(_local_jobs._Execution, "start", lambda self: _local_jobs.os.close(self.lock))
    provider.submit(_small("pending"))
    assert sweep(tmp_path, older_than_s=3600) == 0
    assert sweep(tmp_path, older_than_s=-1) == 2  # the job and its distribution
    assert provider.find("pending")
    with pytest.raises(PermanentProviderError, match="no job old"):
        provider.poll(handle)


def test_job_that_ends_while_it_is_locked_keeps_its_end(tmp_path, monkeypatch):
    """Another process ends the job between our look and our lock: neither poll nor cancel may replace that end."""
    started, real = [], JobFiles.lock

    def start(execution):
        started.append(execution.request.request_id)
        _local_jobs.os.close(execution.lock)

    def lock(self):
        taken = real(self)
        self.write_outcome(JobReport(status=JobStatus.FAILED, message="the first end"))
        return taken

    monkeypatch.setattr(_local_jobs._Execution, "start", start)
    provider = _provider(tmp_path)
    polled, cancelled = provider.submit(_small("polled")), provider.submit(_small("cancelled"))
    monkeypatch.setattr(JobFiles, "lock", lock)
    assert provider.poll(polled).message == "the first end"
    assert provider.cancel(cancelled).message == "the first end"
    assert started == ["polled", "cancelled"]  # by submit, not again


#: Submits one job and never ends: the second PUB takes for ever in this process.
_DOOMED = """
import sys, time
from pathlib import Path
from hybrid_assets.providers import _execute
from hybrid_assets_tests.integration.providers import test_aer_jobs as tests
real = _execute.LocalMachine.execute
def execute(self, one):
    if one.kernel_id == "k1":
        print("in the middle", flush=True)
        time.sleep(600)
    return real(self, one)
_execute.LocalMachine.execute = execute
tests._provider(Path(sys.argv[1])).submit(tests._doomed_request())
time.sleep(600)
"""


def _doomed_request():
    return request(*(pub(qaoa(5, RING, 1), VALUES, kernel_id=f"k{i}", seed=i) for i in range(3)))


def test_job_of_a_killed_process_is_executed_by_who_polls(tmp_path):
    """While the process lives, others only wait; after kill -9 they execute the job and get the same counts."""
    child = subprocess.Popen(
        [sys.executable, "-c", _DOOMED, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert child.stdout.readline() == "in the middle\n"
        provider = _provider(tmp_path)
        (handle,) = provider.find("req")
        assert provider.poll(handle).status is JobStatus.RUNNING
        assert provider._jobs.files("req").lock() is None  # held by the child
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    assert _ended(provider, handle).status is JobStatus.SUCCEEDED
    direct = _provider(tmp_path / "elsewhere")
    _ended(direct, direct.submit(_doomed_request()))
    assert _counts(provider.fetch(handle)) == _counts(direct.fetch(handle))


#: Submits many PUBs and ends at once.
_LEAVING = """
import sys
from pathlib import Path
from hybrid_assets_tests.integration.providers import test_aer_jobs as tests
tests._provider(Path(sys.argv[1])).submit(tests._long_request())
"""


def _long_request():
    values = np.random.default_rng(0).uniform(-2, 2, (40, 2))
    edges = tuple((i, (i + 1) % 15) for i in range(15))
    return request(*(pub(qaoa(15, edges, 1), values + i, kernel_id=f"k{i}", shots=10) for i in range(40)))


def test_process_that_ends_does_not_wait_for_its_queue(tmp_path):
    """40 PUBs of 40 rows of 15 qubits take many seconds; the process leaves after the current ones, with no error."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _LEAVING, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=ROOT,
    )
    assert done.stderr == ""
    provider = _provider(tmp_path)
    (handle,) = provider.find("req")
    assert not provider._jobs.files("req").report()
    assert time.monotonic() - began < 15
    assert provider.cancel(handle).status is JobStatus.CANCELLED


#: Ends while its only PUB is about to call Aer, which refuses work from then on.
_LATE = """
import sys, time
from pathlib import Path
from hybrid_assets.providers import _execute
from hybrid_assets.providers._workers import interpreter_is_closing
from hybrid_assets_tests.integration.providers import test_aer_jobs as tests
real = _execute.LocalMachine.execute
def execute(self, one):
    while not interpreter_is_closing():
        time.sleep(0.01)
    return real(self, one)
_execute.LocalMachine.execute = execute
tests._provider(Path(sys.argv[1])).submit(tests._small())
"""


def test_end_of_the_process_is_no_failure_of_the_job(tmp_path):
    subprocess.run([sys.executable, "-c", _LATE, str(tmp_path)], check=True, timeout=60, cwd=ROOT)
    provider = _provider(tmp_path)
    (handle,) = provider.find("req")
    assert _ended(provider, handle).status is JobStatus.SUCCEEDED


def test_workers_stop_after_the_current_task_when_the_main_thread_ends():
    """A hundred tasks of .1 s: the process ends after the first one or two."""
    program = (
        "import time; from hybrid_assets.providers._workers import Workers\n"
        "workers = Workers(limit=1)\n"
        "for _ in range(100): workers.add(lambda: time.sleep(0.1))"
    )
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, cwd=ROOT)
    assert time.monotonic() - began < 5
