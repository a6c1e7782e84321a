"""An ISA circuit reduced to what a simulator needs: its gates on the used qubits, its angles, its measured qubits.

Put reading of circuits here; keep simulation out. A device's ISA circuit is as wide as the device; only the k qubits it
touches are kept ("compaction"), numbered 0 .. k - 1 in increasing physical order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from hybrid_assets.circuits.angle_expression import angle_expression
from hybrid_assets.errors import PermanentProviderError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from hybrid_assets.circuits.angle_expression import AngleExpression

#: Operations without an effect on outcomes. Idling is not modelled, as in Aer's own device noise.
_IGNORED = frozenset({"barrier", "delay"})
#: Operations that only make sense when gates may follow a measurement, which kernels never need.
_REFUSED = frozenset({"reset", "if_else", "for_loop", "while_loop", "switch_case", "box", "store", "initialize"})


class Gate(NamedTuple):
    """One gate on compacted qubits."""

    name: str
    qubits: tuple[int, ...]
    #: Numbers (radians where angles), arrays of unitaries, or ``qiskit.circuit.Parameter`` of the angle table.
    params: tuple[Any, ...]
    #: The circuit's own instruction.
    instruction: Any


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParsedCircuit:
    """A circuit ready to be simulated."""

    gates: tuple[Gate, ...]
    #: Physical qubits it touches, sorted; compacted qubit k is ``used_qubits[k]``.
    used_qubits: tuple[int, ...]
    #: Compacted qubit behind each classical bit, bit 0 first.
    measured: tuple[int, ...]
    #: One fresh ``Parameter`` for each distinct angle expression.
    angles: Mapping[Any, AngleExpression]

    @property
    def num_bits(self) -> int:
        """Number of classical bits."""
        return len(self.measured)

    def angle_table(self, values: np.ndarray) -> dict[Any, np.ndarray]:
        """Return every angle for rows of slot values, shape (rows,) each, in radians.

        Args:
            values: Shape (rows, num_slots); column i is slot ``s{i:05d}``.
        """
        return {parameter: angle.evaluate(values) for parameter, angle in self.angles.items()}


def parse(circuit: Any, *, num_slots: int, measured_qubits: Sequence[int]) -> ParsedCircuit:
    """Read an ISA circuit.

    Args:
        circuit: A ``qiskit.QuantumCircuit`` whose parameters are slots.
        num_slots: Columns of the values that will be bound.
        measured_qubits: Physical qubit of each classical bit, as the circuit's facts say.

    Raises:
        PermanentProviderError: The circuit measures other qubits than its facts say, goes on after a measurement,
            resets, branches, or has a parameter that is no slot.
    """
    reader = _Reader(circuit, num_slots)
    for instruction in circuit.data:
        if instruction.name not in _IGNORED:
            reader.read(instruction)
    measured = tuple(reader.measured.get(bit, -1) for bit in range(circuit.num_clbits))
    if measured != tuple(measured_qubits):
        raise PermanentProviderError(f"The circuit measures {measured}, but its facts say {tuple(measured_qubits)}.")
    used = tuple(sorted({q for gate in reader.gates for q in gate.qubits} | set(measured)))
    place = {qubit: k for k, qubit in enumerate(used)}
    return ParsedCircuit(
        gates=tuple(g._replace(qubits=tuple(place[q] for q in g.qubits)) for g in reader.gates),
        used_qubits=used,
        measured=tuple(place[q] for q in measured),
        angles={parameter: angle for parameter, angle in reader.angles.values() if angle is not None},
    )


class _Reader:
    """Collects gates on physical qubits, distinct angles and measurements."""

    def __init__(self, circuit: Any, num_slots: int) -> None:
        from qiskit.circuit import Parameter, ParameterExpression  # noqa: PLC0415 - qiskit is imported when it is used

        self._parameter, self._expression = Parameter, ParameterExpression
        self._qubit = {bit: index for index, bit in enumerate(circuit.qubits)}
        self._clbit = {bit: index for index, bit in enumerate(circuit.clbits)}
        self._columns = {f"s{slot:05d}": slot for slot in range(num_slots)}
        self.gates: list[Gate] = []
        self.measured: dict[int, int] = {}
        self.angles: dict[str, tuple[Any, AngleExpression]] = {}
        self._finished: set[int] = set()

    def read(self, instruction: Any) -> None:
        name, qubits = instruction.name, tuple(self._qubit[q] for q in instruction.qubits)
        if name in _REFUSED:
            raise PermanentProviderError(f"The local simulator executes no {name!r}. Use plain gates and measurements.")
        if self._finished.intersection(qubits):
            raise PermanentProviderError(f"{name!r} follows a measurement of the same qubit. Measure at the end only.")
        if name == "measure":
            self._finished.update(qubits)
            self.measured[self._clbit[instruction.clbits[0]]] = qubits[0]
            return
        params = instruction.params
        self.gates.append(Gate(name, qubits, tuple(map(self._angle, params)) if params else (), instruction))

    def _angle(self, value: Any) -> Any:
        if not isinstance(value, self._expression):
            return value
        if not value.parameters:
            return float(value.numeric())
        text = str(value)
        if text not in self.angles:
            if unknown := [p.name for p in value.parameters if p.name not in self._columns]:
                raise PermanentProviderError(f"The circuit has parameters without values: {', '.join(unknown)}.")
            self.angles[text] = self._parameter(f"a{len(self.angles)}"), angle_expression(value, self._columns)
        return self.angles[text][0]
