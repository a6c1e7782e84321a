"""From logical kernels to kernels with keys. Put what identifies a kernel here; executing it belongs in `executing`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.fingerprint import structure_fingerprint
from hybrid_assets.circuits.key import compile_key
from hybrid_assets.circuits.slots import slot_template
from hybrid_assets.errors import CompilationError
from hybrid_assets.model.fingerprint import array_fingerprint, fingerprint, seed_from
from hybrid_assets.model.jobs import Pub

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from hybrid_assets.circuits.key import CompileKey
    from hybrid_assets.model.circuits import (
        CircuitFacts,
        CompiledCircuit,
        CompileOptions,
        LogicalKernel,
        TargetDocument,
    )
    from hybrid_assets.model.jobs import ProviderDescription
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.runner.orders import Cell
    from hybrid_assets.runner.project import Project

#: Part of every kernel id; raise it when ids must change for the same content.
KERNEL_ID_VERSION = "kernel/2"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Template:
    """A logical kernel with its slots, ready to compile."""

    logical: LogicalKernel
    #: The slot circuit (a ``qiskit.QuantumCircuit``).
    circuit: Any
    #: Slot values in radians, shape (rows, slots).
    slot_values: np.ndarray
    key: CompileKey


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kernel:
    """A compiled kernel with its id."""

    kernel_id: str
    instance: ProblemInstance
    template: Template
    facts: CircuitFacts
    #: Calibration that is part of its id.
    calibration_id: str
    repetition: str

    def correlation_id(self, cell: Cell) -> str:
        """Return what names this request from the Dagster run to the provider's job and back."""
        return f"{cell.night}/{cell}/{self.instance.name}/{self.template.logical.label}"


def template_of(logical: LogicalKernel, *, target: TargetDocument, options: CompileOptions) -> Template:
    """Return a logical kernel with its slots and compile key."""
    template = slot_template(logical.circuit, logical.parameter_names)
    return Template(
        logical=logical,
        circuit=template.circuit,
        slot_values=template.slot_values(logical.values),
        key=compile_key(structure_fingerprint(template.circuit), target, options),
    )


def templates(
    project: Project, *, workload: str, instance: ProblemInstance, target: TargetDocument, options: CompileOptions
) -> Iterator[Template]:
    """Yield the kernels of an instance in the workload's order.

    Raises:
        CompilationError: Two kernels share a label.
    """
    labels: set[str] = set()
    for logical in project.first_kernels(workload, instance):
        if logical.label in labels:
            raise CompilationError(f"{workload}/{instance.name}: two kernels are labelled {logical.label!r}.")
        labels.add(logical.label)
        yield template_of(logical, target=target, options=options)


def kernel_id(
    *,
    facts: CircuitFacts,
    slot_values: np.ndarray,
    shots: int,
    backend: ProviderDescription,
    calibration_id: str,
    repetition: str,
) -> str:
    """Return the content key of a kernel's result: equal ids mean that one result serves both.

    Args:
        facts: Facts of the ISA circuit; its artefact fingerprint enters.
        slot_values: Slot values in radians, shape (rows, slots).
        shots: Shots of each row.
        backend: The backend; its identity enters.
        calibration_id: Calibration the kernel is to run under.
        repetition: Distinguishes wanted repetitions of the same kernel.
    """
    return fingerprint(
        {
            "version": KERNEL_ID_VERSION,
            "artefact": facts.artefact_fingerprint,
            "values": array_fingerprint(slot_values),
            "shots": shots,
            # Two backends of one identity would give the same results, but each has a queue of its own.
            "backend": [backend.backend, backend.identity],
            "calibration": calibration_id,
            "repetition": repetition,
        }
    )


def pub(kernel: str, compiled: CompiledCircuit, *, slot_values: np.ndarray, shots: int) -> Pub:
    """Return what a provider needs to execute a kernel."""
    return Pub(
        kernel_id=kernel,
        payload=compiled.payload,
        payload_sha=compiled.payload_sha,
        artefact_fingerprint=compiled.facts.artefact_fingerprint,
        measured_qubits=compiled.facts.measured_qubits,
        expected_success=compiled.facts.expected_success,
        values=slot_values,
        shots=shots,
        seed=seed_from(kernel),
    )
