"""A year of nights as data files, made up: three workloads on three backends, as large as real ones.

The numbers are noise around plausible values and mean nothing; only their amount and kind matter here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hybrid_assets.storage.casting import cast_rows
from hybrid_assets.storage.tables import TABLES, Table
from hybrid_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

WORKLOADS = ("maxcut", "portfolio", "kernel_classification")
BACKENDS = ("aer", "emulator", "torino")
INSTANCES = 12
METHODS = {"quantum": 6, "control": 2, "classical": 3}
#: Rows of one cell's quantum results: QAOA angles, or pairs of samples of a kernel.
RESULT_ROWS = {"maxcut": 48, "portfolio": 24, "kernel_classification": 1600}
JOBS = 40

Rows = list[dict[str, Any]]


def make_year(home: Path, *, nights: int = 365, last: date | None = None) -> int:
    """Write the data files of some nights up to ``last`` (default: yesterday); return how many files."""
    warehouse, rng = Warehouse(home), np.random.default_rng(7)
    end = last or datetime.now(UTC).date() - timedelta(days=1)
    days = [end - timedelta(days=k) for k in range(nights)]
    count = 0
    for name, keys, rows in _cells():
        table = TABLES[name]
        sample = _sample(table, rows, {"night": end, **keys})
        for day in days:
            folders = {key: day.isoformat() if key == "night" else keys[key] for key in table.partition_by}
            _write(warehouse, table, folders, _shifted(sample, day, rng))
            count += 1
    return count + _calibrations(warehouse, days)


def _cells() -> Iterator[tuple[str, dict[str, str], Rows]]:
    """Yield table, partition without its night, and rows of one night."""
    for workload in WORKLOADS:
        keys = {"workload": workload}
        yield (
            "normalized_inputs",
            keys,
            [{"instance": f"i{i}", "source": "i.csv", "status": "accepted"} for i in range(INSTANCES)],
        )
        yield "classical_baselines", keys, _baselines()
        yield "decisions", keys, [{"decision": "use_classical"}]
        for backend in BACKENDS:
            cell = {**keys, "backend": backend}
            yield "compiled_circuits", cell, _circuits(backend)
            yield "quantum_results", cell, _results(RESULT_ROWS[workload])
            yield "comparisons", cell, _comparisons()
            yield (
                "verdicts",
                cell,
                [{"metric": "ratio", "verdict": "no_advantage", "method": "quantum0", "effect": -0.1}],
            )
    yield "job_attempts", {}, _attempts()
    yield "batch_decisions", {}, [{"decided_at": _NOON, "backend": "aer", "reason": "full", "size": 9}] * JOBS
    yield (
        "stage_timings",
        {},
        [{"stage": s, "workload": w, "wall_s": 2.0, "within_budget": True} for s in "abcdef" for w in WORKLOADS],
    )


_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _baselines() -> Rows:
    base = {"fingerprint": "f" * 64, "version": "1", "role": "classical", "value": 9.0, "wall_s": 0.1}
    return [{**base, "instance": f"i{i}", "baseline": f"b{b}"} for i in range(INSTANCES) for b in range(6)]


def _circuits(backend: str) -> Rows:
    base = {
        "compile_key": "k" * 64,
        "cache_hit": True,
        "expected_success": 0.7,
        "calibration_id": _calibration(backend, 0),
    }
    return [
        {**base, "instance": f"i{i}", "label": f"p{d}", "structure_fingerprint": f"{i:064d}"}
        for i in range(INSTANCES)
        for d in range(3)
    ]


def _results(count: int) -> Rows:
    base = {"source": "backend", "shots": 4096, "expected_value": 7.0, "execution": "qpu", "parameters": "[0.1, 0.2]"}
    return [
        {**base, "instance": f"i{k % INSTANCES}", "label": f"p{k % 3}", "row": k, "kernel_id": f"{k // 8:064x}"}
        for k in range(count)
    ]


def _comparisons() -> Rows:
    base = {"fingerprint": "f" * 64, "ratio": 0.8, "best_ratio": 0.9, "source": "backend", "shots": 4096, "wall_s": 0.1}
    return [
        {**base, "instance": f"i{i}", "method": f"{role}{m}", "role": role}
        for i in range(INSTANCES)
        for role, number in METHODS.items()
        for m in range(number)
    ]


def _attempts() -> Rows:
    return [
        {
            "job_id": f"j{k}",
            "attempt": 0,
            "backend": BACKENDS[k % 3],
            "status": "FAILED" if k % 9 == 0 else "SUCCEEDED",
            "error_class": "TransientProviderError" if k % 9 == 0 else None,
            "workload": WORKLOADS[k % 3],
            "num_pubs": 12,
            "submitted_at": _NOON,
            "queue_s": 30.0,
            "run_s": 4.0,
            "billed_s": 4.0,
            "cost": 6.4,
            "is_duplicate": False,
        }
        for k in range(JOBS)
    ]


def _calibrations(warehouse: Warehouse, days: list[date]) -> int:
    """Write a calibration a night and backend."""
    table = TABLES["calibration_snapshots"]
    for backend in BACKENDS:
        for k, _ in enumerate(days):
            keys = {"backend": backend, "calibration_id": _calibration(backend, k)}
            _write(warehouse, table, keys, _sample(table, [{"num_qubits": 133, "median_two_qubit_error": 0.004}], keys))
    return len(days) * len(BACKENDS)


def _calibration(backend: str, k: int) -> str:
    return f"{BACKENDS.index(backend)}{k:063x}"


def _sample(table: Table, rows: Rows, keys: Mapping[str, Any]) -> pa.Table:
    partition = {name: keys[name] for name in table.partition_by}
    return cast_rows(table, rows, partition=partition, materialized_at=_NOON)


def _shifted(sample: pa.Table, day: date, rng: np.random.Generator) -> pa.Table:
    """Return the rows of another night, every number a little different."""
    columns = []
    for field in sample.schema:
        column = sample[field.name]
        if field.name == "night":
            column = pa.array([day] * sample.num_rows, pa.date32())
        elif pa.types.is_floating(field.type) and column.null_count == 0:
            column = pa.array(column.to_numpy() * rng.uniform(0.8, 1.2, sample.num_rows))
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=sample.schema)


def _write(warehouse: Warehouse, table: Table, keys: Mapping[str, str], data: pa.Table) -> None:
    """Write a file where `Warehouse.publish` would, without waiting for the disk."""
    folder = warehouse.folder(table.name).joinpath(*(f"{name}={keys[name]}" for name in table.partition_by))
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(data, folder / "data.parquet", compression="zstd")
