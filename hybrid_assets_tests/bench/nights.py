"""Nights to measure: folders with inputs and settings, and a process that is watched while it runs one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import networkx as nx

NIGHT = "2026-11-01"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One watched process."""

    wall_s: float
    #: Largest resident memory of the process and all its children together, in bytes.
    peak_bytes: int
    output: str


def cubic_graphs(folder: Path, *, count: int, num_nodes: int = 12) -> list[nx.Graph]:
    """Write ``count`` seeded random cubic graphs, no two alike while that is possible, as edge lists; return them."""
    folder.mkdir(parents=True)
    graphs = different_cubic_graphs(count, num_nodes)
    for seed, graph in enumerate(graphs):
        lines = ["source,target", *(f"{u},{v}" for u, v in graph.edges)]
        (folder / f"cubic-{num_nodes}-{seed:03d}.csv").write_text("\n".join(lines) + "\n")
    return graphs


def different_cubic_graphs(count: int, num_nodes: int = 12) -> list[nx.Graph]:
    """Return the first ``count`` seeded random cubic graphs that are not isomorphic to an earlier one.

    There are 85 connected ones of 12 nodes; beyond that many tries without a new one, repeats are taken.
    """
    found: list[nx.Graph] = []
    for seed in range(20 * count):
        graph = nx.random_regular_graph(3, num_nodes, seed=seed)
        if not any(nx.faster_could_be_isomorphic(graph, g) and nx.is_isomorphic(graph, g) for g in found):
            found.append(graph)
        if len(found) == count:
            return found
    return found + [nx.random_regular_graph(3, num_nodes, seed=seed) for seed in range(count - len(found))]


def write_settings(folder: Path, *, backend: str, workload: str) -> None:
    """Write a `sweep.yaml` with one maxcut workload (YAML flow text) and one backend named ``b``."""
    text = f"start: {NIGHT}\nworkloads:\n  maxcut: {workload}\nbackends:\n  b: {backend}\n"
    (folder / "sweep.yaml").write_text(text)


def command(*words: str) -> list[str]:
    """Return the command line of a verb, as a user's shell would find it."""
    return [str(Path(sys.executable).with_name("hybrid-assets")), *words]


def watch(words: list[str], *, folder: Path) -> Run:
    """Run a process to its end, sampling the memory of its whole tree.

    Raises:
        RuntimeError: It ended with an error; its output is in the message.
    """
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONDONTWRITEBYTECODE", "HYBRID_ASSETS_HOME"}}
    began, peak = time.perf_counter(), 0
    with (folder / "output.txt").open("w+") as output:
        process = subprocess.Popen(words, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, _tree_bytes(process.pid))
            time.sleep(0.02)
        wall_s = time.perf_counter() - began
        output.seek(0)
        text = output.read()
    if process.returncode != 0:
        raise RuntimeError(f"{words} ended with {process.returncode}:\n{text}")
    return Run(wall_s=wall_s, peak_bytes=peak, output=text)


def stage_span_s(folder: Path) -> float:
    """Return the seconds from the begin of a night's first stage to the end of its last: start-up apart."""
    records = [json.loads(p.read_text()) for p in folder.glob(f"data/state/records/timings/{NIGHT}/stages/*.json")]
    ends = [datetime.fromisoformat(record["finished_at"]) for record in records]
    begins = [end - timedelta(seconds=record["wall_s"]) for end, record in zip(ends, records, strict=True)]
    return (max(ends) - min(begins)).total_seconds()


def _tree_bytes(pid: int) -> int:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        own = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0
    return own + sum(_tree_bytes(int(child)) for child in children)
