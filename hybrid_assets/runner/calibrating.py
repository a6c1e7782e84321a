"""Stage `calibration_snapshots`: one row a backend and snapshot; the snapshot's id is the data version."""

from __future__ import annotations

from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING

from hybrid_assets.model.stages import StageOutcome

if TYPE_CHECKING:
    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.runner.project import Project


def snapshot_calibration(project: Project, *, backend: str) -> StageOutcome:
    """Publish the backend's present calibration under its id; a known one stays as it is."""
    target = project.provider(backend).target()
    partition = {"backend": backend, "calibration_id": target.calibration_id}
    numbers = median_errors(target)
    if not project.warehouse.published("calibration_snapshots", **partition):
        row = {
            "backend": backend,
            "calibration_id": target.calibration_id,
            "calibrated_at": target.calibrated_at,
            "observed_at": datetime.now(UTC),
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
