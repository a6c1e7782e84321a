"""`sweep.yaml`: what a night runs, typed and validated. Put keys every workload or backend shares here.

A workload's or provider's own keys are handed to its plug-in as they stand (`WorkloadSettings.options`).
"""

from __future__ import annotations

import os
import re
from datetime import date  # noqa: TC003 - pydantic reads it at run time
from glob import glob
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from hybrid_assets.control.fallback import Rung, parse_ladder
from hybrid_assets.control.objectives import Objectives, parse_objectives
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model import refusals
from hybrid_assets.model.text import nearest
from hybrid_assets.storage.yaml_file import read_yaml

#: Environment variables that move settings and state.
CONFIG_VARIABLE = "HYBRID_ASSETS_CONFIG"
HOME_VARIABLE = "HYBRID_ASSETS_HOME"
DEFAULT_FILE = "sweep.yaml"
DEFAULT_HOME = "data/state"
MAX_ENVIRONMENT_BYTES = 65_536
#: Names end up in asset keys, paths and SQL values.
NAME = r"^[a-z][a-z0-9_]{0,39}$"
#: Names of environment variables.
VARIABLE = r"[A-Z_][A-Z0-9_]{0,99}"
#: A schedule in cron's words: what each field holds and its bounds, or one word for all of them.
CRON_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
CRON_WORDS = ("@hourly", "@daily", "@weekly", "@monthly", "@yearly")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


class _Open(BaseModel):
    """Common keys are fields; every other key belongs to the plug-in."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, allow_inf_nan=False)

    @property
    def options(self) -> dict[str, Any]:
        """The plug-in's own keys."""
        return dict(self.model_extra or {})


class WorkloadSettings(_Open):
    """One workload of the night."""

    #: Glob of input files, relative to the settings file.
    inputs: str
    shots: int = Field(default=4096, ge=1, le=1_000_000)
    #: Widest kernel that may be asked for.
    max_qubits: int = Field(default=16, ge=1, le=64)
    class_: Literal["production", "exploratory"] = Field(default="production", alias="class")
    team: str = Field(default="research", pattern=NAME)
    #: Backends to run on; empty means all.
    backends: tuple[str, ...] = ()
    #: What may reach a backend that costs money: nothing, a capped part of each night, or everything.
    phase: Literal["simulate", "limited", "broad"] = "broad"
    #: Rungs that answer in turn where a backend does not; empty: none does, the row says that it failed.
    fallback: tuple[Any, ...] = ()
    #: Objectives of service, see `control.objectives`.
    slo: dict[str, float] = Field(default_factory=dict)
    #: Seconds a stage may take, by its name.
    latency_budget_s: dict[str, float] = Field(default_factory=dict)


class BackendSettings(_Open):
    """One backend."""

    provider: str
    #: QPU jobs in flight at once; also the limit of the Dagster pool ``qpu_<backend>``.
    slots: int = Field(default=1, ge=1, le=64)
    #: Longest time one materialization waits for this backend.
    wait_s: float = Field(default=30, ge=0, le=86_400)
    #: Price of one billed second, in any one currency; not for a provider that bills money by prices of its own.
    price_per_s: float = Field(default=0.0, ge=0)
    #: Slots that exploratory kernels may not take.
    reserved_slots: int = Field(default=0, ge=0, le=63)
    #: Seconds that a batch which is not full waits for company.
    linger_s: float = Field(default=0.0, ge=0, le=86_400)
    #: A job that is not over so long after its submission is cancelled.
    job_wait_s: float = Field(default=86_400, gt=0)
    #: Failures in a row that open the breaker, and seconds until it lets a probe through.
    breaker_threshold: int = Field(default=3, ge=1)
    breaker_pause_s: float = Field(default=60, gt=0)
    #: Failed attempts after which a kernel is given up, and the first wait after one.
    max_attempts: int = Field(default=3, ge=1, le=20)
    retry_wait_s: float = Field(default=5, gt=0)
    #: A worker silent for so long may be replaced by another process.
    lease_s: float = Field(default=60, ge=1)
    #: A submission leaves at most so long after it was announced.
    send_s: float = Field(default=5, gt=0)
    #: Kernels of the first job; failures and latency move it from there. None: as many as a job may hold, at most 64.
    batch_size: int | None = Field(default=None, ge=1)
    #: ``always``: a known result is never executed again; ``night``: once a night.
    reuse: Literal["always", "night"] = "always"
    #: A circuit stands while its expected success is at least this part of what it was when it was decided.
    keep_ratio: float = Field(default=0.95, gt=0, le=1)
    #: Seeds that a circuit is compiled with anew when it does not; the best result stands.
    recompile_seeds: int = Field(default=4, ge=1, le=64)
    #: What becomes of results that ran under another calibration than they were asked for.
    on_recalibration: Literal["keep", "rerun", "reject"] = "keep"
    optimization_level: int = Field(default=2, ge=0, le=3)
    compile_seed: int = Field(default=7, ge=0)


