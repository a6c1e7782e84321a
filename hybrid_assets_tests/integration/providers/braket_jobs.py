"""Jobs on a Braket device whose service is in this process."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from hybrid_assets_tests.unit.providers.pubs import compiled, pub, qaoa, request

VALUES = np.array([[0.3, 0.9], [1.2, -0.4]])


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.now = datetime.now(UTC)

    def __call__(self):
        return self.now


def job_of(provider, *, request_id="a" * 32, rows=2, shots=100, kernels=1):
    """Return a request of small kernels, compiled for the device as it is now."""
    isa = compiled(qaoa(3, ((0, 1), (1, 2)), 1), provider.target())
    pubs = [pub(isa, VALUES[:rows], kernel_id=f"k{i}", shots=shots) for i in range(kernels)]
    return request(*pubs, backend="garnet", request_id=request_id)


def ended(provider, handle):
    """Ask for a task until it has ended; return the last report."""
    for _ in range(5):
        report = provider.poll(handle)
        if report.status.is_final:
            return report
    raise AssertionError(report)


def counts_of(result):
    """Return the counts of all PUBs in a form that can be compared."""
    return [(p.counts.outcomes.tolist(), p.counts.counts.tolist()) for p in result.pubs]
