"""A project at work: settings, stores and plug-ins in one place. Put wiring here, no use case."""

from __future__ import annotations

import atexit
import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hybrid_assets import registry
from hybrid_assets.circuits.importing import import_for_good
from hybrid_assets.circuits.pool import CompilePool
from hybrid_assets.errors import ConfigurationError, CredentialsError, TransientProviderError
from hybrid_assets.model.circuits import CompileOptions
from hybrid_assets.model.text import nearest
from hybrid_assets.settings import BackendSettings
from hybrid_assets.storage.baselines import BaselineStore
from hybrid_assets.storage.calibrations import CalibrationStore
from hybrid_assets.storage.circuit_cache import FileCircuitCache
from hybrid_assets.storage.instances import InstanceStore
from hybrid_assets.storage.payloads import PayloadStore
from hybrid_assets.storage.records import RecordLog
from hybrid_assets.storage.results import FileResultStore
from hybrid_assets.storage.variants import VariantIndex, variant_of
from hybrid_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from hybrid_assets.model.circuits import LogicalKernel, TargetDocument
    from hybrid_assets.model.jobs import KernelResult, Pub
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.stages import StageOutcome
    from hybrid_assets.protocols import Provider, Workload
    from hybrid_assets.settings import Settings, WorkloadSettings
    from hybrid_assets.storage.ledger.sql import SqlLedger

#: Instances whose kernels are kept in memory.
MAX_REMEMBERED = 64

#: URL of a Postgres database in place of the ledger's file; it may hold a secret, so it is no setting.
LEDGER_VARIABLE = "HYBRID_ASSETS_LEDGER"
#: The provider whose backend without any options is an ideal simulator in this process.
SIMULATOR = "aer"
#: What its name adds to that of the backend it stands for; no backend of the settings may be called so.
SIMULATION_SUFFIX = "+simulation"