class BudgetSettings(_Strict):
    """What a team may spend in every night or month; what is not given is not limited."""

    team: str = Field(pattern=NAME)
    per: Literal["night", "month"] = "night"
    #: Billed seconds.
    qpu_s: float | None = Field(default=None, ge=0)
    #: Rows times shots.
    shots: float | None = Field(default=None, ge=0)
    #: In the currency of the backends' prices.
    money: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _limits_something(self) -> BudgetSettings:
        if self.qpu_s is None and self.shots is None and self.money is None:
            raise ValueError(f"the budget of team {self.team!r} limits nothing: give qpu_s, shots or money")
        return self


class ApprovalSettings(_Strict):
    """When a plan waits for a person; and what phase ``limited`` lets through without one."""

    #: A workload's night that may cost more than this needs an approval; None: money alone never does.
    over_money: float | None = Field(default=None, ge=0)
    over_qpu_s: float | None = Field(default=None, ge=0)
    #: Phase ``limited``: billed seconds and kernels of a night at most.
    limited_qpu_s: float = Field(default=60, ge=0)
    limited_kernels: int = Field(default=10, ge=0)
    #: Money likewise, in the currency of the backends' prices; None: not capped.
    limited_money: float | None = Field(default=None, ge=0)


#: What may be told, see `control.alerts`.
AlertName = Literal["drift", "budget", "gate", "check", "breaker"]


class AlertSettings(_Strict):
    """Where alerts go, and which."""

    #: A program with its arguments, no shell; it reads the alert as JSON from its standard input.
    command: tuple[str, ...] = ()
    #: Name of the environment variable that holds the URL to post to; the URL is a secret, and no setting.
    webhook_env: str | None = None
    on: tuple[AlertName, ...] = get_args(AlertName)
    #: Part of a budget, spent and set aside, that is told.
    budget_share: float = Field(default=0.8, gt=0, le=1)
    #: Seconds one delivery may take.
    timeout_s: float = Field(default=10, gt=0, le=30)
    #: Environment variables that the command sees besides PATH, HOME and those of the language.
    environment: tuple[str, ...] = ()

    @field_validator("webhook_env")
    @classmethod
    def _is_a_variables_name(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(VARIABLE, value):  # it may be the URL itself: never show it
            raise ValueError(
                "this is no name of an environment variable, like ALERTS_URL. "
                "Put the URL into that variable (or the file .env), not here"
            )
        return value

    @field_validator("environment")
    @classmethod
    def _are_variables_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(VARIABLE, name) for name in value):
            raise ValueError("these are no names of environment variables. Give names, not values")
        return value

    @model_validator(mode="after")
    def _goes_to_one_place(self) -> AlertSettings:
        if bool(self.command) == (self.webhook_env is not None):
            raise ValueError("give one of command (a program with its arguments) and webhook_env (a variable's name)")
        return self


