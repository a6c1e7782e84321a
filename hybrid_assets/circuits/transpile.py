"""The only call of the transpiler. It runs in a child process (`worker`), since a hang inside Qiskit cannot be stopped.

Put what the product asks of the transpiler here, and the facts read off its result; keep processes out.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.exposure import ERROR_FREE, expected_success, exposure
from hybrid_assets.circuits.fingerprint import artefact_fingerprint
from hybrid_assets.circuits.payload import dump, parse
from hybrid_assets.circuits.targets import qiskit_target
from hybrid_assets.errors import CapacityError, CompilationError, TargetMismatchError

if TYPE_CHECKING:
    from hybrid_assets.model.circuits import CompileOptions, TargetDocument


def compile_template(payload: bytes, target: TargetDocument, options: CompileOptions) -> tuple[bytes, dict[str, Any]]:
    """Compile a slot template for a target.

    Equal inputs give the same ISA circuit in every process, given one Qiskit version and architecture. Its parameters
    are exactly the template's slots: one that the transpiler optimized away stays as a global phase, which no
    measurement sees, so that a row of slot values fits by position. Any other global phase is dropped.

    Args:
        payload: QPY of the template (see `payload.dump`), its checksum verified.
        target: Its errors guide the choice of qubits.
        options: All settings of the transpiler.

    Returns:
        Payload of the ISA circuit, and its facts: ``artefact_fingerprint, width, used_qubits, measured_qubits,
        num_slots, depth, two_qubit_gates, exposure, expected_success, compile_s`` as in `CircuitFacts`.

    Raises:
        CapacityError: The circuit has more qubits than the target has working ones.
        TargetMismatchError: It cannot be expressed in the target's operations.
        CompilationError: It is not a template, does not measure each bit once, or the transpiler failed.
    """
    started = time.perf_counter()
    template = parse(payload)
    _check_capacity(template.num_qubits, target)
    isa = _run_transpiler(template, target, options)
    _keep_slots(isa, template)
    return packed(isa, target, started=started)


def packed(isa: Any, target: TargetDocument, *, started: float) -> tuple[bytes, dict[str, Any]]:
    """Return the payload and the facts of an ISA circuit, as `compile_template` does, after the last checks.

    Args:
        isa: The ISA circuit, its parameters in order.
        target: The target it was made for.
        started: `time.perf_counter` when making it began.

    Raises:
        TargetMismatchError: It uses an operation that the target does not have.
        CompilationError: It does not measure each bit once, at the end.
    """
    measured = measured_qubits(isa)
    counts = exposure(isa)
    _check_operations(counts, target)
    compiled, _ = dump(isa)
    facts = {
        "artefact_fingerprint": artefact_fingerprint(isa),
        "width": isa.num_qubits,
        "used_qubits": sorted({qubit for _, qubits, _ in counts for qubit in qubits}),
        "measured_qubits": measured,
        "num_slots": isa.num_parameters,
        "depth": isa.depth(),
        "two_qubit_gates": sum(times for _, qubits, times in counts if len(qubits) == 2),
        "exposure": counts,
        "expected_success": expected_success(counts, target),
        "compile_s": time.perf_counter() - started,
    }
    return compiled, facts


def _run_transpiler(template: Any, target: TargetDocument, options: CompileOptions) -> Any:
    from qiskit.exceptions import QiskitError  # noqa: PLC0415 - qiskit costs half a second: only when used
    from qiskit.transpiler import TranspilerError  # noqa: PLC0415 - as above

    try:
        manager = _pass_manager(target, template.num_qubits if target.num_qubits is None else 0, options)
    except (QiskitError, ValueError) as exc:
        raise CompilationError(f"Qiskit refuses the compile options {options}: {exc}") from exc
    try:
        return manager.run(template)
    except TranspilerError as exc:
        raise TargetMismatchError(f"The circuit does not fit {target.backend!r}: {exc}") from exc
    except (QiskitError, ValueError) as exc:
        raise CompilationError(f"Qiskit could not compile the circuit for {target.backend!r}: {exc}") from exc


@lru_cache(maxsize=8)  # building one takes longer than compiling a small circuit
def _pass_manager(target: TargetDocument, width: int, options: CompileOptions) -> Any:
    from qiskit.transpiler import generate_preset_pass_manager  # noqa: PLC0415 - as above

    return generate_preset_pass_manager(
        options.optimization_level,
        target=qiskit_target(target, width=width),
        seed_transpiler=options.seed,
        layout_method=options.layout_method,
        routing_method=options.routing_method,
        approximation_degree=options.approximation_degree,
    )


def _keep_slots(isa: Any, template: Any) -> None:
    isa.global_phase = 0.0
    kept = {parameter.name for parameter in isa.parameters}
    dropped = [parameter for parameter in template.parameters if parameter.name not in kept]
    if dropped:
        isa.global_phase = sum(dropped[1:], start=dropped[0])
    if [p.name for p in isa.parameters] != [f"s{k:05d}" for k in range(template.num_parameters)]:
        raise CompilationError("The circuit is no slot template: its parameters are not s00000, s00001 ... in order.")


def _check_capacity(width: int, target: TargetDocument) -> None:
    if target.num_qubits is None:
        return
    working = target.num_qubits - len(target.faulty_qubits)
    if width > working:
        raise CapacityError(
            f"The circuit needs {width} qubits, but {target.backend!r} has {working} that work. "
            "Use a smaller instance or another backend."
        )


def measured_qubits(isa: Any) -> list[int]:
    """Return the physical qubit of each classical bit; every bit must be measured once, after all its qubit's gates."""
    qubit_of = {bit: index for index, bit in enumerate(isa.qubits)}
    bit_of = {bit: index for index, bit in enumerate(isa.clbits)}
    measured: dict[int, int] = {}
    done: set[int] = set()
    for inst in isa.data:
        if inst.name in ERROR_FREE:
            continue
        on = [qubit_of[bit] for bit in inst.qubits]
        if inst.is_control_flow() or not done.isdisjoint(on):
            raise CompilationError(
                f"{inst.name!r} on qubits {on} depends on or follows a measurement. Kernels measure once, at the end."
            )
        if inst.name == "measure":
            bit = bit_of[inst.clbits[0]]
            if bit in measured:
                raise CompilationError(f"Classical bit {bit} is measured twice. Kernels measure each bit once.")
            measured[bit] = on[0]
            done.update(on)
    if missing := sorted(set(range(isa.num_clbits)) - set(measured)):
        raise CompilationError(f"The classical bits {missing} are never measured. Kernels measure every bit.")
    return [measured[bit] for bit in range(isa.num_clbits)]


def _check_operations(counts: tuple[tuple[str, tuple[int, ...], int], ...], target: TargetDocument) -> None:
    known = {(op.name, op.qubits) for op in target.operations}
    for name, qubits, _ in counts:
        if (name, qubits) not in known and (name, None) not in known:
            raise TargetMismatchError(
                f"The compiled circuit uses {name!r} on qubits {list(qubits)}, which {target.backend!r} does not have."
            )
