"""One emulated QPU, several processes; and the device of a real snapshot under the real clock."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from threading import Barrier

from hybrid_assets import registry
from hybrid_assets.errors import RateLimitedError
from hybrid_assets.model.jobs import ExecutionKind, JobHandle, JobStatus
from hybrid_assets_tests.unit.providers.emulators import VirtualClock, emulator, job
from hybrid_assets_tests.unit.providers.pubs import compiled, pub, qaoa, request

#: Where a child process finds the tests.
ROOT = Path(__file__).parents[3]
SUBMIT = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from threading import Barrier
from hybrid_assets.errors import RateLimitedError
from hybrid_assets_tests.unit.providers.emulators import VirtualClock, emulator, job
name, number, options = sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
qpu = emulator(Path(sys.argv[1]), VirtualClock(), **options)
handles = []
for i in range(number):
    try:
        handles.append(asdict(qpu.submit(job(f"{name}-{i}", request_id=f"{name}-{i}"))))
    except RateLimitedError:
        pass
print(json.dumps(handles))
"""


def start(state, name, number, **options):
    command = [sys.executable, "-c", SUBMIT, str(state), name, str(number), json.dumps(options)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def handles_of(child):
    answer, _ = child.communicate(timeout=120)
    assert child.returncode == 0
    return [JobHandle(**facts) for facts in json.loads(answer)]


def test_a_job_submitted_in_one_process_is_polled_and_fetched_in_another(tmp_path):
    (handle,) = handles_of(start(tmp_path, "child", 1))
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock)
    assert list(qpu.find("child-0")) == [handle]
    assert qpu.poll(handle).status is JobStatus.QUEUED
    clock.forward(13)
    assert [done.kernel_id for done in qpu.fetch(handle).pubs] == ["child-0"]


def test_processes_that_submit_at_once_share_queue_slots_and_rate(tmp_path):
    children = [start(tmp_path, name, 10, run_slots=2, posts_per_minute=25) for name in "abc"]
    handles = [handle for child in children for handle in handles_of(child)]
    assert len(handles) == 25  # of 30 at one virtual moment; the rest is over the rate
    clock = VirtualClock()
    qpu = emulator(tmp_path, clock, run_slots=2)
    clock.forward(1000)
    books = qpu.books()
    assert sorted(entry["job_id"] for entry in books) == sorted(handle.provider_job_id for handle in handles)
    # Two at a time from 10 s on, 3 s each: 12 pairs and a single one.
    starts = Counter((entry["started_at"] - clock.now).total_seconds() + 1000 for entry in books)
    assert starts == {10.0 + 3 * i: 2 if i < 12 else 1 for i in range(13)}
    assert Counter(post["outcome"] for post in qpu.posts()) == {"accepted": 25, "rate_limited": 5}


def test_submissions_at_the_same_moment_are_taken_one_after_the_other(tmp_path):
    """What admission reads (rate, queue) and what it writes must be one step; threads overlap more than processes."""
    qpu, barrier = emulator(tmp_path, VirtualClock(), posts_per_minute=12), Barrier(4)

    def submit(name):
        barrier.wait(timeout=60)
        taken = 0
        for i in range(6):
            try:
                qpu.submit(job(request_id=f"{name}-{i}"))
                taken += 1
            except RateLimitedError:
                continue
        return taken

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(submit, "abcd")) == 12
    assert Counter(post["outcome"] for post in qpu.posts()) == {"accepted": 12, "rate_limited": 12}


def test_a_real_device_executes_with_its_noise(tmp_path):
    options = {"device": "fake_torino", "queue_median_s": 0.0, "speed": 1e6, "density_matrix_qubits": 3}
    qpu = registry.provider_class("emulator").from_settings("emulator", options, tmp_path)
    narrow, wide = (
        pub(
            compiled(qaoa(n, [(i, i + 1) for i in range(n - 1)], 1), qpu.target()),
            [[0.4, 0.7]],
            kernel_id=f"k{n}",
            shots=500,
        )
        for n in (3, 5)
    )
    asked = request(narrow, wide, backend="emulator")
    handle = qpu.submit(asked)
    result = qpu.fetch(JobHandle(**json.loads(json.dumps(asdict(handle)))))
    assert [done.execution for done in result.pubs] == [ExecutionKind.DENSITY_MATRIX, ExecutionKind.DEPOLARIZED]
    assert result.calibration_id == qpu.target().calibration_id
    # 2 s + 1000 x 250 us = 2.25 s, and circuits of a few microseconds: rounded up to 3 s.
    assert result.billed_s == qpu.estimate(asked).qpu_s == 3.0
