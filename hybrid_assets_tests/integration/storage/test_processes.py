"""Several processes on one warehouse, some of them killed at the worst moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from hybrid_assets.storage.warehouse import Warehouse
from hybrid_assets_tests.unit.storage.sample_rows import CELL, NIGHT, rows_of

# Writes a partition and stops with everything written but the one call named, until it is killed.
STOPS_BEFORE = """
import os, sys, time
from pathlib import Path
from hybrid_assets.storage.warehouse import Warehouse
from hybrid_assets_tests.unit.storage.sample_rows import CELL, rows_of
def stop(*_):
    print("stopped", flush=True)
    time.sleep(600)
setattr(os, sys.argv[2], stop)
Warehouse(Path(sys.argv[1])).publish("comparisons", rows_of("comparisons", 50, verdict="half"), partition=CELL)
"""

# Publishes a partition of its own again and again.
PUBLISHES = """
import sys
from pathlib import Path
from hybrid_assets.storage.warehouse import Warehouse
from hybrid_assets_tests.unit.storage.sample_rows import CELL, rows_of
warehouse = Warehouse(Path(sys.argv[1]))
for size in range(1, 21):
    for night in ("2026-11-23", "2026-11-24", "2026-11-25"):
        rows = rows_of("comparisons", size, method=sys.argv[2])
        warehouse.publish("comparisons", rows, partition={**CELL, "night": night, "backend": sys.argv[2]})
"""


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_kill_while_writing_leaves_the_old_version_whole(tmp_path, call):
    """SIGKILL between the temporary file and its rename, and before it is synced, three times over."""
    warehouse = Warehouse(tmp_path)
    before = warehouse.publish("comparisons", rows_of("comparisons", 3, verdict="old"), partition=CELL)
    for round_ in range(1, 4):
        child = subprocess.Popen([sys.executable, "-c", STOPS_BEFORE, tmp_path, call], stdout=subprocess.PIPE)
        with child:
            assert child.stdout.readline() == b"stopped\n"
            child.send_signal(signal.SIGKILL)
        assert child.returncode == -signal.SIGKILL
        assert len(list(before.path.parent.glob(".tmp-*"))) == round_
        assert warehouse.data_version("comparisons", **CELL) == before.data_version
        assert [row["verdict"] for row in warehouse.read_rows("comparisons")] == ["old"] * 3
    after = warehouse.publish("comparisons", rows_of("comparisons", 2, verdict="new"), partition=CELL)
    assert [row["verdict"] for row in warehouse.read_rows("comparisons")] == ["new"] * 2
    assert after.data_version != before.data_version


def test_writers_of_different_partitions_do_not_meet(tmp_path):
    children = [subprocess.Popen([sys.executable, "-c", PUBLISHES, tmp_path, name]) for name in ("aer", "emulator")]
    warehouse = Warehouse(tmp_path)
    while any(child.poll() is None for child in children):
        # A reader meanwhile sees whole versions: row numbers 0 .. n - 1 of one size, never a mixture.
        for partition in warehouse.partitions("comparisons"):
            values = [row["value"] for row in warehouse.read_rows("comparisons", columns=["value"], **partition)]
            assert values == [index + 0.5 for index in range(len(values))]
            assert len(values) > 0
        os.sched_yield()
    assert [child.returncode for child in children] == [0, 0]
    for name in ("aer", "emulator"):
        rows = warehouse.read_rows("comparisons", backend=name)
        assert len(rows) == 3 * 20
        assert {row["method"] for row in rows} == {name}
    assert len(warehouse.partitions("comparisons")) == 6
    assert warehouse.read("comparisons", night=NIGHT).num_rows == 2 * 20
