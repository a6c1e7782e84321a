"""The tables of the warehouse: names, columns, types, keys, partitions. Their names are a contract for SQL users.

Put new tables and columns here (never rename one, never change a type); keep reading and writing in `warehouse`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import pyarrow as pa

from hybrid_assets.errors import WarehouseError
from hybrid_assets.model.text import nearest
from hybrid_assets.storage import benchmark_columns as benchmark

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Columns the warehouse fills itself, in every table.
FILLED = ("schema_version", "materialized_at")

_TEXT, _REAL, _INT, _WIDE, _FLAG, _DAY = (
    pa.string(),
    pa.float64(),
    pa.int32(),
    pa.int64(),
    pa.bool_(),
    pa.date32(),
)
_TIME = pa.timestamp("us", tz="UTC")
_REALS, _INTS = pa.list_(pa.float64()), pa.list_(pa.int32())


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of the warehouse."""

    name: str
    #: Every column in the order of the view; non-nullable fields are keys, without which a row has no meaning.
    schema: pa.Schema
    #: Columns whose values make the path of a partition, outermost first; each partition is one file.
    partition_by: tuple[str, ...]
    #: Columns that tell when or how fast something happened, not what came out: they stay out of the data version.
    volatile: frozenset[str]


def _table(
    name: str,
    *,
    by: str,
    keys: Mapping[str, pa.DataType],
    values: Mapping[str, pa.DataType],
    volatile: str = "",
) -> Table:
    fields = [pa.field(column, kind, nullable=False) for column, kind in keys.items()]
    fields += [pa.field(column, kind) for column, kind in values.items()]
    fields += [pa.field("schema_version", pa.int16(), nullable=False), pa.field("materialized_at", _TIME)]
    times = {field.name for field in fields if field.name.endswith("_at")}
    return Table(
        name=name,
        schema=pa.schema(fields),
        partition_by=tuple(by.split()),
        volatile=frozenset(times | set(volatile.split()) | {"schema_version"}),
    )


_NIGHT = {"night": _DAY, "workload": _TEXT}
_CELL = {**_NIGHT, "backend": _TEXT}
_ATTEMPT = {
    "batch_id": _TEXT,
    "provider_job_id": _TEXT,
    "error_class": _TEXT,
    "error_code": _TEXT,
    "error_message": _TEXT,
    "num_pubs": _INT,
    "num_rows": _WIDE,
    "shots": _WIDE,
    "submitted_at": _TIME,
    "started_at": _TIME,
    "finished_at": _TIME,
    "queue_s": _REAL,
    "run_s": _REAL,
    "billed_s": _REAL,
    "cost": _REAL,
    # Part of the job's kernels that are this night's: a job may serve several.
    "night_share": _REAL,
    # Made by network or provider, not by us: found, and paid.
    "is_duplicate": _FLAG,
}
_GATE = {"signer": _TEXT, "reason": _TEXT, "decided_at": _TIME, "expires_at": _TIME}

