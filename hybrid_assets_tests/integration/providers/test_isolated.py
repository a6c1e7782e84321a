"""A worker in another process: the whole protocol, faults at every method, kills, secrets, limits."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
import traceback
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qiskit import QuantumCircuit, qpy

from hybrid_assets.errors import (
    BackendUnavailableError,
    CapacityError,
    ConfigurationError,
    CredentialsError,
    JobCancelledError,
    JobFailedError,
    PermanentProviderError,
    RateLimitedError,
    ResultIntegrityError,
    SubmissionUnknownError,
    TargetMismatchError,
    TransientProviderError,
)
from hybrid_assets.model.jobs import JobHandle, JobStatus
from hybrid_assets.providers.isolated import IsolatedProvider
from hybrid_assets.providers.outside import parcels
from hybrid_assets.testing import assert_provider_api
from hybrid_assets_tests.unit.providers.pubs import pub, request, slot

ADAPTER = Path(__file__).with_name("fake_adapter.py")
CANARY = "canary/5ecret+token"
VALUES = np.array([[0.1], [0.2]])


def provider(state, *, backend="fake", environment=(), limits=None, **options):
    """Return a provider whose worker is this interpreter with the fake adapter."""
    raw = {"python": sys.executable, "adapter": str(ADAPTER), "options": options, "environment": list(environment)}
    return IsolatedProvider.from_settings(backend, {**raw, **(limits or {})}, state)


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch):
    """Let submissions leave late: how fast this machine starts a worker is not what is tested."""
    monkeypatch.setattr("hybrid_assets.providers.isolated.LEAVE_LIMIT_S", 60.0)


def job(request_id="req", *, seed=1, kernels=("a", "b")):
    circuit = QuantumCircuit(3, 2)
    circuit.rx(slot(0), 0)
    circuit.measure([0, 2], [0, 1])
    pubs = [pub(circuit, VALUES, kernel_id=name, shots=100, seed=seed) for name in kernels]
    return request(*pubs, backend="fake", request_id=request_id)


def until(condition, *, bound_s=60.0):
    deadline = time.monotonic() + bound_s
    while not (value := condition()):
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.01)
    return value


def ended(one, handle):
    return until(lambda: report if (report := one.poll(handle)).status.is_final else None)


def is_alive(pid):
    """Tell whether a process runs; one that is dead but not reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_worker_keeps_the_promises_of_a_provider(tmp_path):
    result = assert_provider_api(lambda: provider(tmp_path), job())
    # Row r reads 1 on bit 0 and r on bit 1: outcomes 1 and 3.
    assert [p.counts.outcomes.tolist() for p in result.pubs] == [[1, 3], [1, 3]]
    assert provider(tmp_path).estimate(job()).qpu_s == 1.0
    assert provider(tmp_path).limits().max_pubs == 4
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "inbox", "jobs", "outbox"]
    assert list((tmp_path / "inbox").iterdir()) == list((tmp_path / "outbox").iterdir()) == []


def test_circuits_travel_at_a_version_both_sides_read(tmp_path):
    one = provider(tmp_path)
    one.submit(job())
    _, arrays = parcels.read(tmp_path / "jobs" / "req" / "request.npz")
    import io
    import zlib

    content = zlib.decompress(arrays["qpy_0"].tobytes())
    assert content[6] == 15  # what the adapter reads at most; our payloads are newer
    assert qpy.load(io.BytesIO(content))[0].num_qubits == 3


def test_an_environment_without_a_common_version_is_refused(tmp_path):
    adapter = tmp_path / "old.py"
    adapter.write_text("QPY_VERSIONS = (1, 12)\nclass Adapter:\n    pass\n")
    one = IsolatedProvider.from_settings("fake", {"python": sys.executable, "adapter": str(adapter)}, tmp_path)
    with pytest.raises(ConfigurationError, match=r"reads QPY 1 to 12, this side writes 13 to 17: no version in common"):
        one.describe()
    assert one.worker_pid is None


def test_another_protocol_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("hybrid_assets.providers._isolated_link.PROTOCOL", 2)
    with pytest.raises(ConfigurationError, match="it speaks protocol 1, this side 2"):
        provider(tmp_path).describe()


