"""The ten SQL questions of the documentation on a year of nights."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from hybrid_assets.storage.snapshot import query
from hybrid_assets_tests.bench.year import make_year
from hybrid_assets_tests.documents import questions

REPEATS = 7


def table(nights: int = 365) -> str:
    """Make the nights, ask each question and return the table."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        files = make_year(home, nights=nights)
        rows = []
        for block in questions():
            began = time.perf_counter()
            _, answer = query(home, block.text)
            first_ms = 1000 * (time.perf_counter() - began)
            rows.append((block.heading, len(answer), first_ms, _median_ms(home, block.text)))
    fastest = min(row[-1] for row in rows)
    lines = [
        f"Questions: {nights} nights x 3 workloads x 3 backends, {files} partition files; first: with packing",
        f"{'question':50} {'rows':>6} {'first ms':>9} {'ms':>7} {'x fastest':>9}",
    ]
    lines += [f"{head:50} {n:6d} {first:9.0f} {ms:7.1f} {ms / fastest:9.1f}" for head, n, first, ms in rows]
    return "\n".join(lines)


def _median_ms(home: Path, sql: str) -> float:
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        query(home, sql)
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)
