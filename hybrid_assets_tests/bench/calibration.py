"""When to compile again: six policies over a drifting month on the emulated QPU, through the product's own stages.

Six graphs of 6 to 8 nodes, QAOA of depth 1 at fixed angles, 30 nights, in each night another calibration. The inputs,
first compiles (the first night's), calibrations and seeds of the compiler are the same for every policy:

- ``never``: circuits stay as they were compiled the first night;
- ``once``: as ``always``, but only in the second night: what a search over seeds is worth without following the drift;
- ``always``: every night every circuit is compiled anew for its calibration with `recompile_seeds` seeds, and the best
  of these and of the one that stood stands;
- ``ours``: the product's rule, circuits as it places them, every kernel executed every night;
- ``ours, reused``: what the product does by default: the same circuits, but a kernel is executed only when its circuit
  was decided about anew. Its rows show results that ran under an earlier calibration;
- ``ours, 0.98``: as ``ours`` with a `keep_ratio` of 0.98 in place of 0.95.

Quality of a kernel and a night is its expected value over its noise-free one (a million shots of an ideal simulator at
the same angles). All but ``reused`` compare the circuits alone: each is executed every night under that night's noise.
``reused`` compares the rows that a reader sees. Differences are paired by kernel and night; intervals are percentiles
of a bootstrap in which instances and nights are drawn independently: a calibration hits all instances of a night.

Two kinds of drift: ``wandering``, where every error of every night is the device's own times an independent factor, so
that there is nothing to follow for longer than a night; and ``lasting``, where besides a smaller wandering a qubit now
and then becomes five times worse for about a week. Only the calendar is virtual, see `CalendarProvider`.
"""

from __future__ import annotations

import random
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import networkx as nx
import numpy as np

from hybrid_assets.calibration.deciding import Action, CalibrationRules, CircuitScore, Decision, decide
from hybrid_assets.circuits.exposure import expected_success
from hybrid_assets.circuits.payload import payload_sha
from hybrid_assets.model.circuits import CircuitFacts, CompiledCircuit, TargetDocument
from hybrid_assets.model.placements import Placement
from hybrid_assets.providers._distributions import Distributions
from hybrid_assets.providers._emulator_machine import DeviceMachine
from hybrid_assets.providers._execute import LocalMachine
from hybrid_assets.providers.emulator import EmulatorOptions, EmulatorProvider
from hybrid_assets.runner import standing
from hybrid_assets.runner.compiling import compile_circuits
from hybrid_assets.runner.executing import execute_kernels
from hybrid_assets.runner.normalizing import normalize_inputs
from hybrid_assets.runner.project import Project
from hybrid_assets.runner.standing import rules_of, score_of, scores
from hybrid_assets.settings import load_settings
from hybrid_assets_tests.bench.calibration_plot import svg

FIRST = datetime(2026, 11, 1, 12, tzinfo=UTC)
NIGHTS = 30
SHOTS, SHOTS_NOISE_FREE = 20_000, 1_000_000
#: Widest circuit whose noise is simulated fully; the table counts those beyond.
WIDTH = 10
WORKLOAD, BACKEND = "maxcut", "qpu"
GRAPHS = {
    "prism": nx.circular_ladder_graph(3),
    "k33": nx.complete_bipartite_graph(3, 3),
    "wheel": nx.wheel_graph(6),
    "sparse": nx.gnm_random_graph(7, 9, seed=4),
    "dense": nx.gnm_random_graph(7, 12, seed=4),
    "ring": nx.Graph([*nx.cycle_graph(8).edges, (0, 4)]),
}
DRAWS = 10_000
#: Hundreds of nights are written durably; what that costs is not the question here.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - only the parent of a temporary folder
#: Lasting changes: chance that a sound qubit turns bad in a night, and that a bad one recovers; how much worse it is.
P_BAD, P_RECOVERS, WORSE = 0.01, 1 / 7, 5.0


@dataclass(frozen=True, kw_only=True)
class Policy:
    """When circuits are compiled anew, and kernels executed."""

    keep_ratio: float
    #: Nights in which every circuit is compiled anew whatever its score.
    forced: range = range(0)
    #: ``night``: every kernel every night; ``always``: known results are reused.
    reuse: str = "night"