@pytest.mark.parametrize(
    ("adapter", "message"),
    [
        pytest.param("import nothing_of_this_name", "No module named 'nothing_of_this_name'", id="sdk missing"),
        pytest.param("x = 1", "has no class Adapter", id="no adapter"),
        pytest.param("class Adapter:\n    def __init__(self, options, **_):\n        1 / 0", "ZeroDivision", id="bug"),
    ],
)
def test_an_adapter_that_cannot_be_made_is_an_error_of_the_setup(tmp_path, adapter, message):
    path = tmp_path / "adapter.py"
    path.write_text(adapter)
    one = IsolatedProvider.from_settings("fake", {"python": sys.executable, "adapter": str(path)}, tmp_path)
    with pytest.raises(ConfigurationError, match=message):
        one.describe()


def test_a_worker_that_hangs_in_a_submission_may_have_accepted_it(tmp_path):
    one = provider(tmp_path, fault={"after_submit": "hang"}, limits={"call_timeout_s": 2.0})
    one.describe()
    with pytest.raises(SubmissionUnknownError, match=r"did not answer within 2 s.* may have been accepted"):
        one.submit(job())
    provider(tmp_path).submit(job())
    assert len(list((tmp_path / "jobs").iterdir())) == 1


@pytest.mark.parametrize("fault", ["die", "garbage"])
def test_a_worker_lost_after_a_submission_left_may_have_accepted_it(tmp_path, fault):
    """Another worker finds the job: it is adopted, not bought again."""
    one = provider(tmp_path, fault={"after_submit": fault})
    one.describe()
    lost = one.worker_pid
    with pytest.raises(SubmissionUnknownError, match="may have been accepted"):
        one.submit(job())
    assert not is_alive(lost)
    other = provider(tmp_path)
    (handle,) = other.find("req")
    assert ended(other, handle).status is JobStatus.SUCCEEDED
    assert len(list((tmp_path / "jobs").iterdir())) == 1


@pytest.mark.parametrize("method", ["poll", "status"])
@pytest.mark.parametrize("fault", ["die", "garbage", "raise"])
def test_a_worker_lost_otherwise_is_a_passing_failure(tmp_path, method, fault):
    """The next call of the same object starts another worker."""
    one = provider(tmp_path, fault={method: fault}, once=str(tmp_path / "once"))
    handle = one.submit(job()) if method == "poll" else None
    one.describe()
    call = (lambda: one.poll(handle)) if handle else one.status
    first = one.worker_pid
    with pytest.raises(TransientProviderError) as caught:
        call()
    sentence = {"die": "exit code 3", "garbage": "It wrote 'garbage", "raise": "a bug of the SDK"}[fault]
    assert sentence in str(caught.value)
    assert ("last words before the end" in str(caught.value)) is (fault == "die")
    call()
    assert (one.worker_pid == first) is (fault == "raise")  # an exception is an answer


def test_a_hanging_worker_is_killed_with_all_it_started(tmp_path):
    one = provider(tmp_path, fault={"status": "hang"}, limits={"call_timeout_s": 2.0})
    one.describe()
    worker = one.worker_pid
    with pytest.raises(TransientProviderError, match=r"did not answer within 2 s\. It was killed"):
        one.status()
    grandchild = int((tmp_path / "grandchild").read_text())
    assert not is_alive(worker)
    until(lambda: not is_alive(grandchild))


def test_a_worker_that_never_greets_is_killed_after_the_start_limit(tmp_path):
    one = provider(tmp_path, fault={"start": "hang"}, limits={"start_timeout_s": 2.0})
    with pytest.raises(TransientProviderError, match=r"lost during 'hello'.* did not answer within 2 s"):
        one.submit(job())
    assert one.worker_pid is None


def test_a_program_that_is_no_worker_is_refused(tmp_path):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nread line\necho welcome\n")
    program.chmod(0o755)
    one = IsolatedProvider.from_settings("fake", {"python": str(program), "adapter": str(ADAPTER)}, tmp_path)
    with pytest.raises(TransientProviderError, match="'welcome"):
        one.describe()


def test_a_submission_that_could_only_leave_late_does_not_leave(tmp_path, monkeypatch):
    monkeypatch.setattr("hybrid_assets.providers.isolated.LEAVE_LIMIT_S", -1.0)
    one = provider(tmp_path)
    with pytest.raises(TransientProviderError, match="has not left"):
        one.submit(job())
    assert list(one.find("req")) == []


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("configuration", ConfigurationError),
        ("credentials", CredentialsError),
        ("rate_limited", RateLimitedError),
        ("unavailable", BackendUnavailableError),
        ("submission_unknown", SubmissionUnknownError),
        ("permanent", PermanentProviderError),
        ("job_failed", JobFailedError),
        ("capacity", CapacityError),
        ("target_mismatch", TargetMismatchError),
        ("transient", TransientProviderError),
        ("raise", SubmissionUnknownError),
        ("bad", SubmissionUnknownError),
        ("memory", SubmissionUnknownError),
    ],
)
def test_each_kind_of_an_adapters_error_has_its_class(willing, kind, error):
    with pytest.raises(error) as caught:
        willing.submit(replace(job(), options={"fault": kind}))
    assert type(caught.value) is error