class BenchmarkSettings(_Strict):
    """What `run --benchmark` repeats, and which values it sweeps."""

    repetitions: int = Field(default=3, ge=1, le=1000)
    #: Shots of a setting, one trial each; empty: the workload's own.
    shots: tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...] = ()
    #: Values of a workload's ``depths``, one trial each; empty: the workload's own, all in one trial.
    depths: tuple[Annotated[int, Field(ge=1)], ...] = ()

    @field_validator("shots", "depths")
    @classmethod
    def _differ(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) < len(value):
            raise ValueError(f"{list(value)} names a value twice; to repeat trials raise benchmark.repetitions")
        return value


class Settings(_Strict):
    """A whole `sweep.yaml`."""

    #: First night.
    start: date
    cron: str = "0 2 * * *"
    workloads: dict[str, WorkloadSettings] = Field(min_length=1)
    backends: dict[str, BackendSettings] = Field(min_length=1)
    budgets: tuple[BudgetSettings, ...] = ()
    approvals: ApprovalSettings = ApprovalSettings()
    benchmark: BenchmarkSettings = BenchmarkSettings()
    #: Where to tell what a person should know; None: nowhere.
    alerts: AlertSettings | None = None
    #: Seconds one classical baseline may take on one instance.
    baseline_limit_s: float = Field(default=10, gt=0)
    #: Seed of everything that is sampled classically.
    seed: int = 7
    #: The file these settings came from; relative paths are relative to its folder.
    file: Path = Field(default=Path(DEFAULT_FILE), exclude=True)

    @field_validator("cron")
    @classmethod
    def _is_a_schedule(cls, value: str) -> str:
        if problem := _cron_problem(value):
            raise ValueError(
                f"{value!r} is no schedule: {problem}. Write it as in '0 2 * * *', every night at 02:00 UTC"
            )
        return value

    @field_validator("workloads", "backends")
    @classmethod
    def _names(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if not re.fullmatch(NAME, name):  # `$` alone lets a newline pass
                raise ValueError(
                    f"name {name!r} is wrong; expected a small letter, then small letters, digits and _, "
                    "at most 40 in all"
                )
        return value

    @model_validator(mode="after")
    def _known_backends(self) -> Settings:
        for name, workload in self.workloads.items():
            for backend in workload.backends:
                if backend not in self.backends:
                    raise ValueError(
                        f"workload {name!r} names backend {backend!r}, which is not under backends. "
                        f"{nearest(backend, self.backends)}Known: {', '.join(self.backends)}"
                    )
        for name, common in self.backends.items():
            if common.reserved_slots >= common.slots:
                raise ValueError(
                    f"backends.{name}: {common.reserved_slots} of {common.slots} slots cannot be reserved: "
                    "exploratory kernels would wait for ever. Lower reserved_slots, or raise slots"
                )
        return self

    @model_validator(mode="after")
    def _promises_can_be_read(self) -> Settings:
        for name in self.workloads:
            try:
                self.ladder(name)
                self.objectives(name)
            except ConfigurationError as exc:
                raise ValueError(str(exc)) from exc
        return self

    def ladder(self, workload: str) -> tuple[Rung, ...]:
        """Return the rungs that answer in turn where a backend does not."""
        raw = self.workloads[workload].fallback
        return parse_ladder(raw, where=f"workloads.{workload}.fallback", backends=self.backends)

    def objectives(self, workload: str) -> Objectives:
        """Return what a workload promises; nothing, where the settings do not name it any more."""
        common = self.workloads.get(workload)
        raw = {"slo": common.slo, "latency_budget_s": common.latency_budget_s} if common else {}
        return parse_objectives(raw, where=f"workloads.{workload}")

    @property
    def folder(self) -> Path:
        """Folder that relative paths are relative to."""
        return self.file.resolve().parent

    @property
    def home(self) -> Path:
        """Where all state lives; it may not be there yet.

        Raises:
            ConfigurationError: It cannot be, for a file is in its place or above it.
        """
        home = (self.folder / os.environ.get(HOME_VARIABLE, DEFAULT_HOME)).resolve()
        there = next(place for place in (home, *home.parents) if place.exists())
        if there == home and not home.is_dir():
            raise ConfigurationError(f"The state's place {home} is no folder. Set {HOME_VARIABLE} to one.")
        if not there.is_dir():
            raise ConfigurationError(
                f"The state's folder {home} cannot be made: {there} is no folder. Set {HOME_VARIABLE} to another place."
            )
        return home

    def made_home(self) -> Path:
        """Return `home`, made where it is missing.

        Raises:
            ConfigurationError: It cannot be made.
        """
        home = self.home
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ConfigurationError(
                f"The state's folder {home} cannot be made: {exc.strerror}. "
                f"Mend the disk or the rights on the folder above it, or set {HOME_VARIABLE} to another place."
            ) from exc
        return home

    def input_files(self, workload: str) -> list[tuple[Path, str]]:
        """Return a workload's input files, sorted, each with its path as it is shown: relative to the settings' folder.

        Raises:
            ConfigurationError: No file matches.
        """
        pattern = self.workloads[workload].inputs
        names = glob(str(self.folder / pattern), recursive=True)  # noqa: PTH207 - the pattern may be absolute
        found = sorted(map(Path, names))
        if not found:
            raise ConfigurationError(
                f"workloads.{workload}.inputs: no file matches {pattern!r} under {self.folder}. "
                "Mend the pattern, or put input files there."
            )
        return [
            (file, file.relative_to(self.folder).as_posix() if self.folder in file.parents else str(file))
            for file in found
        ]

    def backends_of(self, workload: str) -> tuple[str, ...]:
        """Return the backends a workload runs on, in order."""
        return self.workloads[workload].backends or tuple(self.backends)


def load_settings(file: Path | str | None = None) -> Settings:
    """Read, validate and return the settings.

    Args:
        file: The settings file; by default ``HYBRID_ASSETS_CONFIG``, else `sweep.yaml` in the working folder.

    Raises:
        ConfigurationError: The file is missing, too large, no YAML, or has an unknown key or a wrong value.
    """
    path = Path(file or os.environ.get(CONFIG_VARIABLE) or DEFAULT_FILE)
    if not path.is_file():
        raise ConfigurationError(
            f"There is no settings file {path}. Run from the project's folder or set {CONFIG_VARIABLE}."
        )
    _load_environment(path.resolve().parent / ".env")
    document = read_yaml(path)
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path} must hold a mapping with the keys {', '.join(refusals.keys_of(Settings))}.")
    try:
        return Settings.model_validate({**document, "file": path})
    except ValidationError as exc:
        raise ConfigurationError(f"{path} is not valid. {' '.join(refusals.sentences(exc, Settings))}") from exc


def _load_environment(file: Path) -> None:
    if file.is_file():
        if file.stat().st_size > MAX_ENVIRONMENT_BYTES:
            raise ConfigurationError(
                f"{file} is larger than {MAX_ENVIRONMENT_BYTES} bytes; it is for a few secrets. Shorten it."
            )
        from dotenv import load_dotenv  # noqa: PLC0415 - rarely needed

        load_dotenv(file)


def _cron_problem(text: str) -> str | None:
    """Return what is wrong with a schedule in cron's words; None: nothing that Dagster would refuse is seen."""
    if text in CRON_WORDS:
        return None
    fields = text.split()
    if len(fields) != len(CRON_FIELDS):
        return f"{len(fields)} fields instead of {len(CRON_FIELDS)}"
    for given, (name, low, high) in zip(fields, CRON_FIELDS, strict=True):
        for part in given.split(","):
            if not re.fullmatch(r"(\*|L|[a-z]{3}|\d{1,2}(-\d{1,2})?)([/#]\d{1,2})?", part):
                return f"{part!r} is no {name}"
            if any(not low <= int(number) <= high for number in re.findall(r"\d+", part.partition("/")[0])):
                return f"{part!r} is no {name}, which goes from {low} to {high}"
    return None
