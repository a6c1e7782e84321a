"""Small nights without Dagster: a project in a folder, and its stages up to the quantum results."""

from __future__ import annotations

import yaml

from hybrid_assets.runner.compiling import compile_circuits
from hybrid_assets.runner.executing import execute_kernels
from hybrid_assets.runner.normalizing import normalize_inputs
from hybrid_assets.runner.project import Project
from hybrid_assets.settings import load_settings

NIGHT = "2026-11-20"
SQUARE = "source,target\n0,1\n1,2\n2,3\n3,0\n"
PRISM = "source,target\n0,1\n1,2\n2,0\n3,4\n4,5\n5,3\n0,3\n1,4\n2,5\n"
EMULATOR = {
    "provider": "emulator",
    "device": "fake_torino",
    "slots": 2,
    "wait_s": 20,
    "speed": 1000000,
    "send_s": 0.2,
    "lease_s": 2,
}
WORKLOAD = {"inputs": "'in/*.csv'", "shots": 100}


def open_night(folder, *, backend="", workload="", top="", graphs=None):
    """Write a project of two small graphs and an emulated QPU, and open it.

    Args:
        folder: Where.
        backend: More keys of the backend ``qpu``.
        workload: More keys of the workload.
        top: More lines of the settings.
        graphs: Text of each input file by name.
    """
    inputs = folder / "in"
    inputs.mkdir(exist_ok=True)
    for name, text in (graphs or {"square": SQUARE, "prism": PRISM}).items():
        (inputs / f"{name}.csv").write_text(text)
    (folder / "sweep.yaml").write_text(
        f"start: 2026-11-01\nworkloads:\n  maxcut: {_with(WORKLOAD, workload)}\n"
        f"backends:\n  qpu: {_with(EMULATOR, backend)}\n{top}"
    )
    return Project.open(load_settings(folder / "sweep.yaml"))


def reopen(folder):
    """Open the project of a folder again, as another process would."""
    return Project.open(load_settings(folder / "sweep.yaml"))


def run_night(project, night=NIGHT):
    """Run the stages up to the quantum results; return the last one's outcome."""
    normalize_inputs(project, night=night, workload="maxcut")
    compile_circuits(project, night=night, workload="maxcut", backend="qpu")
    return execute(project, night)


def execute(project, night=NIGHT):
    """Run the stage of the quantum results alone."""
    return execute_kernels(project, night=night, workload="maxcut", backend="qpu")


def rows(project, night=NIGHT):
    """Return the published rows of the quantum results."""
    return project.warehouse.read_rows("quantum_results", night=night, workload="maxcut", backend="qpu")


def _with(keys, more):
    """Return a section of the settings: keys, and more of them as text, which may replace some."""
    told = yaml.safe_load(f"{{{more.lstrip(' ,')}}}")
    own = ", ".join(f"{key}: {value}" for key, value in keys.items() if key not in told)
    return f"{{{own}, {more.lstrip(' ,')}}}" if told else f"{{{own}}}"
