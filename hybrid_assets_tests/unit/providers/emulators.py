"""Emulated QPUs for tests: a virtual clock, a small device, and a machine that counts nothing but zeros."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from hybrid_assets.errors import PermanentProviderError, TargetMismatchError
from hybrid_assets.model.jobs import ExecutionKind, JobRequest, Pub, PubResult
from hybrid_assets.providers.emulator import EmulatorOptions, EmulatorProvider
from hybrid_assets.testing.fakes import all_zero_counts
from hybrid_assets_tests.unit.providers.pubs import line_device

START = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
#: No randomness in queue and bills: a job waits 10 s, runs 2 s + 1 ms an execution (of a circuit of 0.75 ms).
EXACT = {"queue_median_s": 10.0, "queue_sigma": 0.0, "bill_step_s": 0.0}


@dataclass
class VirtualClock:
    """A clock that moves when it is told to."""

    now: datetime = START

    def __call__(self):
        return self.now

    def forward(self, seconds):
        self.now += timedelta(seconds=seconds)
        return self.now


@dataclass
class ZeroMachine:
    """Answers all zeros under any calibration; kernels named ``stale...`` and ``odd...`` do not fit the device."""

    document: object
    executed: list = field(default_factory=list)

    def duration_s(self, pub):
        if pub.kernel_id.startswith("stale"):
            raise TargetMismatchError(f"no gate for {pub.kernel_id}")
        if pub.kernel_id.startswith("odd"):
            raise PermanentProviderError(f"{pub.kernel_id} resets a qubit")
        return 0.75e-3

    def execute(self, pub):
        self.executed.append(pub.kernel_id)
        counts = all_zero_counts(pub.values.shape[0], len(pub.measured_qubits), pub.shots)
        return PubResult(kernel_id=pub.kernel_id, counts=counts, execution=ExecutionKind.DENSITY_MATRIX)


def emulator(state, clock, **options):
    """Return an emulated QPU of exact times with a line of three qubits as device, unless options say otherwise."""
    parsed = EmulatorOptions.parse({**EXACT, **options}, "em")
    return EmulatorProvider("em", parsed, state, clock=clock, document=line_device(3), machine=ZeroMachine)


def job(*kernel_ids, request_id="req", shots=1000, rows=1):
    """Return a request of kernels without circuits."""
    pubs = tuple(
        Pub(
            kernel_id=kernel_id,
            payload=b"circuit",
            payload_sha="0" * 64,
            artefact_fingerprint="0" * 64,
            measured_qubits=(0, 1),
            expected_success=1.0,
            values=np.zeros((rows, 1)),
            shots=shots,
            seed=1,
        )
        for kernel_id in kernel_ids or ("k",)
    )
    return JobRequest(request_id=request_id, backend="em", pubs=pubs)
