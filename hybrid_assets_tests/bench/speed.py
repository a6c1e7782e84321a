"""A night of 1,200 circuits against a plain loop and against Aer's own time for the distributions.

16 cubic graphs of 12 nodes, depths 1 to 3, a 5 x 5 angle grid, 4096 shots: 48 templates of 25 settings.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from hybrid_assets_tests.bench.nights import NIGHT, command, cubic_graphs, stage_span_s, watch, write_settings

CIRCUITS = 1200
BACKENDS = {
    "fake_torino": "{provider: aer, device: fake_torino, noise: false, slots: 2, wait_s: 600}",
    "plain": "{provider: aer, slots: 2, wait_s: 600}",
}
WORKLOAD = '{inputs: "in/*.csv", depths: [1, 2, 3], angles: {policy: grid, size: 5}, shots: 4096}'


def table(loop_circuits: int) -> str:
    """Run both backends and return the table."""
    lines = [
        f"Speed: {CIRCUITS} circuits, 4096 shots each; loop timed on {loop_circuits} circuits and scaled",
        f"{'device':12} {'loop s':>8} {'run s':>7} {'x faster':>8} {'stages s':>8} {'floor s':>8} {'x floor':>8} {'peak MB':>8}",
    ]
    for device, backend in BACKENDS.items():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            cubic_graphs(folder / "in", count=16)
            write_settings(folder, backend=backend, workload=WORKLOAD)
            done = watch(command("run", "--night", NIGHT, "--until", "quantum_results"), folder=folder)
            span_s = stage_span_s(folder)
            floor_s = float(_child("hybrid_assets_tests.bench.floor", str(folder)))
        loop_s = float(_child("hybrid_assets_tests.bench.loop", device, str(loop_circuits))) * CIRCUITS
        lines.append(
            f"{device:12} {loop_s:8.1f} {done.wall_s:7.1f} {loop_s / done.wall_s:8.1f} {span_s:8.1f} {floor_s:8.2f}"
            f" {span_s / floor_s:8.2f} {done.peak_bytes / 1e6:8.0f}"
        )
    return "\n".join(lines)


def _child(module: str, *words: str) -> str:
    """Run a module in a process of its own and return the last line it printed."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-m", module, *words], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip().splitlines()[-1]
