"""Grouping PUBs into jobs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_assets.control.batching import executions, pack, payload_bytes
from hybrid_assets.errors import CapacityError
from hybrid_assets.model.jobs import JobLimits, Pub


def pub(name: str, *, rows: int = 1, shots: int = 100, payload: int = 10) -> Pub:
    return Pub(
        kernel_id=name,
        payload=b"x" * payload,
        payload_sha="",
        artefact_fingerprint="",
        measured_qubits=(0,),
        expected_success=1.0,
        values=np.zeros((rows, 2)),
        shots=shots,
        seed=1,
    )


queues = st.lists(
    st.builds(pub, st.text("abc", max_size=3), rows=st.integers(1, 5), shots=st.sampled_from([50, 100])), max_size=30
)
limits = st.builds(
    JobLimits,
    max_pubs=st.none() | st.integers(1, 5),
    max_executions=st.none() | st.integers(500, 2_000),
    max_payload_bytes=st.none() | st.integers(90, 400),
)


@given(queues, limits)
def test_pack_keeps_every_pub_in_order(queue, limit):
    batches = pack(queue, limits=limit)
    assert [p for batch in batches for p in batch.pubs] == queue


@given(queues, limits)
def test_pack_never_exceeds_a_limit(queue, limit):
    for batch in pack(queue, limits=limit):
        assert len({p.shots for p in batch.pubs}) == 1
        assert limit.max_pubs is None or len(batch.pubs) <= limit.max_pubs
        assert limit.max_executions is None or sum(map(executions, batch.pubs)) <= limit.max_executions
        assert limit.max_payload_bytes is None or sum(map(payload_bytes, batch.pubs)) <= limit.max_payload_bytes


@given(queues, limits)
def test_pack_closes_a_batch_only_when_the_next_pub_would_not_fit(queue, limit):
    """Joining two neighbors would break the limit that the first one names as its reason."""
    batches = pack(queue, limits=limit)
    for first, second in itertools.pairwise(batches):
        joined = [*first.pubs, second.pubs[0]]
        too_much = {
            "other number of shots": len({p.shots for p in joined}) > 1,
            "max_pubs": limit.max_pubs is not None and len(joined) > limit.max_pubs,
            "max_executions": limit.max_executions is not None and sum(map(executions, joined)) > limit.max_executions,
            "max_payload_bytes": limit.max_payload_bytes is not None
            and sum(map(payload_bytes, joined)) > limit.max_payload_bytes,
        }
        assert too_much[first.reason]


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        pytest.param(JobLimits(max_shots=99), "Kernel k needs 100 shots a row, the backend takes 99", id="shots"),
        pytest.param(JobLimits(max_executions=199), "Kernel k needs 200 executions, the backend takes 199", id="rows"),
        # 10 bytes of circuit and 2 rows x 2 values x 8 bytes = 42
        pytest.param(JobLimits(max_payload_bytes=41), "Kernel k needs 42 payload bytes, the backend", id="bytes"),
    ],
)
def test_pack_names_a_pub_that_fits_no_job(limit, message):
    with pytest.raises(CapacityError, match=message):
        pack([pub("k", rows=2)], limits=limit)
