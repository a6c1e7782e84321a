"""What an IBM backend keeps on disk: the batch in use and the requests it sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hybrid_assets.errors import PermanentProviderError, ResultIntegrityError
from hybrid_assets.providers._ibm_batch import USED_FOR, SharedBatch
from hybrid_assets.providers._ibm_requests import SentRequests, describe
from hybrid_assets_tests.unit.providers.pubs import pub, qaoa, request

NOW = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)


def asked(request_id="req", *, rows=2):
    return request(pub(qaoa(2, ((0, 1),), 1), [[0.1, 0.2]] * rows), backend="ibm", request_id=request_id)


def test_a_batch_is_used_for_an_hour_by_all_who_open_the_file(tmp_path):
    SharedBatch(tmp_path / "batch", scope="torino").keep("b1", NOW)
    other = SharedBatch(tmp_path / "batch", scope="torino")
    assert other.usable(NOW) == other.usable(NOW + USED_FOR - timedelta(seconds=1)) == "b1"
    assert other.usable(NOW + USED_FOR) is None
    assert other.usable(NOW - timedelta(seconds=1)) is None  # a clock that was set back


def test_a_batch_of_another_device_or_a_damaged_file_is_not_used(tmp_path):
    batch = SharedBatch(tmp_path / "batch", scope="torino")
    assert batch.usable(NOW) is None
    batch.keep("b1", NOW)
    assert SharedBatch(tmp_path / "batch", scope="fez").usable(NOW) is None
    content = bytearray((tmp_path / "batch").read_bytes())
    content[80] ^= 1
    (tmp_path / "batch").write_bytes(content)
    assert batch.usable(NOW) is None


def test_a_request_is_remembered_exactly_and_may_be_remembered_again(tmp_path):
    sent = describe(asked(), is_twirled=True)
    SentRequests(tmp_path).put(sent)
    SentRequests(tmp_path).put(describe(asked(), is_twirled=True))
    assert SentRequests(tmp_path).get("req") == sent


def test_a_damaged_request_is_not_trusted(tmp_path):
    requests = SentRequests(tmp_path)
    requests.put(describe(asked(), is_twirled=False))
    (path,) = (path for path in tmp_path.rglob("*") if path.is_file())
    content = bytearray(path.read_bytes())
    content[80] ^= 1
    path.write_bytes(content)
    with pytest.raises(ResultIntegrityError):
        requests.get("req")


@pytest.mark.parametrize("name", ["../escape", "", "a/b", ".hidden", "x" * 300])
def test_an_id_that_could_leave_the_folder_is_refused(tmp_path, name):
    with pytest.raises(PermanentProviderError):
        SentRequests(tmp_path / "requests").put(describe(asked(name), is_twirled=False))
    assert list(tmp_path.rglob("*")) == []
