"""What a benchmark runs: inputs and settings frozen when it began, and its trials.

A benchmark is of one night, whose inputs it takes; to the ledger it is a night of its own, under a name that no night
and no workload can have: schedules, sensors, reports and the nights' tables never see it. The team's budget of a night
counts for it once more, that of the month as always. Put what is asked here, nothing that asks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.model.queue import WorkClass
from hybrid_assets.runner import checks
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.normalizing import read_inputs
from hybrid_assets.runner.orders import Cell
from hybrid_assets.runner.queueing import Terms
from hybrid_assets.settings import WorkloadSettings
from hybrid_assets.storage.records import RecordLog

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.runner.project import Project

#: What the ledger's names of night and workload begin with; neither may have a hyphen there otherwise.
MARK = "benchmark-"
#: Option of a workload that may be swept besides its shots, where it has one.
DEPTHS = "depths"
#: Keys of a section that change no result, no bill and no time of a trial.
_FREE_OF_WORKLOAD = frozenset({"inputs", "shots", "class", "team", "backends", "phase", "fallback", "slo",
                               "latency_budget_s", DEPTHS})  # fmt: skip
_FREE_OF_BACKEND = frozenset({"wait_s", "lease_s", "send_s", "job_wait_s", "reuse", "breaker_threshold",
                              "breaker_pause_s", "keep_ratio", "recompile_seeds"})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which benchmark, and which part of it."""

    night: str
    #: Of each trial; None: as the settings have it. More than before adds trials.
    repetitions: int | None = None
    #: Only these; empty: all.
    workloads: Sequence[str] = ()
    #: Only these of each workload's; empty: all.
    backends: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One repetition of a workload on a backend with one choice of the swept values."""

    night: str
    workload: str
    backend: str
    repetition: int
    shots: int
    #: The workload's option `DEPTHS`; empty: it has none.
    depths: tuple[int, ...]

    @property
    def name(self) -> str:
        """Its name among the trials of its workload and backend; part of paths and of every kernel's id."""
        depths = f"-d{'.'.join(map(str, self.depths))}" if self.depths else ""
        return f"r{self.repetition}-s{self.shots}{depths}"

    @property
    def depth(self) -> int | None:
        """The one depth of a sweep; None: it has several, or none."""
        return self.depths[0] if len(self.depths) == 1 else None

    @property
    def cell(self) -> Cell:
        """Whose settings count for it."""
        return Cell(night=self.night, workload=self.workload, backend=self.backend)

    @property
    def asked(self) -> Cell:
        """Its name in the ledger."""
        return Cell(night=f"{MARK}{self.night}", workload=f"{MARK}{self.workload}", backend=self.backend)

    @property
    def partition(self) -> dict[str, str]:
        """Where its rows are."""
        return {**self.cell.partition, "trial": self.name}

    def __str__(self) -> str:
        """Return how messages name it."""
        return f"{self.cell} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A workload's inputs as the benchmark began with them."""

    workload: str
    frozen_at: datetime
    instances: Sequence[ProblemInstance]
    #: What a person should know, one sentence each.
    notes: Sequence[str] = ()


def records(project: Project) -> RecordLog:
    """Return what is known of a benchmark besides its rows: frozen inputs, and when its trials ran."""
    return RecordLog(project.home / "records" / "benchmark")


def trials_of(project: Project, wanted: Wanted) -> Iterator[Trial]:
    """Yield all trials in their order: repetition by repetition, so that what drifts meets every backend alike."""
    settings = project.settings
    for repetition in range(1, (wanted.repetitions or settings.benchmark.repetitions) + 1):
        for workload in wanted.workloads or tuple(settings.workloads):
            on = [b for b in settings.backends_of(workload) if not wanted.backends or b in wanted.backends]
            for (shots, depths), backend in product(_choices(project, workload), on):
                yield Trial(
                    night=wanted.night,
                    workload=workload,
                    backend=backend,
                    repetition=repetition,
                    shots=shots,
                    depths=depths,
                )


def _choices(project: Project, workload: str) -> list[tuple[int, tuple[int, ...]]]:
    """Return the swept values of shots and depths; a workload without depths is swept over shots alone."""
    swept, (_, options, common) = project.settings.benchmark, project.workload(workload)
    own = tuple(getattr(options, DEPTHS, ()))
    depths = [(depth,) for depth in swept.depths] if swept.depths and own else [own]
    return list(product(swept.shots or (common.shots,), depths))


