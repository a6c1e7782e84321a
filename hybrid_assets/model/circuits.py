"""Circuits as data: logical kernels, compiled circuits, targets and calibration, all without a quantum SDK.

Put records about circuits and targets here; building and compiling them belongs in `hybrid_assets.circuits`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogicalKernel:
    """One circuit template with its rows of parameter values, as a workload asks for it.

    The circuit measures every qubit into one classical register, qubit i to bit i, in this order.
    """

    #: Name of the instance it belongs to.
    instance: str
    #: Unique in its instance, for example ``qaoa_p2`` or ``fold0``.
    label: str
    #: A ``qiskit.QuantumCircuit`` (untyped here: the model knows no SDK).
    circuit: Any
    #: Names of the circuit's parameters, in the order of the columns of ``values``.
    parameter_names: tuple[str, ...]
    #: Parameter values in radians, shape (rows, len(parameter_names)), float64.
    values: np.ndarray
    #: Shots of each row.
    shots: int
    #: What each row means, for the record (for example its gamma and beta): JSON, one a row, or empty.
    settings: tuple[Mapping[str, Any], ...] = ()
    #: Facts of the kernel for its own workload and the record (depth, angle policy, part ...).
    facts: Mapping[str, Any] = field(default_factory=dict)
    #: Round it belongs to: 0 from ``kernels``, then as ``next_round`` of an `IterativeWorkload` asks for it.
    round_index: int = 0

    def __post_init__(self) -> None:
        if self.settings and len(self.settings) != self.values.shape[0]:
            raise ConfigurationError(f"Kernel {self.label!r} of {self.instance!r}: settings and rows differ in number.")
        if self.values.ndim != 2 or self.values.shape[1] != len(self.parameter_names):
            raise ConfigurationError(
                f"Kernel {self.label!r} of {self.instance!r}: values have shape {self.values.shape}, "
                f"but there are {len(self.parameter_names)} parameters."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOperation:
    """One operation of a target on given qubits.

    ``qubits`` None means: on any qubits (an ideal simulator). ``error`` and ``duration_s`` None mean: not known.
    """

    name: str
    qubits: tuple[int, ...] | None
    error: float | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetDocument:
    """What a backend can execute, and its calibration at one moment: plain data, no SDK objects.

    `structure_sha` depends on operations, qubits and timing constraints only, `calibration_id` on errors and durations
    too.
    """

    backend: str
    #: None for a simulator without a fixed width.
    num_qubits: int | None
    #: Sorted by name, then qubits.
    operations: tuple[TargetOperation, ...]
    #: Sample time in seconds, where the backend has one.
    dt_s: float | None
    #: Readout error of each qubit as (P(1|0), P(0|1)); empty for an ideal simulator.
    readout: tuple[tuple[float, float], ...]
    #: T1 and T2 of each qubit in seconds; empty where unknown.
    t1_t2_s: tuple[tuple[float | None, float | None], ...]
    #: Qubits the backend itself reports as out of order.
    faulty_qubits: tuple[int, ...]
    #: When the calibration was measured (UTC); None for an ideal simulator.
    calibrated_at: datetime | None
    structure_sha: str
    #: 64 hex digits; for an ideal simulator the hash of "no errors".
    calibration_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileOptions:
    """Everything the transpiler may be told; all of it enters the compile key."""

    optimization_level: int = 2
    #: Never None: an unseeded compile is different every time.
    seed: int = 7
    layout_method: str | None = None
    routing_method: str | None = None
    approximation_degree: float = 1.0
    #: Calibration whose errors choose the layout, where that is the point of compiling again; None: whichever is known.
    calibration_id: str | None = None
    #: Compile key of the ISA circuit that is moved as a whole to better qubits, in place of compiling; None: compile.
    relayout: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitFacts:
    """What is known of a compiled circuit without loading it."""

    structure_fingerprint: str
    compile_key: str
    #: Canonical structural hash of the ISA circuit itself; enters the kernel id.
    artefact_fingerprint: str
    #: Width of the ISA circuit (the device's).
    width: int
    #: Physical qubits it touches, sorted.
    used_qubits: tuple[int, ...]
    #: Measured physical qubit of each classical bit, bit 0 first.
    measured_qubits: tuple[int, ...]
    num_slots: int
    depth: int
    two_qubit_gates: int
    #: Count table ``(operation, qubits, times)`` for expected success under any calibration.
    exposure: tuple[tuple[str, tuple[int, ...], int], ...]
    #: Product of (1 - error) under the calibration it was compiled with; 1.0 for an ideal simulator.
    expected_success: float
    #: Calibration it was compiled with.
    calibration_id: str
    #: Seconds the compile took, in the child.
    compile_s: float
    #: The parts of the compile key, for explaining misses.
    key_parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompiledCircuit:
    """A compiled (ISA) circuit as stored: its facts and its payload."""

    facts: CircuitFacts
    #: zlib-compressed QPY; parameters are slots ``s00000``, ``s00001`` ...; never hashed for a key.
    payload: bytes
    #: SHA-256 of ``payload``, verified before every load.
    payload_sha: str
