"""What the emulated QPU bills for the demo night, against one job a circuit and against as few jobs as it allows."""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path

from hybrid_assets.providers._emulator_options import EmulatorOptions
from hybrid_assets.settings import load_settings
from hybrid_assets.storage.ledger.sql import SqlLedger
from hybrid_assets_tests.bench.nights import NIGHT, command, watch

PROJECT = Path(__file__).resolve().parents[2]
BACKEND = "emulator"


def table() -> str:
    """Run the shipped night up to its results on the emulated QPU and return the table.

    One job a circuit: every parameter setting in a job of its own, billed as the emulator bills. Ideal: one overhead
    for as many PUBs and executions as a job may hold, whatever a job's calibration, shots or run time.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copyfile(PROJECT / "sweep.yaml", folder / "sweep.yaml")
        shutil.copytree(PROJECT / "data" / "inputs", folder / "data" / "inputs")
        watch(command("run", "--night", NIGHT, "--backend", BACKEND, "--until", "quantum_results"), folder=folder)
        options = EmulatorOptions.parse(load_settings(folder / "sweep.yaml").backends[BACKEND].options, BACKEND)
        ledger = SqlLedger(folder / "data" / "state" / "ledger.sqlite")
        batches, kernels = ledger.batches(backend=BACKEND), ledger.kernels(backend=BACKEND)
        ledger.close()
    step_s, limits = options.bill_step_s, options.limits
    billed_s = sum(batch.billed_s for batch in batches)
    alone_s = sum(k.rows * _billed_s(options.overhead_s + k.expected_s / k.rows, step_s) for k in kernels)
    jobs = max(
        math.ceil(len(kernels) / (limits.max_pubs or len(kernels))),
        math.ceil(sum(k.executions for k in kernels) / (limits.max_executions or math.inf)),
    )
    ideal_s = jobs * options.overhead_s + sum(k.expected_s for k in kernels)
    rows = sum(k.rows for k in kernels)
    return "\n".join(
        (
            f"Billed: the demo night on the emulated QPU, {len(kernels)} kernels with {rows} circuits",
            f"{'':24} {'jobs':>6} {'billed s':>9} {'against ours':>13}",
            f"{'ours':24} {len(batches):6d} {billed_s:9.0f} {1:13.2f}",
            f"{'one job a circuit':24} {rows:6d} {alone_s:9.0f} {alone_s / billed_s:13.2f}",
            f"{'ideal, not rounded up':24} {jobs:6d} {ideal_s:9.0f} {ideal_s / billed_s:13.2f}",
        )
    )


def _billed_s(run_s: float, step_s: float) -> float:
    return math.ceil(run_s / step_s - 1e-9) * step_s if step_s else run_s
