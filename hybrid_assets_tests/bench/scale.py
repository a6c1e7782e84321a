"""How a night grows with its instances: time should grow linearly, memory should not grow."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hybrid_assets_tests.bench.nights import NIGHT, command, cubic_graphs, stage_span_s, watch, write_settings

SIZES = (25, 50, 100)
WORKLOAD = '{inputs: "in/*.csv", depths: [1, 2], angles: {policy: fixed}, shots: 4096}'
BACKEND = "{provider: aer, slots: 2, wait_s: 600}"


def table() -> str:
    """Run nights of growing size, comparisons and baselines included, and return the table."""
    lines = [
        "Scale: whole nights of cubic graphs with 12 nodes, two depths",
        f"{'instances':>9} {'stages s':>9} {'ms/instance':>12} {'peak MB':>8}",
    ]
    for size in SIZES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            cubic_graphs(folder / "in", count=size)
            write_settings(folder, backend=BACKEND, workload=WORKLOAD)
            done = watch(command("run", "--night", NIGHT), folder=folder)
            span_s = stage_span_s(folder)
        lines.append(f"{size:9d} {span_s:9.1f} {1000 * span_s / size:12.0f} {done.peak_bytes / 1e6:8.0f}")
    return "\n".join(lines)
