"""A night of 1,200 circuits against a plain loop and against Aer's own time for the distributions.

16 cubic graphs of 12 nodes, depths 1 to 3, a 5 x 5 angle grid, 4096 shots: 48 templates of 25 settings.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hybrid_assets_tests.bench.nights import NIGHT, Run, command, cubic_graphs, stage_span_s, watch, write_settings

CIRCUITS = 1200
BACKENDS = {
    "fake_torino": "{provider: aer, device: fake_torino, noise: false, slots: 2, wait_s: 600}",
    "plain": "{provider: aer, slots: 2, wait_s: 600}",
}
WORKLOAD = '{inputs: "in/*.csv", depths: [1, 2, 3], angles: {policy: grid, size: 5}, shots: 4096}'


def table(loop_circuits: int) -> str:
    """Run both backends and return the table.

    Both runs are held against the lower floor: Aer on the 12-qubit circuits of the plain simulator. Aer on the compiled
    circuits of the device, which touch more qubits, is shown beside it. Start-up apart means: from the begin of the
    first stage to the end of the last, less the time that importing Qiskit and Aer takes, which happens in between.
    """
    nights = {device: _night(backend) for device, backend in BACKENDS.items()}
    floor_s = min(night.floor_s for night in nights.values())
    imports_s = float(_child("hybrid_assets_tests.bench.imports"))
    lines = [
        f"Speed: {CIRCUITS} circuits, 4096 shots each; loop timed on {loop_circuits} circuits and scaled",
        "device        loop s   run s  x faster  stages s  imports s  floor s  x floor  Aer on ISA s  peak MB",
    ]
    for device, night in nights.items():
        loop_s = float(_child("hybrid_assets_tests.bench.loop", device, str(loop_circuits))) * CIRCUITS
        run_s, peak_mb = night.run.wall_s, night.run.peak_bytes / 1e6
        lines.append(
            f"{device:12} {loop_s:7.1f} {run_s:7.1f} {loop_s / run_s:9.1f} {night.stages_s:9.1f} {imports_s:10.2f}"
            f" {floor_s:8.2f} {(night.stages_s - imports_s) / floor_s:8.2f} {night.floor_s:13.1f} {peak_mb:8.0f}"
        )
    return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class _Night:
    run: Run
    stages_s: float
    floor_s: float


def _night(backend: str) -> _Night:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cubic_graphs(folder / "in", count=16)
        write_settings(folder, backend=backend, workload=WORKLOAD)
        run = watch(command("run", "--night", NIGHT, "--until", "quantum_results"), folder=folder)
        floor_s = float(_child("hybrid_assets_tests.bench.floor", str(folder)))
        return _Night(run=run, stages_s=stage_span_s(folder), floor_s=floor_s)


def _child(module: str, *words: str) -> str:
    """Run a module in a process of its own and return the last line it printed."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-m", module, *words], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip().splitlines()[-1]