_ALL = (
    _table(
        "normalized_inputs",
        by="night workload",
        keys={**_NIGHT, "instance": _TEXT, "source": _TEXT, "status": _TEXT},
        values={"fingerprint": _TEXT, "num_variables": _INT, "refusal": _TEXT, "facts": _TEXT},
    ),
    _table(
        "compiled_circuits",
        by="night workload backend",
        keys={**_CELL, "instance": _TEXT, "label": _TEXT, "structure_fingerprint": _TEXT, "compile_key": _TEXT},
        values={
            "artefact_fingerprint": _TEXT,
            "cache_hit": _FLAG,
            "miss_reason": _TEXT,
            "compile_s": _REAL,
            "num_qubits": _INT,
            "used_qubits": _INTS,
            "num_slots": _INT,
            "two_qubit_gates": _INT,
            "depth": _INT,
            "expected_success": _REAL,
            "calibration_id": _TEXT,
            "optimization_level": _INT,
            "seed": _WIDE,
            "expected_success_now": _REAL,
            "basis_calibration_id": _TEXT,
            "placement": _TEXT,
            "placement_reason": _TEXT,
            # What is placed: two structures of one template, compiled alike, share it.
            "template_key": _TEXT,
        },
        volatile="cache_hit miss_reason compile_s expected_success_now placement placement_reason",
    ),
    _table(
        "quantum_results",
        by="night workload backend",
        keys={**_CELL, "instance": _TEXT, "label": _TEXT, "row": _INT, "kernel_id": _TEXT, "source": _TEXT},
        values={
            "correlation_id": _TEXT,
            "parameters": _TEXT,
            "num_qubits": _INT,
            "shots": _WIDE,
            "repetition": _TEXT,
            "expected_value": _REAL,
            "best_value": _REAL,
            "execution": _TEXT,
            "compiled_calibration_id": _TEXT,
            "executed_calibration_id": _TEXT,
            "provider_job_id": _TEXT,
            "executed_at": _TIME,
            "round": _INT,
            "source_reason": _TEXT,
            # The kernel whose stored result the row shows; a row of the backend's own shows its own.
            "answer_id": _TEXT,
            # False: the backend may still answer, and its own row will take this one's place.
            "is_final": _FLAG,
            "inputs_age_s": _REAL,
            "basis_calibration_id": _TEXT,
            # It ran under another calibration than it was asked for.
            "calibration_changed": _FLAG,
            "calibration_age_s": _REAL,
        },
        # Who asked, which job answered and how long it took do not change the answer.
        volatile="correlation_id provider_job_id inputs_age_s calibration_age_s",
    ),
    _table(
        "classical_baselines",
        by="night workload",
        keys={
            **_NIGHT,
            "instance": _TEXT,
            "fingerprint": _TEXT,
            "baseline": _TEXT,
            "version": _TEXT,
            "role": _TEXT,
        },
        values={
            "value": _REAL,
            "bound": _REAL,
            "proved": _FLAG,
            "wall_s": _REAL,
            "cpu_s": _REAL,
            "seed": _WIDE,
            "fold_values": _REALS,
            "facts": _TEXT,
        },
        volatile="wall_s cpu_s",
    ),
    _table(
        "comparisons",
        by="night workload backend",
        keys={**_CELL, "instance": _TEXT, "fingerprint": _TEXT, "method": _TEXT, "role": _TEXT},
        values={
            "value": _REAL,
            "value_low": _REAL,
            "value_high": _REAL,
            "best_value": _REAL,
            "reference_value": _REAL,
            "reference_kind": _TEXT,
            "ratio": _REAL,
            "best_ratio": _REAL,
            "feasible_rate": _REAL,
            "p_opt": _REAL,
            "p_opt_low": _REAL,
            "p_opt_high": _REAL,
            "trials": _WIDE,
            "source": _TEXT,
            "shots": _WIDE,
            "wall_s": _REAL,
            "cost": _REAL,
            "verdict": _TEXT,
            "facts": _TEXT,
        },
        volatile="wall_s",
    ),
    _table(
        "verdicts",
        by="night workload backend",
        keys={**_CELL, "metric": _TEXT, "verdict": _TEXT},
        values={
            "method": _TEXT,
            "num_instances": _INT,
            "effect": _REAL,
            "effect_low": _REAL,
            "effect_high": _REAL,
            "effect_confidence": _REAL,
            "p_value": _REAL,
            "wins": _INT,
            "ties": _INT,
            "losses": _INT,
            "scope": _TEXT,
            "reasons": _TEXT,
        },
    ),
    _table(
        "job_attempts",
        by="night",
        keys={"night": _DAY, "job_id": _TEXT, "attempt": _INT, "backend": _TEXT, "status": _TEXT},
        values={"workload": _TEXT, **_ATTEMPT},
        volatile="queue_s run_s",
    ),
    _table(
        "batch_decisions",
        by="night",
        keys={"night": _DAY, "decided_at": _TIME, "backend": _TEXT, "reason": _TEXT},
        values={"workload": _TEXT, "batch_id": _TEXT, "size": _WIDE, "limit": _WIDE},
    ),
    _table(
        "stage_timings",
        by="night",
        keys={"night": _DAY, "stage": _TEXT},
        values={
            "workload": _TEXT,
            "backend": _TEXT,
            "wall_s": _REAL,
            "budget_s": _REAL,
            "within_budget": _FLAG,
            "finished_at": _TIME,
        },
        volatile="wall_s within_budget",
    ),
    _table(
        # A partition a snapshot, so that publishing the newest keeps those before it.
        "calibration_snapshots",
        by="backend calibration_id",
        keys={"backend": _TEXT, "calibration_id": _TEXT},
        values={
            "calibrated_at": _TIME,
            "observed_at": _TIME,
            "num_qubits": _INT,
            "median_two_qubit_error": _REAL,
            "median_readout_error": _REAL,
        },
    ),
    _table(
        # A row an operation and place; `measure` rows are also those of the qubits themselves.
        "calibration_errors",
        by="backend calibration_id",
        keys={"backend": _TEXT, "calibration_id": _TEXT, "operation": _TEXT, "qubits": _TEXT},
        values={
            # How many qubits it acts on; NULL where it acts on any.
            "num_qubits": _INT,
            "error": _REAL,
            "duration_s": _REAL,
            "is_faulty": _FLAG,
            "p_1_given_0": _REAL,
            "p_0_given_1": _REAL,
            "t1_s": _REAL,
            "t2_s": _REAL,
        },
    ),
    _table(
        "decisions",
        by="night workload",
        keys={**_NIGHT, "decision": _TEXT},
        values={"plan_hash": _TEXT, **_GATE},
    ),
    _table(
        "approvals",
        by="night workload",
        keys={**_NIGHT, "plan_hash": _TEXT, "decision": _TEXT},
        values=_GATE,
    ),
    _table(
        # What each budget that concerns a night had left after it.
        "budgets",
        by="night",
        keys={"night": _DAY, "team": _TEXT, "period": _TEXT, "unit": _TEXT},
        values={"limit": _REAL, "spent": _REAL, "reserved": _REAL, "recorded_at": _TIME},
    ),
    _table(
        # A row a change of a breaker during a night (`change`), and one of how it stood after it (`end`).
        "breaker_events",
        by="night",
        keys={"night": _DAY, "backend": _TEXT, "kind": _TEXT, "happened_at": _TIME},
        values={"state": _TEXT, "reason": _TEXT},
    ),
    _table(
        # A row a package, backend or host fact that a night was made with; several versions are several rows.
        "environments",
        by="night",
        keys={"night": _DAY, "kind": _TEXT, "name": _TEXT, "value": _TEXT},
        values={"recorded_at": _TIME},
    ),
    _table(
        "nightly_report",
        by="night",
        keys={"night": _DAY, "file": _TEXT},
        values={"sha256": _TEXT, "bytes": _WIDE, "written_at": _TIME},
        # It holds times and waits; what it says is the other tables'.
        volatile="sha256 bytes",
    ),
    _table(
        # What each method of a trial of a benchmark is worth, on each instance.
        "benchmark_scores",
        by="night workload backend trial",
        keys={**_CELL, **benchmark.KEYS, "instance": _TEXT, "fingerprint": _TEXT, "method": _TEXT, "role": _TEXT},
        values={**benchmark.ANNOTATIONS, **benchmark.SCORE},
        volatile=benchmark.VOLATILE_SCORE,
    ),
    _table(
        # The jobs of a trial, failed ones and duplicates too, as `job_attempts` has those of a night.
        "benchmark_attempts",
        by="night workload backend trial",
        keys={**_CELL, **benchmark.KEYS, "job_id": _TEXT, "attempt": _INT, "status": _TEXT},
        values=_ATTEMPT,
        volatile="queue_s run_s",
    ),
    _table(
        # What a trial took and cost, all its kernels together.
        "benchmark_trials",
        by="night workload backend trial",
        keys={**_CELL, **benchmark.KEYS},
        values={**benchmark.ANNOTATIONS, **benchmark.FIGURES},
        volatile=benchmark.VOLATILE_FIGURES,
    ),
)

#: Every table by name.
TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _ALL})

#: Changes when a table changes; stored in every row, so that a reader can tell old files from new.
SCHEMA_VERSION = 1


def table_named(name: str) -> Table:
    """Return the table of this name.

    Raises:
        WarehouseError: There is none; the nearest is named.
    """
    if name not in TABLES:
        raise WarehouseError(f"There is no table {name!r}. {nearest(name, TABLES)}Tables: {', '.join(sorted(TABLES))}.")
    return TABLES[name]


def column_types(table: Table) -> list[tuple[str, str]]:
    """Return name and type of each column, in the order of the view."""
    return [(field.name, str(field.type)) for field in table.schema]