NEVER_FALLS = 1e-9
POLICIES = {
    "never": Policy(keep_ratio=NEVER_FALLS),
    "once": Policy(keep_ratio=NEVER_FALLS, forced=range(1, 2)),
    "always": Policy(keep_ratio=NEVER_FALLS, forced=range(1, NIGHTS)),
    "ours": Policy(keep_ratio=0.95),
    "ours, reused": Policy(keep_ratio=0.95, reuse="always"),
    "ours, 0.98": Policy(keep_ratio=0.98),
}


@dataclass(frozen=True, kw_only=True)
class Month:
    """What a policy did with the nights."""

    #: Expected over noise-free value, shape (instances, nights).
    quality: np.ndarray
    compiles: int
    executions: int
    jobs: int
    billed_s: float
    #: Kernels whose noise was approximated because their circuit is too wide.
    approximated: int


class CalendarProvider(EmulatorProvider):
    """An emulated QPU in whose night it is always noon; all else runs on the real clock, so times stay consistent."""

    night = 0

    # The drift's calendar alone: jobs and ledger must agree on the time.
    def target(self, at: datetime | None = None) -> TargetDocument:
        """Return the calibration of the night."""
        return super().target(FIRST + timedelta(days=self.night))


def drifts() -> dict[str, str]:
    """Return the drift section of each kind."""
    events = ", ".join(
        f"{{from_at: '{(FIRST + timedelta(days=night)).isoformat()}', qubits: [{qubit}], factor: {factor}}}"
        for night, qubit, factor in _lasting_changes()
    )
    return {
        "wandering (sigma 0.2)": "{every_s: 86400, sigma: 0.2, seed: 11}",
        "lasting (sigma 0.1, bad qubits)": f"{{every_s: 86400, sigma: 0.1, seed: 11, events: [{events}]}}",
    }


def study() -> dict[str, dict[str, Month]]:
    """Run every policy under every drift, each drift in a process of its own."""
    found = drifts()
    with ProcessPoolExecutor(len(found), mp_context=get_context("spawn")) as processes:
        return dict(zip(found, processes.map(_months, found.values()), strict=True))


def _months(drift: str) -> dict[str, Month]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        noise_free = _noise_free(Path(name) / "ideal")
        lab = _Lab(Path(name), drift)
        return {policy: lab.month(policy, noise_free) for policy in POLICIES}


def table(plot: Path | None = None) -> str:
    """Run the study, draw it where asked to, and return its tables and what deciding costs."""
    months = study()
    if plot is not None:
        plot.write_text(svg(months))
    return f"{tables(months)}\n\n{deciding()}"


def tables(months: dict[str, dict[str, Month]]) -> str:
    """Return one table a kind of drift."""
    lines = [
        f"Calibration: {len(GRAPHS)} kernels, {NIGHTS} nights; quality is expected over noise-free value;",
        "differences in points (hundredths of it), with 95 % intervals over instances and nights",
    ]
    for title, found in months.items():
        heads = ("compiles", "kernels run", "billed s", "quality", "less always", "less never")
        lines += ["", title, f"{'policy':>15} " + " ".join(f"{h:>{20 if 'less' in h else 11}}" for h in heads)]
        for name, month in found.items():
            cells = [f"{month.compiles:11d} {month.executions:11d} {month.billed_s:11.0f} {month.quality.mean():11.4f}"]
            cells += [f"{_difference(month, found[other]):>20}" for other in ("always", "never")]
            lines.append(f"{name:>15} {' '.join(cells)}")
        lines += [_verdict(found, name) for name in found if name.startswith("ours")]
        lines += [f"approximated noise: {sum(month.approximated for month in found.values())} kernels"]
    return "\n".join(lines)