@pytest.fixture(scope="module")
def willing(tmp_path_factory):
    """One worker for all requests that say themselves how they fail."""
    one = provider(tmp_path_factory.mktemp("state"), limits={"memory_limit_bytes": 3 << 29})
    one.describe()
    return one


def test_a_malformed_answer_is_refused(tmp_path):
    one = provider(tmp_path, fault=dict.fromkeys(("target", "status", "limits", "estimate"), "bad"))
    calls = {"target": one.target, "status": one.status, "limits": one.limits, "estimate": lambda: one.estimate(job())}
    for method, call in calls.items():
        with pytest.raises(PermanentProviderError, match=f"answer to '{method}' is not understood"):
            call()


def test_what_an_sdk_prints_does_not_get_between_the_answers(tmp_path):
    one = provider(tmp_path, fault={"status": "print"})
    assert [one.status().operational, one.status().operational] == [True, True]


def test_the_memory_of_a_worker_is_limited(tmp_path):
    one = provider(tmp_path, fault={"execute": "memory"}, limits={"memory_limit_bytes": 3 << 29})
    handle = one.submit(job())
    report = ended(one, handle)
    assert (report.status, report.error_class) == (JobStatus.FAILED, None)
    assert "Unable to allocate" in report.message
    with pytest.raises(JobFailedError, match="Unable to allocate"):
        one.fetch(handle)


def test_a_job_outlives_its_worker_and_keeps_what_is_done(tmp_path):
    """SIGKILL after the first PUB: another provider goes on with the second, and the times are those of the job."""
    gate = tmp_path / "gate"
    one = provider(tmp_path, gate=str(gate))
    handle = one.submit(job())
    until((tmp_path / "begun-a").exists)
    assert one.poll(handle).status is JobStatus.RUNNING
    os.killpg(one.worker_pid, signal.SIGKILL)
    done = tmp_path / "jobs" / "req" / "pub_0.npz"
    assert not done.exists()
    other = provider(tmp_path, gate=str(gate))
    gate.touch()
    report = ended(other, handle)
    before_ns = done.stat().st_mtime_ns
    assert report.status is JobStatus.SUCCEEDED
    (tmp_path / "jobs" / "req" / "outcome.json").unlink()  # as if it had died just before the end
    assert ended(provider(tmp_path), handle).status is JobStatus.SUCCEEDED
    assert done.stat().st_mtime_ns == before_ns
    assert other.fetch(handle).pubs[1].kernel_id == "b"


def test_a_job_is_cancelled_before_its_next_pub(tmp_path):
    gate = tmp_path / "gate"
    one = provider(tmp_path, gate=str(gate))
    handle = one.submit(job())
    until((tmp_path / "begun-a").exists)
    assert one.cancel(handle).status is JobStatus.RUNNING
    gate.touch()
    assert ended(one, handle).status is JobStatus.CANCELLED
    with pytest.raises(JobCancelledError):
        one.fetch(handle)
    assert not (tmp_path / "begun-b").exists()


def test_a_damaged_result_is_refused_and_computed_again(tmp_path):
    one = provider(tmp_path)
    handle = one.submit(job())
    ended(one, handle)
    path = tmp_path / "jobs" / "req" / "pub_1.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ResultIntegrityError, match="does not match its checksum"):
        one.fetch(handle)
    assert ended(one, handle).status is JobStatus.SUCCEEDED
    assert one.fetch(handle).pubs[1].counts.outcomes.tolist() == [1, 3]


def test_a_request_id_stands_for_one_request(tmp_path):
    one = provider(tmp_path)
    one.describe()
    one.submit(job())
    with pytest.raises(PermanentProviderError, match="in use for other PUBs"):
        one.submit(job(seed=2))
    with pytest.raises(PermanentProviderError, match="no request id"):
        one.poll(JobHandle(provider="isolated", backend="fake", request_id="x", provider_job_id="../x"))
    with pytest.raises(PermanentProviderError, match="was submitted to 'fake'"):
        one.submit(replace(job(), backend="other"))