def project_of(project: Project, trial: Trial) -> Project:
    """Return the project with a trial's settings and orders."""
    section = project.settings.workloads[trial.workload].model_dump(by_alias=True)
    section |= {"shots": trial.shots, **({DEPTHS: list(trial.depths)} if trial.depths else {})}
    workloads = {**project.settings.workloads, trial.workload: WorkloadSettings.model_validate(section)}
    return replace(
        project,
        settings=project.settings.model_copy(update={"workloads": workloads}),
        orders=RecordLog(project.home / "records" / "benchmark-orders" / trial.name),
        _first_kernels={},  # those in memory are of the workload's own settings
    )


def terms_of(project: Project, trial: Trial) -> Terms:
    """Return who pays: the workload's team. No kernel of another trial shares a job with these."""
    common = project.settings.workloads[trial.workload]
    apart = f"{MARK}{trial.night}/{trial}"
    return Terms(team=common.team, work_class=WorkClass(common.class_), apart=apart)


# --- frozen inputs


def freeze(project: Project, night: str, workload: str, backends: Sequence[str]) -> Frozen:
    """Return the inputs that a benchmark began with; the first call of a night decides about them.

    They are the night's own where those are published, else the files as they are now; nothing is published.

    Raises:
        ConfigurationError: The workload or a backend is set up otherwise than when the benchmark began, or no input
            can be used.
    """
    log = records(project)
    record = log.get(night, "inputs", workload)
    is_new = record is None
    if record is None:
        record = _read_now(project, night, workload)
    _refuse_changes(project, record, workload, backends)
    missing = {backend: _backend_mark(project, backend) for backend in backends if backend not in record["backends"]}
    if is_new or missing:
        record = {**record, "backends": {**record["backends"], **missing}}
        log.put(night, "inputs", workload, record)
    if not record["instances"]:
        raise ConfigurationError(f"{workload} has no input that can be used on {night}. {' '.join(record['notes'])}")
    instances = [
        project.instances.get(found["fingerprint"], name=found["instance"], source=found["source"])
        for found in record["instances"]
    ]
    return Frozen(
        workload=workload,
        frozen_at=datetime.fromisoformat(record["frozen_at"]),
        instances=instances,
        notes=record["notes"],
    )


def _read_now(project: Project, night: str, workload: str) -> dict[str, Any]:
    partition = {"night": night, "workload": workload}
    is_published = project.warehouse.published("normalized_inputs", **partition)
    rows: Sequence[dict[str, Any]] = (
        project.warehouse.read_rows("normalized_inputs", **partition)
        if is_published
        else read_inputs(project, workload)
    )
    checks.require((checks.unique(rows, key=("instance",)),), what=f"{workload}'s inputs")
    kept = ("instance", "fingerprint", "source")
    return {
        "frozen_at": utc_now().isoformat(),
        "section": _workload_mark(project, workload),
        "instances": [{name: row[name] for name in kept} for row in rows if row["status"] == "accepted"],
        "notes": [f"refused: {row['refusal']}" for row in rows if row["status"] == "refused"],
        "backends": {},
    }


def _refuse_changes(project: Project, record: Mapping[str, Any], workload: str, backends: Sequence[str]) -> None:
    changed = [f"workloads.{workload}"] if record["section"] != _workload_mark(project, workload) else []
    known = record["backends"]
    changed += [f"backends.{b}" for b in backends if b in known and known[b] != _backend_mark(project, b)]
    if changed:
        raise ConfigurationError(
            f"{' and '.join(changed)} in {project.settings.file} changed since this benchmark began on "
            f"{record['frozen_at'][:10]}: its trials would not be of one kind. Put that back, or begin another "
            "benchmark with --night."
        )


def _workload_mark(project: Project, workload: str) -> str:
    plugin, _, common = project.workload(workload)
    section = common.model_dump(by_alias=True, mode="json")
    kept = {key: value for key, value in section.items() if key not in _FREE_OF_WORKLOAD}
    return fingerprint([plugin.version, project.settings.seed, project.settings.baseline_limit_s, kept])


def _backend_mark(project: Project, backend: str) -> str:
    section = project.backend(backend).model_dump(mode="json")
    kept = {key: value for key, value in section.items() if key not in _FREE_OF_BACKEND}
    return fingerprint([project.provider(backend).describe().identity, kept])
