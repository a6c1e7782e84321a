"""Moving an ISA circuit as a whole to better qubits, gate for gate, where a calibration changed which ones are good.

It costs no more than one compile, and finds the best place of these very gates, but no other gates. Runs in a child
process, as `transpile` does. Put moving here; what a circuit's score is, is in `exposure`.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.exposure import expected_success, exposure
from hybrid_assets.circuits.payload import parse
from hybrid_assets.circuits.targets import qiskit_target
from hybrid_assets.circuits.transpile import packed

if TYPE_CHECKING:
    from hybrid_assets.model.circuits import CompileOptions, TargetDocument

#: Steps of the search at most: a count, no clock, so that equal inputs give equal circuits.
CALL_LIMIT = 1_000_000


def relayout(payload: bytes, target: TargetDocument, options: CompileOptions) -> tuple[bytes, dict[str, Any]] | None:
    """Move an ISA circuit to the qubits with the best expected success under a target.

    Gates, slots, classical bits and their order stay; gates are moved only to where the target has them, in this very
    direction. The circuit may stand on qubits that the target no longer has.

    Args:
        payload: QPY of the ISA circuit, its checksum verified.
        target: Its errors choose the qubits.
        options: ``relayout`` says which circuit it is; nothing else is asked of the transpiler.

    Returns:
        As `compile_template`; None where no better place was found, or places are all alike.

    Raises:
        TargetMismatchError: The moved circuit uses an operation that the target does not have.
        CompilationError: The payload is no circuit.
    """
    del options  # moving has no settings; the signature is that of `compile_template`
    started = time.perf_counter()
    isa = parse(payload)
    if target.num_qubits is None or isa.num_qubits != target.num_qubits:
        return None
    places = _better_places(isa, target)
    if places is None:
        return None
    moved = _moved(isa, places)
    if expected_success(exposure(moved), target) <= expected_success(exposure(isa), target):
        return None
    return packed(moved, target, started=started)


def _better_places(isa: Any, target: TargetDocument) -> list[int] | None:
    """Return the new qubit of each qubit, or None.

    The search scores a place as `expected_success` does, exactly: by each gate's own error there.
    """
    from qiskit.converters import circuit_to_dag  # noqa: PLC0415 - qiskit costs half a second: only when used
    from qiskit.transpiler.passes import VF2PostLayout  # noqa: PLC0415 - as above

    dag = circuit_to_dag(isa)
    search = VF2PostLayout(_searched(target), seed=-1, call_limit=CALL_LIMIT, strict_direction=True)
    search.run(dag)
    layout = search.property_set["post_layout"]
    return None if layout is None else [layout[qubit] for qubit in dag.qubits]


@lru_cache(maxsize=2)  # making one takes longer than the search
def _searched(target: TargetDocument) -> Any:
    return qiskit_target(target, width=0)


def _moved(isa: Any, places: list[int]) -> Any:
    """Return the circuit with every qubit replaced; Qiskit's own record of the first layout is left behind."""
    from qiskit.circuit import QuantumCircuit  # noqa: PLC0415 - as above

    moved = QuantumCircuit(isa.qubits, isa.clbits, *isa.qregs, *isa.cregs, name=isa.name, global_phase=isa.global_phase)
    place = {bit: isa.qubits[new] for bit, new in zip(isa.qubits, places, strict=True)}
    moved.data = [inst.replace(qubits=[place[bit] for bit in inst.qubits]) for inst in isa.data]
    return moved
