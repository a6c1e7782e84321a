"""An adapter for tests of the provider `isolated`: the standard library and numpy only, and faults on demand.

Options: `fault` {method: what}, where what is one of `_fail` or a kind of `AdapterError`; `once` names a file that must
not exist for a fault to act, which makes it; `gate` names a file without which no PUB is executed; `name`. A request's
option `fault` fails its submission.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from outside import AdapterError, LocalJobs, counts_of_rows

#: So that no test waits for Qiskit's import.
QPY_VERSIONS = (13, 15)


class Adapter:
    """A machine whose every shot reads 1 on bit 0, and whose row r reads r on the others."""

    def __init__(self, options, *, backend, state):
        self.options, self.backend, self.state = options, backend, state
        self.jobs = LocalJobs(state / "jobs", self._execute)
        self._maybe_fail("start")

    def describe(self):
        return {
            "version": "1.2.3",
            "identity": f"fake {self.options.get('name', 'machine')}",
            "is_metered": False,
            "is_simulator": True,
            "supports_find": True,
            "supports_cancel": True,
            "listing_lag_s": 0.0,
        }

    def target(self, at):
        if (bad := self._maybe_fail("target")) is not None:
            return bad
        return {
            "num_qubits": 3,
            "operations": [
                *(["rx", [q], 0.001, 1e-8] for q in range(3)),
                ["cz", [0, 1], 0.01, None],
                *(["measure", [q], 0.02, None] for q in range(3)),
            ],
            "readout": [[0.02, 0.02]] * 3,
            "calibrated_at": "2026-11-24T02:00:00+00:00",
        }

    def status(self):
        if (bad := self._maybe_fail("status")) is not None:
            return bad
        seen = {"pid": os.getpid(), "path": sys.path, "environment": dict(os.environ)}
        return {"operational": True, "message": repr(seen), "pending_jobs": 0}

    def limits(self):
        return self._maybe_fail("limits") or {"max_pubs": 4, "max_shots": 1000}

    def estimate(self, request):
        return self._maybe_fail("estimate") or {"qpu_s": 0.5 * len(request.pubs), "money": 0.0, "pubs_s": []}

    def submit(self, request):
        if (what := request.options.get("fault")) and (bad := self._fail(what)) is not None:
            return bad
        job_id = self.jobs.submit(request)
        self._maybe_fail("after_submit")
        return job_id

    def find(self, request_id, since):
        return self._maybe_fail("find") or self.jobs.find(request_id, since)

    def poll(self, job_id):
        self._maybe_fail("poll")
        return self.jobs.poll(job_id)

    def fetch(self, job_id):
        self._maybe_fail("fetch")
        return self.jobs.fetch(job_id)

    def cancel(self, job_id):
        return self.jobs.cancel(job_id)

    def _execute(self, pub):
        if gate := self.options.get("gate"):
            (self.state / f"begun-{pub.kernel_id}").touch()
            while not Path(gate).exists():
                time.sleep(0.01)
        self._maybe_fail("execute")
        bits = len(pub.measured_qubits)
        rows = [{1 | (2 * row % (1 << bits)): pub.shots} for row in range(pub.values.shape[0])]
        return counts_of_rows(rows, kernel_id=pub.kernel_id, num_bits=bits, execution="statevector")

    def _maybe_fail(self, method):
        what = self.options.get("fault", {}).get(method)
        once = self.options.get("once")
        if what is None or (once and Path(once).exists()):
            return None
        if once:
            Path(once).touch()
        return self._fail(what)

    def _fail(self, what):  # noqa: C901 - one fault a line
        if what == "hang":
            child = subprocess.Popen(["/bin/sleep", "600"])
            (self.state / "grandchild").write_text(str(child.pid))
            time.sleep(600)
        elif what == "die":
            sys.stderr.write("last words before the end\n")
            sys.stderr.flush()
            os._exit(3)
        elif what == "memory":
            np.empty(1 << 28)  # 2 GiB of address space, of which nothing is used
        elif what == "raise":
            raise RuntimeError("a bug of the SDK")
        elif what == "leak":
            raise RuntimeError(f"401 for {os.environ['CANARY_TOKEN']}")
        elif what == "leak_and_die":
            sys.stderr.write(f"Authorization: Bearer {os.environ['CANARY_TOKEN']}\n")
            sys.stderr.flush()
            os._exit(4)
        elif what == "print":
            print("progress: 100 %", flush=True)  # noqa: T201 - the point: an SDK that prints
            os.system("echo from a child")  # noqa: S605 - the point: the SDK's own children print, too
        elif what == "garbage":
            for descriptor in _pipes():
                os.write(descriptor, f"garbage {os.environ.get('CANARY_TOKEN', '')}\n".encode())
        elif what == "bad":
            return {"surprise": True}
        else:
            raise AdapterError(what, f"the fake says {what}")
        return None


def _pipes():
    """Return the descriptors the worker may have put its answers' pipe on."""
    for descriptor in range(3, 32):
        with contextlib.suppress(OSError):
            is_writable = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY
            if is_writable and stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                yield descriptor
