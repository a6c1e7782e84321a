"""Stage `normalized_inputs`: read, validate, fingerprint. A refused file is a row, never a silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import CapacityError, ProblemError
from hybrid_assets.model.fingerprint import canonical_json
from hybrid_assets.model.stages import CheckOutcome, StageOutcome
from hybrid_assets.runner import checks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hybrid_assets.protocols import Workload
    from hybrid_assets.runner.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """A workload's inputs as a night would publish them."""

    #: One a file.
    rows: Sequence[dict[str, Any]]
    checks: tuple[CheckOutcome, ...]
    #: What publishing them would give.
    data_version: str


def normalize_inputs(project: Project, *, night: str, workload: str) -> StageOutcome:
    """Normalize all inputs of a workload and publish one row a file.

    Raises:
        ConfigurationError: The glob matches no file.
        CheckFailedError: Two files would be instances of the same name.
    """
    with project.timed(night, workload, "normalized_inputs"):
        found = inputs_now(project, night=night, workload=workload)
        rows, outcomes = found.rows, found.checks
        published = project.warehouse.publish(
            "normalized_inputs", rows, partition={"night": night, "workload": workload}
        )
    accepted = [row for row in rows if row["status"] == "accepted"]
    return StageOutcome(
        rows=len(rows),
        data_version=published.data_version,
        numbers={"instances": len(accepted), "refused": len(rows) - len(accepted)},
        notes={row["source"]: row["refusal"] for row in rows if row["status"] == "refused"},
        checks=outcomes,
        sample=tuple({k: row[k] for k in ("instance", "num_variables", "status")} for row in rows[:10]),
    )


def inputs_now(project: Project, *, night: str, workload: str) -> Inputs:
    """Read and check a workload's inputs as they are now, as a night that runs publishes them; nothing is published.

    Raises:
        ConfigurationError: The glob matches no file.
        CheckFailedError: Two files would be instances of the same name.
    """
    partition = {"night": night, "workload": workload}
    files = project.settings.input_files(workload)
    rows = [{**partition, **row} for row in read_inputs(project, workload)]
    outcomes = (
        checks.row_count(rows, expected=len(files), of="input files"),
        checks.unique(rows, key=("instance",)),
        checks.schema(project.warehouse, "normalized_inputs", rows, partition),
        _refusals(rows),
    )
    checks.require(outcomes, what=f"{workload}/normalized_inputs of {night}")
    version = project.warehouse.version_of("normalized_inputs", rows, partition=partition)
    return Inputs(rows=rows, checks=outcomes, data_version=version)


def read_inputs(project: Project, workload: str) -> Sequence[dict[str, Any]]:
    """Read and store a workload's inputs as they are now; return one row a file, nothing is published.

    Raises:
        ConfigurationError: The glob matches no file.
    """
    plugin, options, _ = project.workload(workload)
    return [_row(project, plugin, options, *file) for file in project.settings.input_files(workload)]


def refusals(project: Project, *, night: str, workload: str) -> Sequence[str]:
    """Return the refusal of each file of a night that was refused."""
    rows = project.warehouse.read_rows("normalized_inputs", night=night, workload=workload)
    return [row["refusal"] for row in rows if row["status"] == "refused"]


def _row(project: Project, plugin: Workload, options: Any, file: Path, source: str) -> dict[str, Any]:
    try:
        instance = plugin.load(file, source=source, options=options)
        # An instance that fits no kernel is refused here, so that it does not stop the others later.
        project.first_kernels(plugin.name, instance)
    except (ProblemError, CapacityError) as exc:
        project.report(f"refused: {exc}")
        return {
            "instance": file.stem,
            "fingerprint": None,
            "num_variables": None,
            "source": source,
            "status": "refused",
            "refusal": str(exc),
            "facts": "{}",
        }
    if project.instances.put(instance):
        project.compile_pool.warm()  # an instance never seen will want compiles; the workers take a second to start
    return {
        "instance": instance.name,
        "fingerprint": instance.fingerprint,
        "num_variables": instance.num_variables,
        "source": source,
        "status": "accepted",
        "refusal": None,
        "facts": canonical_json(dict(instance.facts)),
    }


def _refusals(rows: Sequence[dict[str, Any]]) -> CheckOutcome:
    refused = [row["source"] for row in rows if row["status"] == "refused"]
    return CheckOutcome(
        name="no_input_refused",
        passed=not refused,
        blocking=False,
        description=f"{len(refused)} of {len(rows)} input files were refused. {', '.join(refused)}".strip(),
    )
