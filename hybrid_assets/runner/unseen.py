"""The plan of a backend that was never seen and cannot be asked now: a plan needs neither credentials nor a network.

Without a target nothing is compiled. Kernels are counted as the workload asks for them, and their circuits' durations,
microseconds beside the pause before each shot, are those of gates the provider knows, or left out. Put nothing else
here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid_assets.circuits.fingerprint import structure_fingerprint
from hybrid_assets.circuits.payload import dump
from hybrid_assets.circuits.slots import slot_template
from hybrid_assets.circuits.transpile import measured_qubits
from hybrid_assets.errors import CompilationError, ConfigurationError, ProviderError
from hybrid_assets.model.fingerprint import array_fingerprint, fingerprint
from hybrid_assets.model.jobs import Pub
from hybrid_assets.model.plans import PlanCell
from hybrid_assets.model.text import plural
from hybrid_assets.runner.pricing import night_cost
from hybrid_assets.runner.queueing import costs_of
from hybrid_assets.runner.rounds import logical_kernels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.costs import Range
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.runner.orders import Cell
    from hybrid_assets.runner.project import Project

#: In place of a calibration's id.
UNKNOWN = "not known"


def plan_unseen(
    project: Project, cell: Cell, instances: Sequence[ProblemInstance], *, inputs_version: str, why: str
) -> PlanCell:
    """Return the plan of a workload on such a backend.

    Args:
        project: The project.
        cell: The workload and the backend.
        instances: The workload's instances.
        inputs_version: Data version of the normalized inputs.
        why: Why the backend cannot be asked.
    """
    found = [
        logical
        for instance in instances
        for logical in logical_kernels(project, cell.workload, instance, lambda _: None, lambda _: False)
    ]
    pubs = [_uncompiled(logical) for logical in found]
    qpu_s, money = _cost(project, cell, pubs)
    _, _, common = project.workload(cell.workload)
    return PlanCell(
        night=cell.night,
        workload=cell.workload,
        backend=cell.backend,
        instances=len(instances),
        kernels=len(found),
        cached_kernels=0,
        new_kernels=len(found),
        kernels_hash=fingerprint(sorted(pub.kernel_id for pub in pubs)),
        compile_hits=0,
        compile_misses=len({pub.artefact_fingerprint for pub in pubs}),
        shots=sum(pub.values.shape[0] * pub.shots for pub in pubs),
        qpu_s=qpu_s,
        money=money,
        reason=f"{plural(len(found), 'kernel')} would run. {why}",
        calibration_id=UNKNOWN,
        inputs_version=inputs_version,
        is_metered=project.provider(cell.backend).describe().is_metered,
        phase=common.phase,
    )


def _uncompiled(logical: LogicalKernel) -> Pub:
    """Return a kernel as its workload made it; good for an estimate, for nothing else."""
    template = slot_template(logical.circuit, logical.parameter_names)
    payload, payload_sha = dump(template.circuit)
    structure, values = structure_fingerprint(template.circuit), template.slot_values(logical.values)
    return Pub(
        kernel_id=fingerprint(["uncompiled", structure, array_fingerprint(values), logical.shots]),
        payload=payload,
        payload_sha=payload_sha,
        artefact_fingerprint=structure,
        measured_qubits=tuple(measured_qubits(template.circuit)),
        expected_success=1.0,
        values=values,
        shots=logical.shots,
        seed=0,
    )


def _cost(project: Project, cell: Cell, pubs: Sequence[Pub]) -> tuple[Range | None, Range | None]:
    """Return the seconds and the money of a night; None where the provider cannot tell without a target."""
    try:
        return night_cost(project, cell, costs_of(project, cell.backend, pubs) if pubs else ())
    except (ProviderError, ConfigurationError, CompilationError):
        return None, None
