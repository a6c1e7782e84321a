"""Of several writers of one immutable file exactly one wins, and folders are as durable as what is in them."""

from __future__ import annotations

import threading

import pytest

from hybrid_assets.storage import files
from hybrid_assets.storage.files import make_folder, write_once


def test_first_content_is_kept(tmp_path):
    path = tmp_path / "a" / "b"
    assert write_once(path, b"first")
    assert not write_once(path, b"second")
    assert path.read_bytes() == b"first"
    assert [file.name for file in path.parent.iterdir()] == ["b"]


def test_one_of_many_writers_wins(tmp_path):
    """All wait at the same line, so that each finds the path free before any has written it."""
    path, gate, winners = tmp_path / "kernel", threading.Barrier(8), []

    def write(number):
        gate.wait()
        if write_once(path, bytes([number]) * 100_000):
            winners.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [winner] = winners
    assert path.read_bytes() == bytes([winner]) * 100_000
    assert [file.name for file in tmp_path.iterdir()] == ["kernel"]


def test_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_once(tmp_path / "kernel", b"data")
    assert list(tmp_path.iterdir()) == []


def test_each_new_folder_is_synced_into_the_one_above(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(files, "sync_folder", synced.append)
    make_folder(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]
    make_folder(tmp_path / "a" / "b")
    assert len(synced) == 2
