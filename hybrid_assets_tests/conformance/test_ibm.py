"""IBM through the genuine client, against the loopback service, keeps every promise of the protocol."""

from __future__ import annotations

import pytest

from hybrid_assets.model.jobs import ExecutionKind
from hybrid_assets.testing import assert_provider_api
from hybrid_assets_tests.integration.providers.ibm_loopback import provider, service, two_pubs


@pytest.mark.parametrize("options", [pytest.param({}, id="batch"), pytest.param({"mode": "job"}, id="job")])
def test_ibm_keeps_the_promises_of_a_provider(tmp_path, monkeypatch, options):
    with service(monkeypatch) as running:
        result = assert_provider_api(
            lambda: provider(running, tmp_path, **options),
            two_pubs(),
            is_idempotent=False,  # the service makes a second job, and bills it
        )
        assert [job.tags for job in running.book] == [("req",)]
    assert [done.execution for done in result.pubs] == [ExecutionKind.QPU] * 2
    # 1 s a job, and 2 kernels x 2 rows x 400 shots x 250 us
    assert result.billed_s == pytest.approx(1.4)
