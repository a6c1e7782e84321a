"""Kernel results on disk: exact, kept, verified."""

from __future__ import annotations

import hashlib
import io
import os
import zlib
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from hybrid_assets.errors import ConfigurationError, ResultIntegrityError
from hybrid_assets.model.jobs import ExecutionKind, KernelResult, RawCounts
from hybrid_assets.storage import results, sealed
from hybrid_assets.storage.results import FileResultStore

KERNEL = "ab" * 32


def counts_of(rows, *, num_bits=3):
    return RawCounts(
        num_bits=num_bits,
        outcomes=np.array([outcome for row in rows for outcome in row], dtype=np.uint64),
        counts=np.array([count for row in rows for count in row.values()], dtype=np.int64),
        offsets=np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64),
    )


def result_of(counts=None, **values):
    facts = {
        "kernel_id": KERNEL,
        "counts": counts_of([{0: 60, 5: 40}, {7: 100}]) if counts is None else counts,
        "shots": 100,
        "execution": ExecutionKind.DENSITY_MATRIX,
        "backend": "emulator",
        "compiled_calibration_id": "c1",
        "executed_calibration_id": "c2",
        "provider_job_id": "job-1",
        "request_id": "request-1",
        "executed_at": datetime(2026, 11, 23, 2, 0, 0, 123456, tzinfo=UTC),
        "billed_s": 0.1 + 0.2,
    }
    return KernelResult(**{**facts, **values})


@pytest.fixture
def store(tmp_path):
    return FileResultStore(tmp_path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ab" / f"{KERNEL}.npz"


def assert_same(actual, expected):
    for name in ("outcomes", "counts", "offsets"):
        assert getattr(actual.counts, name).dtype == getattr(expected.counts, name).dtype
        assert np.array_equal(getattr(actual.counts, name), getattr(expected.counts, name))
    assert actual.counts.num_bits == expected.counts.num_bits
    assert replace(actual, counts=expected.counts).__repr__() == expected.__repr__()


@pytest.mark.parametrize(
    ("counts", "shots"),
    [
        pytest.param(counts_of([{0: 60, 5: 40}, {7: 100}]), 100, id="small"),
        pytest.param(counts_of([{0: 1, 2**63: 1, 2**64 - 1: 2**40}], num_bits=64), 2**40 + 2, id="widest"),
        pytest.param(counts_of([]), 100, id="no rows"),
    ],
)
def test_stored_result_comes_back_exactly(store, counts, shots):
    result = result_of(counts, shots=shots)
    store.put(result)
    assert_same(store.get(KERNEL), result)


def test_result_of_an_older_version_keeps_what_it_has(store, monkeypatch):
    """A field that came later, with a default, is no reason to lose a paid result."""
    monkeypatch.setattr(results, "_PLAIN", tuple(name for name in results._PLAIN if name != "billed_s"))
    store.put(result_of())
    monkeypatch.undo()
    assert store.get(KERNEL).billed_s == 0.0


def test_unknown_kernel_is_none(store):
    assert store.get(KERNEL) is None
    assert not store.contains(KERNEL)


def test_first_result_of_a_kernel_is_kept(store, path):
    store.put(result_of(provider_job_id="first"))
    before = path.read_bytes()
    store.put(result_of(provider_job_id="second"))
    assert store.get(KERNEL).provider_job_id == "first"
    assert path.read_bytes() == before
    assert store.contains(KERNEL)


def test_result_that_does_not_add_up_is_not_stored(store):
    with pytest.raises(ResultIntegrityError, match=r"Row 1 has 99 shots instead of 100"):
        store.put(result_of(counts_of([{0: 100}, {1: 99}])))
    assert store.get(KERNEL) is None


def flip(data, place):
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def signed(body):
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda data: data[: len(data) // 2], id="cut"),
        pytest.param(lambda data: flip(data, 3), id="checksum"),
        pytest.param(lambda data: flip(data, len(data) - 20), id="body"),
        pytest.param(lambda _: signed(b"no zlib"), id="signed rubbish"),
        pytest.param(lambda _: signed(zlib.compress(b"no npz")), id="signed rubbish packed"),
        pytest.param(lambda data: signed(data[65:-3]), id="signed and cut"),
    ],
)
def test_damaged_result_is_set_aside_and_can_be_stored_again(store, path, damage):
    store.put(result_of())
    path.write_bytes(damage(path.read_bytes()))
    assert store.get(KERNEL) is None
    assert not store.contains(KERNEL)
    assert len(list(path.parent.glob("*.npz.corrupt-*"))) == 1
    store.put(result_of())
    assert_same(store.get(KERNEL), result_of())


def test_damaged_result_does_not_keep_a_sound_one_out(store, path):
    """Put must not trust a file it has not verified: the result may have been paid for."""
    store.put(result_of())
    path.write_bytes(b"damaged")
    store.put(result_of(provider_job_id="second"))
    assert store.get(KERNEL).provider_job_id == "second"


def test_result_under_another_id_is_set_aside(store, path):
    store.put(result_of())
    other = path.parent / f"{'ab' * 31}ff.npz"
    path.rename(other)
    assert store.get(other.stem) is None


class RunsCode:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def test_pickled_arrays_are_refused(store, path, tmp_path):
    """An object array would need pickle, which can run code."""
    packed = io.BytesIO()
    np.savez(packed, facts=np.array([RunsCode(str(tmp_path / "ran"))], dtype=object))
    path.parent.mkdir()
    path.write_bytes(signed(zlib.compress(packed.getvalue())))
    assert store.get(KERNEL) is None
    assert not (tmp_path / "ran").exists()


def test_results_beyond_the_cap_are_neither_stored_nor_unpacked(store, path, monkeypatch):
    store.put(result_of())
    small = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(sealed, "MAX_BYTES", len(small) - 1)
        assert store.get(KERNEL) is None
        with pytest.raises(ResultIntegrityError, match=r"It takes [0-9]+ bytes, over"):
            store.put(result_of())
    # 1 MB of zeros packs to about 1 kB: smaller than the cap on disk, larger unpacked.
    path.write_bytes(signed(zlib.compress(bytes(1_000_000))))
    monkeypatch.setattr(sealed, "MAX_BYTES", 100_000)
    assert path.stat().st_size < sealed.MAX_BYTES
    with pytest.raises(ResultIntegrityError, match="cut or too large"):
        sealed.read_sealed(path)
    assert store.get(KERNEL) is None


@pytest.mark.parametrize("kernel_id", ["../../x", "..", "a/b", "", ".hidden", "a\0b"])
def test_ids_that_could_leave_the_folder_are_refused(store, kernel_id):
    with pytest.raises(ConfigurationError, match="cannot be an id"):
        store.get(kernel_id)
