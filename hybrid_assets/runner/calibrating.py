"""Stage `calibration_snapshots`: one row a backend and snapshot; the snapshot's id is the data version.

Besides the row there are the raw document, for any later question, and its errors one by one, for SQL.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from hybrid_assets.calibration.entries import entries
from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.runner.driver import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.calibration.entries import Entry
    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.runner.project import Project

#: `calibration_errors.qubits` of an operation that acts on any.
ANY_QUBITS = "any"


def snapshot_calibration(project: Project, *, backend: str) -> StageOutcome:
    """Store the backend's present calibration and publish it under its id; a known one stays as it is.

    The summary row is published last: whoever finds it finds the document and the errors, whenever this was killed.
    """
    target = project.target(backend)
    partition = {"backend": backend, "calibration_id": target.calibration_id}
    numbers = median_errors(target)
    project.calibrations.put(target, utc_now())
    if not project.warehouse.published("calibration_errors", **partition):
        rows = [{**partition, **error_row(entry)} for entry in entries(target)]
        project.warehouse.publish("calibration_errors", rows, partition=partition)
    if not project.warehouse.published("calibration_snapshots", **partition):
        row = {
            "backend": backend,
            "calibration_id": target.calibration_id,
            "calibrated_at": target.calibrated_at,
            "observed_at": project.calibrations.observed_at(backend, target.calibration_id),
            "num_qubits": target.num_qubits,
            **numbers,
        }
        project.warehouse.publish("calibration_snapshots", [row], partition=partition)
    return StageOutcome(
        rows=1,
        data_version=target.calibration_id,
        numbers={key: value for key, value in numbers.items() if value is not None},
        notes={"calibration_id": target.calibration_id},
    )


def median_errors(target: TargetDocument) -> dict[str, float | None]:
    """Return the median two-qubit gate error and readout error; None where the target has none."""
    two_qubit = [op.error for op in target.operations if op.qubits and len(op.qubits) == 2 and op.error is not None]
    readout = [op.error for op in target.operations if op.name == "measure" and op.qubits and op.error is not None]
    return {
        "median_two_qubit_error": median(two_qubit) if two_qubit else None,
        "median_readout_error": median(readout) if readout else None,
    }


def error_row(entry: Entry) -> dict[str, Any]:
    """Return an entry of a calibration as a row of `calibration_errors`, without the columns of its partition."""
    return {
        "operation": entry.operation,
        "qubits": qubits_text(entry.qubits),
        "num_qubits": None if entry.qubits is None else len(entry.qubits),
        "error": entry.error,
        "duration_s": entry.duration_s,
        "is_faulty": entry.is_faulty,
        "p_1_given_0": entry.p_1_given_0,
        "p_0_given_1": entry.p_0_given_1,
        "t1_s": entry.t1_s,
        "t2_s": entry.t2_s,
    }


def qubits_text(qubits: Sequence[int] | None) -> str:
    """Return qubits as SQL and tables show them, for example ``3-4``; `ANY_QUBITS` for any."""
    return ANY_QUBITS if qubits is None else "-".join(map(str, qubits))
