"""Whatever a compile worker does, the pool fails that kernel by name and compiles the rest."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hybrid_assets.circuits.key import compile_key
from hybrid_assets.circuits.payload import dump
from hybrid_assets.circuits.pool import CompilePool, CompileRequest
from hybrid_assets.circuits.slots import slot_template
from hybrid_assets.errors import CapacityError, CompilationError
from hybrid_assets.model.circuits import CompileOptions
from hybrid_assets_tests.unit.circuits.samples import ideal_target, line_target, qaoa

MODULE = "hybrid_assets_tests.integration.circuits.misbehaving_worker"


def _pool(mode="serves", **options):
    return CompilePool(command=(sys.executable, "-m", MODULE, mode), **options)


def _requests(*orders, target=None):
    target = target or ideal_target()
    key = compile_key("ab" * 32, target, CompileOptions())
    return [
        CompileRequest(label=f"k{n} ({o})", key=key, payload=o.encode(), target=target, options=CompileOptions())
        for n, o in enumerate(orders)
    ]


def _summary(outcomes):
    """Payloads of circuits and messages of errors."""
    return [str(o) if isinstance(o, CompilationError) else o.payload.decode() for o in outcomes]


def test_pool_answers_in_the_order_of_requests():
    orders = [f"circuit{n}" for n in range(20)]
    with _pool() as pool:
        assert _summary(pool.outcomes(_requests(*orders))) == orders
        assert _summary(pool.outcomes(_requests("again"))) == ["again"]


def test_pool_of_nothing_starts_nobody():
    with _pool() as pool:
        assert list(pool.compile([])) == []
        assert pool._children == []


def test_hanging_compile_is_killed_at_its_limit_and_the_rest_goes_on():
    started = time.monotonic()
    with _pool(limit_s=0.4) as pool:
        found = _summary(pool.outcomes(_requests("a", "hang", "b", "c")))
    assert found == ["a", "Compiling k1 (hang): the worker took longer than 0.4 s and was killed.", "b", "c"]
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("order", "message"),
    [
        pytest.param("crash", r"died of SIGSEGV \(about to crash\)", id="crash"),
        pytest.param("exit", "ended with exit code 3", id="exit"),
        pytest.param("babble", "sent what is no answer and was killed: .* impossible length", id="babble"),
        pytest.param("half", "ended with exit code 0", id="half an answer"),
    ],
)
def test_worker_that_goes_wrong_fails_its_kernel_only(order, message):
    kept: list[bytes] = []
    with _pool() as pool, pytest.raises(CompilationError, match=rf"Compiling k1 \({order}\): the worker {message}"):
        kept.extend(circuit.payload for circuit in pool.compile(_requests("a", order, "b", "c", "d")))
    assert kept == [b"a", b"b", b"c", b"d"]


def test_several_failures_are_reported_together_after_all_circuits():
    kept: list[bytes] = []
    message = r"2 of 4 circuits did not compile: k0 \(exit\), k2 \(crash\)\. The first: Compiling k0"
    with _pool() as pool, pytest.raises(CompilationError, match=message) as raised:
        kept.extend(circuit.payload for circuit in pool.compile(_requests("exit", "a", "crash", "b")))
    assert kept == [b"a", b"b"]
    assert [error.facts["kernel"] for error in raised.value.facts["errors"]] == ["k0 (exit)", "k2 (crash)"]


def test_cpu_limit_is_a_backstop():
    """A child that spins is ended by the system even when nobody kills it: here the wall limit is far away."""
    pool = _pool()
    pool._command[-1], pool._limit_s = "0", 60.0  # no CPU second beyond the one that is always given
    with pool:
        assert "died of SIGXCPU" in _summary(pool.outcomes(_requests("spin")))[0]


def test_memory_limit_holds():
    """A terabyte does not fit; the worker dies of it by name, and the next one serves."""
    with _pool(memory_limit_bytes=2**30) as pool:
        found = _summary(pool.outcomes(_requests("eat", "a")))
    assert "MemoryError" in found[0]
    assert found[1] == "a"


def test_what_libraries_print_does_not_reach_the_protocol():
    with _pool(workers=1) as pool:
        assert _summary(pool.outcomes(_requests("greet", "a", "greet"))) == ["greeted", "a", "greeted"]


def test_large_messages_pass_both_ways():
    """Far more than a pipe holds, in both directions, while the consumer takes its time."""
    order = "large 3000000" + " " * 2_000_000
    with _pool() as pool:
        sizes = [len(outcome.payload) for outcome in pool.outcomes(_requests(order, order, order))]
    assert sizes == [3_000_000] * 3


def test_time_the_consumer_takes_is_not_the_workers(tmp_path):
    """An answer that fills the pipe while nobody listens is late through no fault of the worker."""
    with _pool(limit_s=0.5) as pool:
        assert len(list(pool.outcomes(_requests(*[f"meet {tmp_path}"] * 2)))) == 2  # both are ready now
        outcomes = pool.outcomes(_requests("a", "large 3000000"))
        assert next(outcomes).payload == b"a"
        time.sleep(0.8)
        assert len(next(outcomes).payload) == 3_000_000


def test_target_is_sent_once_to_each_worker():
    """The stand-in reports how many targets it was told as the depth."""
    with _pool(workers=1) as pool:
        first = [o.facts.depth for o in pool.outcomes(_requests("a", "b", "c"))]
        second = [o.facts.depth for o in pool.outcomes(_requests("a", "b", target=line_target()))]
    assert (first, second) == ([1, 1, 1], [2, 2])


def test_workers_get_one_thread_and_no_secrets(monkeypatch):
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "very secret")
    monkeypatch.setenv("QISKIT_SABRE_ALL_THREADS", "1")
    with _pool() as pool:
        lines = _summary(pool.outcomes(_requests("environment")))[0].splitlines()
    assert {"QISKIT_PARALLEL=FALSE", "RAYON_NUM_THREADS=1", "OMP_NUM_THREADS=1"} <= set(lines)
    assert not [line for line in lines if "TOKEN" in line or "SABRE" in line]


def test_workers_compile_at_the_same_time(tmp_path):
    """Each of the two requests ends only when the other is under way, too."""
    with _pool(limit_s=20) as pool:
        assert _summary(pool.outcomes(_requests(*[f"meet {tmp_path}"] * 2))) == ["met", "met"]


def test_warm_starts_all_workers_and_they_are_used():
    with _pool() as pool:
        pool.warm()
        pids = {child._process.pid for child in pool._children}
        used = {int(text) for text in _summary(pool.outcomes(_requests("pid", "pid", "pid")))}
    assert len(pids) == 2
    assert used <= pids


def test_worker_that_cannot_start_fails_all_kernels_with_its_words():
    with _pool("never starts") as pool:
        found = _summary(pool.outcomes(_requests("a", "b")))
    assert all("no compile worker could be started" in text for text in found)
    assert all("the environment is broken" in text for text in found)


def test_worker_killed_between_two_calls_is_replaced():
    with _pool(workers=1) as pool:
        (pid,) = _summary(pool.outcomes(_requests("pid")))
        os.kill(int(pid), 9)
        pool._children[0]._process.wait()
        assert _summary(pool.outcomes(_requests("a"))) == ["a"]


def test_stopping_early_kills_what_is_under_way():
    with _pool(workers=2, limit_s=60) as pool:
        outcomes = pool.outcomes(_requests("a", "hang", "b"))
        assert next(outcomes).payload == b"a"
        outcomes.close()
        assert _summary(pool.outcomes(_requests("c"))) == ["c"]


def test_worker_dies_with_its_parent(tmp_path):
    """The parent is killed without a chance to clean up; its child sees the pipe end."""
    script = (
        "import sys, os, time\n"
        "from hybrid_assets_tests.integration.circuits.test_pool_failures import _pool, _requests, _summary\n"
        "pool = _pool(workers=1)\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(_summary(pool.outcomes(_requests('pid')))[0])\n"
        "os.kill(os.getpid(), 9)\n"
    )
    parent = subprocess.run([sys.executable, "-c", script], check=False, timeout=30)
    assert parent.returncode == -9
    child = Path("/proc") / (tmp_path / "pid").read_text()
    until = time.monotonic() + 10
    while child.exists() and "\nState:\tZ" not in _status(child) and time.monotonic() < until:
        os.sched_yield()
    assert not child.exists() or "\nState:\tZ" in _status(child)


def _status(process):
    try:
        return (process / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "\nState:\tZ"


def test_failure_keeps_its_class():
    """The real worker: a circuit wider than the target is a capacity error for the caller as well."""
    target = line_target(2)
    template = slot_template(qaoa(3, [(0, 1)]), ("gamma0", "beta0"))
    request = CompileRequest(
        label="maxcut/wide",
        key=compile_key("ab" * 32, target, CompileOptions()),
        payload=dump(template.circuit)[0],
        target=target,
        options=CompileOptions(),
    )
    with CompilePool(workers=1) as pool, pytest.raises(CapacityError, match="maxcut/wide: The circuit needs 3 qubits"):
        list(pool.compile([request]))