def interval(differences: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of a mean over instances and nights, both drawn again independently.

    Source: A. B. Owen, Annals of Applied Statistics 1 (2007) 386, the pigeonhole bootstrap; conservative.

    Args:
        differences: Shape (instances, nights).
    """
    rng = np.random.default_rng(1)
    weights = [rng.multinomial(size, [1 / size] * size, size=DRAWS) / size for size in differences.shape]
    means = np.einsum("di,ij,dj->d", weights[0], differences, weights[1])
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _difference(month: Month, other: Month) -> str:
    if month is other:
        return "-"
    differences = 100 * (month.quality - other.quality)
    low, high = interval(differences)
    return f"{differences.mean():+.2f} ({low:+.2f}, {high:+.2f})"


def _verdict(found: dict[str, Month], name: str) -> str:
    """Say plainly how a policy compares with always compiling."""
    month, always, never = found[name], found["always"], found["never"]
    low, high = interval(month.quality - always.quality)
    word = "worse than" if high < 0 else "better than" if low > 0 else "not distinguishable from"
    gained = (month.quality.mean() - never.quality.mean()) / (always.quality.mean() - never.quality.mean())
    compiles, bill = month.compiles / always.compiles, month.billed_s / always.billed_s
    return (
        f"{name}: {word} always; {gained:.0%} of what it gains over never, "
        f"at {compiles:.0%} of its compiles and {bill:.0%} of its bill"
    )


class _Lab:
    """One kind of drift: a device whose distributions are computed once for all policies."""

    def __init__(self, folder: Path, drift: str) -> None:
        self._folder, self._drift = folder, drift
        self._machines: dict[str, DeviceMachine] = {}

    def month(self, name: str, noise_free: dict[str, float]) -> Month:
        policy = POLICIES[name]
        project = self._open(name, policy)
        provider = project.provider(BACKEND)
        compiles, values, approximated = 0, np.empty((len(noise_free), NIGHTS)), 0
        for number in range(NIGHTS):
            provider.night = number
            night = f"{FIRST + timedelta(days=number):%Y-%m-%d}"
            compiles += _run_night(project, night, is_forced=number in policy.forced)
            rows = project.warehouse.read_rows("quantum_results", night=night, workload=WORKLOAD, backend=BACKEND)
            by_name = {row["instance"]: row for row in rows}
            values[:, number] = [by_name[name]["expected_value"] / value for name, value in noise_free.items()]
            approximated += sum(row["execution"] != "density_matrix" for row in rows)
        batches = project.ledger.batches(backend=BACKEND)
        month = Month(
            quality=values,
            compiles=compiles,
            executions=len(project.ledger.kernels(backend=BACKEND)),
            jobs=len(batches),
            billed_s=sum(batch.billed_s for batch in batches),
            approximated=approximated,
        )
        project.close()
        return month

    def _open(self, name: str, policy: Policy) -> Project:
        text = (
            f"provider: emulator, device: fake_torino, density_matrix_qubits: {WIDTH}, speed: 1000000, "
            f"queue_median_s: 0, wait_s: 300, drift: {self._drift}, keep_ratio: {policy.keep_ratio}, "
            f"reuse: {policy.reuse}"
        )
        project = _project(self._folder / name.replace(", ", "-"), text, shots=SHOTS)
        options = EmulatorOptions.parse(project.backend(BACKEND).options, BACKEND)
        state = self._folder / "device"  # its snapshot; jobs are in the folder of the policy
        project._providers[BACKEND] = CalendarProvider(
            BACKEND, options, project.home / "device", machine=lambda document: self._machine(document, state)
        )
        return project

    def _machine(self, document: TargetDocument, state: Path) -> DeviceMachine:
        known = self._machines.get(document.calibration_id)
        if known is None:
            local = LocalMachine(
                document=document,
                is_noisy=True,
                density_matrix_qubits=WIDTH,
                identity=document.calibration_id,
                distributions=Distributions(state),
            )
            known = DeviceMachine(document=document, density_matrix_qubits=WIDTH, _local=[local])
            self._machines[document.calibration_id] = known
        return known


def _project(folder: Path, backend: str, *, shots: int) -> Project:
    (folder / "in").mkdir(parents=True)
    for name, graph in GRAPHS.items():
        edges = "".join(f"{u},{v}\n" for u, v in graph.edges)
        (folder / "in" / f"{name}.csv").write_text(f"source,target\n{edges}")
    (folder / "sweep.yaml").write_text(
        f"start: {FIRST:%Y-%m-%d}\nworkloads:\n  {WORKLOAD}: {{inputs: 'in/*.csv', shots: {shots}}}\n"
        f"backends:\n  {BACKEND}: {{{backend}}}\n"
    )
    return Project.open(load_settings(folder / "sweep.yaml"))


def _run_night(project: Project, night: str, *, is_forced: bool = False) -> int:
    """Run the stages of a night up to its results; return how many circuits were compiled."""
    normalize_inputs(project, night=night, workload=WORKLOAD)
    with ExitStack() as stack:
        if is_forced:
            stack.enter_context(patch.object(standing, "decide", _always))
        compiled = compile_circuits(project, night=night, workload=WORKLOAD, backend=BACKEND)
    outcome = execute_kernels(project, night=night, workload=WORKLOAD, backend=BACKEND)
    if outcome.pending is not None:
        raise RuntimeError(outcome.pending)
    return int(compiled.numbers["compiled"])


def _always(score: CircuitScore, _rules: CalibrationRules) -> Decision:
    return Decision(compile_key=score.compile_key, action=Action.RECOMPILE, ratio=None, reason="Always.")


def _noise_free(folder: Path) -> dict[str, float]:
    project = _project(folder, "provider: aer, wait_s: 300", shots=SHOTS_NOISE_FREE)
    night = f"{FIRST:%Y-%m-%d}"
    _run_night(project, night)
    rows = project.warehouse.read_rows("quantum_results", night=night, workload=WORKLOAD, backend=BACKEND)
    project.close()
    return {row["instance"]: row["expected_value"] for row in rows}


def _lasting_changes() -> list[tuple[int, int, float]]:
    """Return night, qubit and factor of every lasting change of the month's 133 qubits."""
    rng = random.Random(7)  # noqa: S311 - a simulation
    bad: set[int] = set()
    found = []
    for night in range(1, NIGHTS):
        for qubit in range(133):
            if rng.random() < (P_RECOVERS if qubit in bad else P_BAD):
                found.append((night, qubit, 1 / WORSE if qubit in bad else WORSE))
                bad ^= {qubit}
    return found


def deciding(count: int = 1000, entries: int = 300) -> str:
    """Measure what one look at a fresh calibration costs with many standing circuits; return a sentence."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        folder = Path(name)
        project = _project(folder, "provider: emulator, device: fake_torino, drift: {sigma: 0.2}", shots=100)
        target = project.provider(BACKEND).target(FIRST)
        fresh = [project.provider(BACKEND).target(FIRST + timedelta(days=day)) for day in (1, 2)]
        _place_synthetic(project, target, count=count, entries=entries)
        project.close()
        project = Project.open(load_settings(folder / "sweep.yaml"))  # with nothing in memory, as a new process
        taken_s, acted = [], 0
        for document in fresh:
            began = time.process_time()
            rules = rules_of(project, BACKEND)
            found = [decide(score_of(p, score), rules) for p, score in scores(project, BACKEND, document)]
            taken_s.append(time.process_time() - began)
            acted = sum(decision.action is not Action.KEEP for decision in found)
        project.close()
    return (
        f"Deciding about {len(found)} circuits of {entries} entries: {taken_s[0]:.2f} s of CPU the first time in a "
        f"process, {taken_s[1]:.3f} s from then on ({acted} to compile anew)"
    )


def _place_synthetic(project: Project, target: TargetDocument, *, count: int, entries: int) -> None:
    rng = random.Random(3)  # noqa: S311 - a benchmark
    usable = [op for op in target.operations if op.qubits and (op.error or 0) < 0.05]
    payload = rng.randbytes(10_000)
    placements = []
    for number in range(count):
        chosen = sorted((op.name, op.qubits, rng.randint(1, 3)) for op in rng.sample(usable, entries))
        facts = _facts(f"{number:064x}", target, tuple(chosen))
        project.circuits.put(CompiledCircuit(facts=facts, payload=payload, payload_sha=payload_sha(payload)))
        placements.append(
            Placement(
                backend=BACKEND,
                base_key=facts.compile_key,
                compile_key=facts.compile_key,
                calibration_id=target.calibration_id,
                score=facts.expected_success,
                decided_at=FIRST,
                action="new",
                reason="It was never placed before.",
            )
        )
    project.ledger.place(placements, instead_of={})


def _facts(key: str, target: TargetDocument, exposure: Any) -> CircuitFacts:
    facts = CircuitFacts(
        structure_fingerprint=key,
        compile_key=key,
        artefact_fingerprint=key,
        width=133,
        used_qubits=tuple(sorted({qubit for _, qubits, _ in exposure for qubit in qubits})),
        measured_qubits=(0,),
        num_slots=0,
        depth=1,
        two_qubit_gates=1,
        exposure=exposure,
        expected_success=0.0,
        calibration_id=target.calibration_id,
        compile_s=0.0,
    )
    return replace(facts, expected_success=expected_success(exposure, target))
