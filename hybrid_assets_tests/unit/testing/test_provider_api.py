"""The provider suite notices broken promises. Each provider here breaks one."""

# ruff: noqa: D101 - fakes keep the signatures of the protocol, whose docstrings say what they mean

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from hybrid_assets.circuits.targets import build_target_document
from hybrid_assets.errors import PermanentProviderError, TransientProviderError
from hybrid_assets.model.circuits import TargetOperation
from hybrid_assets.model.jobs import (
    BackendStatus,
    CostEstimate,
    ExecutionKind,
    JobHandle,
    JobLimits,
    JobReport,
    JobRequest,
    JobResult,
    JobStatus,
    ProviderDescription,
    Pub,
    PubResult,
)
from hybrid_assets.testing import assert_provider_api
from hybrid_assets.testing.fakes import all_zero_counts

NOW = datetime(2026, 11, 1, tzinfo=UTC)


class World:
    """What all provider objects of one backend share."""

    def __init__(self) -> None:
        self.jobs: dict[str, JobRequest] = {}
        self.polls = 0


class Honest:
    """A provider in memory whose jobs end at the third poll, all outcomes 0."""

    def __init__(self, world: World) -> None:
        self.world = world

    @classmethod
    def from_settings(cls, backend, options, state):
        return cls(World())

    def describe(self):
        return ProviderDescription(
            provider="honest",
            version="1",
            backend="b",
            identity="honest 1",
            is_metered=False,
            is_simulator=True,
            supports_find=True,
            supports_cancel=True,
        )

    def target(self, at=None):
        return build_target_document(
            backend="b",
            num_qubits=None,
            operations=[TargetOperation(name=name, qubits=None) for name in ("h", "measure")],
        )

    def status(self):
        return BackendStatus(operational=True, message="", pending_jobs=0, observed_at=NOW)

    def limits(self):
        return JobLimits(max_pubs=10)

    def estimate(self, request):
        return CostEstimate(qpu_s=0.0, money=0.0)

    def submit(self, request):
        self.world.jobs.setdefault(request.request_id, request)
        return JobHandle(provider="honest", backend="b", request_id=request.request_id, provider_job_id="1")

    def find(self, request_id, *, since=None):
        is_late = since is not None and since > datetime.now(UTC)
        if is_late or request_id not in self.world.jobs:
            return []
        return [JobHandle(provider="honest", backend="b", request_id=request_id, provider_job_id="1")]

    def known(self, handle):
        if handle.request_id not in self.world.jobs:
            raise PermanentProviderError("unknown")
        return self.world.jobs[handle.request_id]

    def poll(self, handle):
        self.known(handle)
        self.world.polls += 1
        return JobReport(status=JobStatus.SUCCEEDED if self.world.polls > 2 else JobStatus.QUEUED)

    def fetch(self, handle):
        return JobResult(
            handle=handle,
            pubs=tuple(self.result(pub) for pub in self.known(handle).pubs),
            calibration_id="1" * 64,
            started_at=NOW,
            finished_at=NOW,
            billed_s=0.0,
        )

    def result(self, pub):
        counts = all_zero_counts(pub.values.shape[0], len(pub.measured_qubits), pub.shots)
        return PubResult(kernel_id=pub.kernel_id, counts=counts, execution=ExecutionKind.STATEVECTOR)

    def cancel(self, handle):
        return self.poll(handle)


class LosesShots(Honest):
    def result(self, pub):
        return super().result(replace(pub, shots=pub.shots - 1))


class SwapsPubs(Honest):
    def fetch(self, handle):
        result = super().fetch(handle)
        return replace(result, pubs=result.pubs[::-1])


class BuysTwice(Honest):
    def submit(self, request):
        self.world.jobs[f"{request.request_id}-{len(self.world.jobs)}"] = request
        return replace(super().submit(request), provider_job_id=str(len(self.world.jobs)))


class TellsNoPrice(Honest):
    """It bills money by its own word, and no result says how much."""

    def describe(self):
        return replace(super().describe(), job_overhead_money=0.3)


class NeverEnds(Honest):
    def poll(self, handle):
        super().poll(handle)
        return JobReport(status=JobStatus.RUNNING)


class Fails(Honest):
    def poll(self, handle):
        super().poll(handle)
        return JobReport(status=JobStatus.FAILED, message="out of helium")


class KnowsEverything(Honest):
    def poll(self, handle):
        return JobReport(status=JobStatus.SUCCEEDED)


class CallsUnknownTransient(Honest):
    def fetch(self, handle):
        if handle.request_id not in self.world.jobs:
            raise TransientProviderError("maybe later")
        return super().fetch(handle)


class FindsNothing(Honest):
    def find(self, request_id, *, since=None):
        return []


class Forgets(Honest):
    def __init__(self, world):
        super().__init__(World())


class CannotMeasure(Honest):
    def target(self, at=None):
        return replace(super().target(), operations=(TargetOperation(name="h", qubits=None),))


class CancelsWhatEnded(Honest):
    def cancel(self, handle):
        super().cancel(handle)
        return JobReport(status=JobStatus.CANCELLED)


def _request():
    pubs = [
        Pub(
            kernel_id=name,
            payload=b"",
            payload_sha="",
            artefact_fingerprint="",
            measured_qubits=(0, 1),
            expected_success=1.0,
            values=np.zeros((2, 1)),
            shots=5,
            seed=0,
        )
        for name in ("k0", "k1")
    ]
    return JobRequest(request_id="r", backend="b", pubs=tuple(pubs))


def _check(kind):
    world, waited = World(), []
    return assert_provider_api(lambda: kind(world), _request(), wait=waited.append, bound_s=1.0), waited


def test_suite_accepts_a_provider_that_keeps_its_promises():
    result, waited = _check(Honest)
    assert len(result.pubs) == 2
    assert waited == [0.05, 0.05]  # the job ended at the third poll


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (LosesShots, "4 shots instead of 5"),
        (SwapsPubs, "PUBs differ or moved"),
        (BuysTwice, "gave a second job"),
        (TellsNoPrice, "billed in money just where a job has a price"),
        (NeverEnds, "still RUNNING"),
        (Fails, "out of helium"),
        (KnowsEverything, "must raise PermanentProviderError"),
        (CallsUnknownTransient, "fetch of an unknown job raised TransientProviderError"),
        (FindsNothing, "not found by its request id"),
        (Forgets, "not found by its request id"),
        (CannotMeasure, "no measurement"),
        (CancelsWhatEnded, "Cancelling a job that has ended"),
    ],
)
def test_suite_notices_a_broken_promise(kind, message):
    with pytest.raises(Exception, match=message):
        _check(kind)


def test_suites_load_when_asked_for():
    import hybrid_assets.testing as suites

    assert suites.assert_provider_api is assert_provider_api
    with pytest.raises(AttributeError, match="no attribute 'assert_nothing'"):
        suites.assert_nothing  # noqa: B018 - asking is the test