def _silent(_message: str) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Project:
    """Everything a use case needs, opened once a process."""

    settings: Settings
    home: Path
    warehouse: Warehouse
    instances: InstanceStore
    circuits: FileCircuitCache
    calibrations: CalibrationStore
    results: FileResultStore
    variants: VariantIndex
    baselines: BaselineStore
    payloads: PayloadStore
    orders: RecordLog
    timings: RecordLog
    numbers: RecordLog
    #: What is to be told and was told, see `alerting`.
    alerts: RecordLog
    #: Called with one plain sentence whenever something a person may want to see has changed.
    report: Callable[[str], None]
    #: Compile workers, started at the first miss; they end with the process.
    compile_pool: CompilePool
    _providers: dict[str, Provider] = field(default_factory=dict)
    #: Partitions that ended without being published in this process: exit code and sentence, by `Cell.name`.
    pending: dict[str, tuple[int, str]] = field(default_factory=dict)
    _first_kernels: dict[tuple[str, str, str], Sequence[LogicalKernel]] = field(default_factory=dict)
    _ledgers: list[SqlLedger] = field(default_factory=list)
    #: Calibration each backend last told this process, and backends for which a stored one stood in.
    _seen: dict[str, str] = field(default_factory=dict)
    _stood_in: set[str] = field(default_factory=set)

    @classmethod
    def open(cls, settings: Settings, *, report: Callable[[str], None] = _silent) -> Project:
        """Open the stores under the settings' home, making them where they are missing.

        Raises:
            ConfigurationError: The home cannot be made.
        """
        if threading.current_thread() is not threading.main_thread():
            import_for_good()  # the thread of a sensor's tick may end
        home = settings.made_home()
        pool = CompilePool()
        atexit.register(pool.close)
        return cls(
            settings=settings,
            home=home,
            warehouse=Warehouse(home),
            instances=InstanceStore(home / "instances"),
            circuits=FileCircuitCache(home / "circuits"),
            calibrations=CalibrationStore(home / "calibrations"),
            results=FileResultStore(home / "results"),
            variants=VariantIndex(home / "variants"),
            baselines=BaselineStore(home / "baselines"),
            payloads=PayloadStore(home / "payloads"),
            orders=RecordLog(home / "records" / "orders"),
            timings=RecordLog(home / "records" / "timings"),
            numbers=RecordLog(home / "records" / "numbers"),
            alerts=RecordLog(home / "records" / "alerts"),
            report=report,
            compile_pool=pool,
        )

    def close(self) -> None:
        """Let go of workers and connections; a process that opens projects again and again would run out of them."""
        self.compile_pool.close()
        atexit.unregister(self.compile_pool.close)
        while self._ledgers:
            self._ledgers.pop().close()

    def workload(self, name: str) -> tuple[Workload, Any, WorkloadSettings]:
        """Return a workload's plug-in, its parsed options and its common settings.

        Raises:
            ConfigurationError: The settings do not name it, or an option is wrong.
        """
        common = self.settings.workloads.get(name)
        if common is None:
            known = self.settings.workloads
            raise ConfigurationError(
                f"No workload {name!r} in {self.settings.file}. {nearest(name, known)}Known: {', '.join(known)}."
            )
        plugin = registry.workload(name)
        for key in common.options:
            if key in BackendSettings.model_fields:
                raise ConfigurationError(f"workloads.{name}.{key}: this key belongs under a backend. Move it.")
        try:
            return plugin, plugin.parse_options(common.options), common
        except ConfigurationError as exc:
            raise self._with_hints(exc, common) from exc

    @staticmethod
    def _with_hints(exc: ConfigurationError, common: WorkloadSettings | BackendSettings) -> ConfigurationError:
        """Return a plug-in's refusal; it knows its own keys only, and what it refuses may be a common one, mistyped."""
        shared = [field.alias or key for key, field in type(common).model_fields.items()]
        hints = [nearest(key, shared) for key in common.options if key in str(exc)]
        if not any(hints):
            return exc
        of = "backend" if isinstance(common, BackendSettings) else "workload"
        return ConfigurationError(f"{exc} {''.join(hints)}Keys of every {of}: {', '.join(shared)}.")

    def first_kernels(self, workload: str, instance: ProblemInstance) -> Sequence[LogicalKernel]:
        """Return what a workload asks for first, made once for all stages while few instances are at work."""
        key = (workload, instance.name, instance.fingerprint)
        if key not in self._first_kernels:
            plugin, options, common = self.workload(workload)
            made = plugin.kernels(instance, options=options, max_qubits=common.max_qubits, shots=common.shots)
            while len(self._first_kernels) >= MAX_REMEMBERED:
                self._first_kernels.pop(next(iter(self._first_kernels)))
            self._first_kernels[key] = made
        return self._first_kernels[key]

    def backend(self, name: str) -> BackendSettings:
        """Return a backend's settings.

        Raises:
            ConfigurationError: The settings do not name it.
        """
        known = self.settings.backends
        if name not in known:
            raise ConfigurationError(
                f"No backend {name!r} in {self.settings.file}. {nearest(name, known)}Known: {', '.join(known)}."
            )
        return known[name]

    def provider(self, backend: str) -> Provider:
        """Return the provider of a backend, made once a process."""
        if backend not in self._providers:
            common = self.backend(backend)
            plugin = registry.provider_class(common.provider)
            options = self._with_paths(plugin, common.options)
            try:
                made = plugin.from_settings(backend, options, self.home / "providers" / backend)
            except ConfigurationError as exc:
                raise self._with_hints(exc, common) from exc
            if common.price_per_s and made.describe().job_overhead_money is not None:
                raise ConfigurationError(
                    f"backends.{backend}.price_per_s: {common.price_per_s:g} cannot be used: the provider "
                    f"{common.provider} bills this backend in money, by prices of its own, so that a price of seconds "
                    "has nothing to multiply. Remove price_per_s."
                )
            self._providers[backend] = made
        return self._providers[backend]

    def target(self, backend: str) -> TargetDocument:
        """Return what a backend can execute now, or, while it cannot be asked, as it was last seen.

        So a night is planned, compiled and queued while its backend is down; what ran under another calibration than
        it was asked for says so.

        Raises:
            ProviderError: It cannot be asked, and nothing is known of it.
            ConfigurationError: Likewise, for want of credentials.
        """
        try:
            found = self.provider(backend).target()
        except (TransientProviderError, CredentialsError) as exc:
            known = self.calibrations.history(backend)
            if not known:
                told = f"{backend} was never seen, so nothing can be compiled for it: {exc} Then run the night again."
                raise type(exc)(told, **exc.facts) from None
            if backend not in self._stood_in:
                self._stood_in.add(backend)
                self.report(f"{backend} cannot be asked; its last known calibration stands in. {exc}")
            return self.calibrations.get(backend, known[-1])
        if self._seen.get(backend) != found.calibration_id:
            self._seen[backend] = found.calibration_id
            self.calibrations.put(found, datetime.now(UTC))
        return found

    def _with_paths(self, plugin: type[Provider], options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make the options that a provider lists in ``path_options`` absolute; what has no slash is a name."""
        paths = getattr(plugin, "path_options", ())
        return {
            key: str(self.settings.folder / value)
            if key in paths and isinstance(value, str) and "/" in value
            else value
            for key, value in options.items()
        }

    def simulator(self, backend: str) -> Provider:
        """Return the local noise-free simulator that may answer in a backend's place, made once a process."""
        name = f"{backend}{SIMULATION_SUFFIX}"
        if name not in self._providers:
            plugin = registry.provider_class(SIMULATOR)
            self._providers[name] = plugin.from_settings(name, {}, self.home / "providers" / name)
        return self._providers[name]

    def note_variant(self, backend: str, pub: Pub, result: KernelResult) -> None:
        """Remember that a backend's result of a kernel is stored: it may answer for the same kernel another time."""
        identity = self.provider(backend).describe().identity
        artefact = pub.artefact_fingerprint
        variant = variant_of(backend=identity, artefact_fingerprint=artefact, values=pub.values, shots=pub.shots)
        self.variants.put(variant, result.kernel_id, executed_at=result.executed_at)

    @property
    def ledger(self) -> SqlLedger:
        """The ledger, opened once a process: a file under the home, or the database `LEDGER_VARIABLE` names."""
        if not self._ledgers:
            from hybrid_assets.storage.ledger.sql import SqlLedger  # noqa: PLC0415 - imports SQLAlchemy

            self._ledgers.append(SqlLedger(os.environ.get(LEDGER_VARIABLE) or self.home / "ledger.sqlite"))
        return self._ledgers[0]

    def compile_options(self, backend: str) -> CompileOptions:
        """Return what the transpiler is told for a backend."""
        common = self.backend(backend)
        return CompileOptions(optimization_level=common.optimization_level, seed=common.compile_seed)

    def accepted(self, night: str, workload: str) -> Sequence[ProblemInstance]:
        """Return the instances of a night that were not refused, by name.

        Raises:
            ConfigurationError: The night's inputs were not normalized yet.
        """
        if not self.warehouse.published("normalized_inputs", night=night, workload=workload):
            raise ConfigurationError(
                f"{workload}/normalized_inputs of {night} is not there yet. "
                "Materialize it first, or run the whole night."
            )
        return self.instances_of(self.warehouse.read_rows("normalized_inputs", night=night, workload=workload))

    def instances_of(self, rows: Iterable[Mapping[str, Any]]) -> Sequence[ProblemInstance]:
        """Return the instances of rows of `normalized_inputs` that were not refused, in their order."""
        return [
            self.instances.get(row["fingerprint"], name=row["instance"], source=row["source"])
            for row in rows
            if row["status"] == "accepted"
        ]

    def remember(self, asset: str, night: str, outcome: StageOutcome) -> Sequence[float]:
        """Keep a night's numbers of an asset; return its headline number over all nights, oldest first."""
        key = asset.replace("/", ".")
        self.numbers.put(night or "latest", "assets", key, outcome.numbers)
        if outcome.headline is None:
            return []
        return [
            record[outcome.headline] for record in self.numbers.history("assets", key) if outcome.headline in record
        ]

    @contextmanager
    def timed(self, night: str, workload: str, stage: str, backend: str = "") -> Iterator[None]:
        """Record how long a stage of a partition took, when it ends without an error."""
        self.report(f"{'/'.join(filter(None, (workload, backend, stage)))} ...")
        began = time.perf_counter()
        yield
        record = {
            "night": night,
            "workload": workload,
            "backend": backend or None,
            "stage": stage,
            "wall_s": time.perf_counter() - began,
            "finished_at": datetime.now(UTC).isoformat(),
        }
        self.timings.put(night, "stages", f"{workload}.{backend}.{stage}", record)