def test_a_worker_knows_only_what_the_settings_name(tmp_path, monkeypatch):
    monkeypatch.setenv("CANARY_TOKEN", CANARY)
    monkeypatch.setenv("OTHER_SECRET", "must-not-be-seen")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    message = provider(tmp_path, environment=["CANARY_TOKEN", "NOT_SET"]).status().message
    assert "'CANARY_TOKEN': '***'" in message  # it has it, and we do not repeat it
    assert CANARY not in message
    seen = eval(message)  # noqa: S307 - a literal of our own fake
    # Python itself sets LC_CTYPE where the locale asks for it.
    clean = {"HOME", "LANG", "PATH", "QISKIT_PARALLEL", "QISKIT_SETTINGS", "TZ"}
    assert set(seen["environment"]) - {"LC_CTYPE"} == {*clean, "CANARY_TOKEN"}
    assert seen["environment"]["HOME"] == str(tmp_path / "home")
    assert str(tmp_path) not in seen["path"]


@pytest.mark.parametrize("fault", ["leak", "leak_and_die", "garbage"])
def test_a_secret_is_in_no_error_file_or_command_line(tmp_path, monkeypatch, fault):
    monkeypatch.setenv("CANARY_TOKEN", CANARY)
    one = provider(tmp_path, environment=["CANARY_TOKEN"], fault={"status": fault})
    one.submit(job())
    command = Path(f"/proc/{one.worker_pid}/cmdline").read_bytes()
    with pytest.raises(TransientProviderError) as caught:
        one.status()
    told = "".join(traceback.format_exception(caught.value))
    assert "***" in told
    assert CANARY not in told
    assert CANARY.encode() not in command
    assert [p for p in tmp_path.rglob("*") if p.is_file() and CANARY.encode() in p.read_bytes()] == []


def test_a_worker_ends_with_its_provider(tmp_path):
    one = provider(tmp_path)
    one.describe()
    pid = one.worker_pid
    assert is_alive(pid)
    del one
    gc.collect()
    assert not is_alive(pid)


def test_a_worker_ends_when_its_parent_is_killed_even_while_it_hangs(tmp_path):
    script = (
        "import sys, pathlib, threading; sys.path.insert(0, sys.argv[1])\n"
        "from hybrid_assets_tests.integration.providers.test_isolated import provider\n"
        "one = provider(pathlib.Path(sys.argv[2]), fault={'status': 'hang'})\n"
        "one.describe(); print(one.worker_pid, flush=True); one.status()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(Path(__file__).parents[3]), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with parent:
        worker = int(parent.stdout.readline())
        grandchild = int(until(lambda: (p := tmp_path / "grandchild").exists() and p.read_text()))
        parent.kill()
    until(lambda: not is_alive(worker) and not is_alive(grandchild))


def test_a_changed_environment_is_noticed(tmp_path):
    """Results of two versions must not be mixed under one identity."""
    adapter = tmp_path / "adapter.py"
    adapter.write_text(ADAPTER.read_text())
    one = IsolatedProvider.from_settings("fake", {"python": sys.executable, "adapter": str(adapter)}, tmp_path)
    one.describe()
    adapter.write_text(ADAPTER.read_text().replace("1.2.3", "1.2.30"))
    os.killpg(one.worker_pid, signal.SIGKILL)
    with pytest.raises(TransientProviderError):
        one.status()
    with pytest.raises(ConfigurationError, match="changed while it was in use"):
        one.status()


def test_files_left_behind_are_removed(tmp_path):
    old, young = tmp_path / "outbox" / "old.npz", tmp_path / "inbox" / "young.npz"
    for path in (old, young):
        path.parent.mkdir()
        path.touch()
    os.utime(old, (0, 0))
    provider(tmp_path)
    assert (old.exists(), young.exists()) == (False, True)


def test_the_adapter_of_the_howto_works_as_it_stands(tmp_path):
    text = (Path(__file__).parents[3] / "docs" / "howto" / "isolated_providers.md").read_text()
    adapter = tmp_path / "always_zero.py"
    adapter.write_text(textwrap.dedent(text.partition("```python\n")[2].partition("   ```")[0]))
    raw = {"python": sys.executable, "adapter": str(adapter)}
    result = assert_provider_api(lambda: IsolatedProvider.from_settings("fake", raw, tmp_path / "state"), job())
    assert [p.counts.outcomes.tolist() for p in result.pubs] == [[0, 0], [0, 0]]
