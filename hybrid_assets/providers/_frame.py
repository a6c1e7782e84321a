"""Undo compilation for simulation: an ISA circuit as Pauli rotations of a few virtual qubits.

Compiled circuits are mostly Clifford gates (basis changes, routing) around few rotations. Moving every Clifford gate
past all rotations to the end turns each rotation exp(-i t/2 P) into exp(-i t/2 C^-1 P C), again a Pauli rotation, and
each final measurement of Z into one of a Pauli. For routed QAOA and feature-map circuits that recovers, exactly, the
logical circuit: routing vanishes, and so do the ancillas it went through. Measured: 12-qubit QAOA of depth 1 to 3 on a
133-qubit device is 7 to 9 times faster to simulate than its fused 14-qubit ISA circuit, 17 to 25 times than unfused.

The result has the same distribution as the ISA circuit, not only the same intent: it is computed from the ISA circuit.
Put the rewriting here; keep simulators out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets.providers._pauli import Pauli, x_on, z_on

if TYPE_CHECKING:
    from hybrid_assets.providers._parsed import Gate, ParsedCircuit

#: A constant angle this close to a multiple of pi/2 is one; transpilers sum angles in floating point.
CLIFFORD_TOLERANCE = 1e-12

#: Gates that are one rotation exp(-i angle/2 P), up to a global phase, by the letters of P on their qubits.
_ROTATIONS = {
    "rx": "X",
    "ry": "Y",
    "rz": "Z",
    "p": "Z",
    "u1": "Z",
    "rxx": "XX",
    "ryy": "YY",
    "rzz": "ZZ",
    "rzx": "ZX",
}
#: Constant gates as rotations (letters, angle), the first acting first; fewer letters than qubits leave the rest out.
_CONSTANTS: dict[str, tuple[tuple[str, float], ...]] = {
    "id": (),
    "x": (("X", math.pi),),
    "y": (("Y", math.pi),),
    "z": (("Z", math.pi),),
    "s": (("Z", math.pi / 2),),
    "sdg": (("Z", -math.pi / 2),),
    "t": (("Z", math.pi / 4),),
    "tdg": (("Z", -math.pi / 4),),
    "sx": (("X", math.pi / 2),),
    "sxdg": (("X", -math.pi / 2),),
    "ecr": (("ZX", math.pi / 2), ("X", math.pi)),
}
#: The gate L with L P L^-1 = Z for each letter P.
_TO_Z = {"Z": None, "X": "h", "Y": "sx"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rotation:
    """exp(-i angle/2 sign P)."""

    #: (virtual qubit, letter) of P.
    letters: tuple[tuple[int, str], ...]
    sign: int
    #: Radians, or a ``Parameter`` of the circuit's angle table.
    angle: Any


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RotationForm:
    """A circuit as basis changes of |0...0>, rotations in order, and a measurement of Z up to flips."""

    num_qubits: int
    #: (virtual qubit, ``h`` or ``sx``), before the rotations.
    preparation: tuple[tuple[int, str], ...]
    rotations: tuple[Rotation, ...]
    #: Virtual qubit behind each classical bit, bit 0 first.
    measured: tuple[int, ...]
    #: Virtual qubits whose measured value is inverted.
    flipped: tuple[int, ...]


def rotation_form(circuit: ParsedCircuit) -> RotationForm | None:
    """Return the rotation form of a circuit, or None where it has none that measures single qubits.

    Gates without a known rotation (``u``, ``unitary`` ...) and Clifford parts that entangle the measurement have none.
    """
    frame = _Frame(len(circuit.used_qubits))
    for gate in circuit.gates:
        if not frame.apply(gate):
            return None
    readings = [frame.z[qubit] for qubit in circuit.measured]
    letters = [reading.letters() for reading in readings]
    if any(len(found) != 1 for found in letters) or len({found[0][0] for found in letters}) != len(letters):
        return None
    return _compacted(
        frame.rotations, [(found[0], reading.sign) for found, reading in zip(letters, readings, strict=True)]
    )


class _Frame:
    """The Cliffords so far, as what X and Z of each qubit were before them (Heisenberg picture)."""

    def __init__(self, num_qubits: int) -> None:
        self.x = [x_on(q) for q in range(num_qubits)]
        self.z = [z_on(q) for q in range(num_qubits)]
        self.rotations: list[tuple[Pauli, Any]] = []

    def apply(self, gate: Gate) -> bool:
        """Add a gate; False when it is not understood."""
        name, qubits = gate.name, gate.qubits
        if name in _ROTATIONS:
            self._rotate(_ROTATIONS[name], qubits, gate.params[0])
        elif name in _CONSTANTS:
            for letters, angle in _CONSTANTS[name]:
                self._rotate(letters, qubits, angle)
        elif name == "h":
            (a,) = qubits
            self.x[a], self.z[a] = self.z[a], self.x[a]
        elif name == "cz":
            a, b = qubits
            self.x[a], self.x[b] = self.x[a].times(self.z[b]), self.x[b].times(self.z[a])
        elif name == "cx":
            a, b = qubits
            self.x[a], self.z[b] = self.x[a].times(self.x[b]), self.z[a].times(self.z[b])
        elif name == "swap":
            a, b = qubits
            self.x[a], self.x[b], self.z[a], self.z[b] = self.x[b], self.x[a], self.z[b], self.z[a]
        else:
            return False
        return True

    def _image(self, letter: str, qubit: int) -> Pauli:
        if letter == "X":
            return self.x[qubit]
        return self.z[qubit] if letter == "Z" else self.x[qubit].times(self.z[qubit]).turned(1)

    def _rotate(self, letters: str, qubits: tuple[int, ...], angle: Any) -> None:
        axis = Pauli(0, 0, 0)
        for letter, qubit in zip(letters, qubits, strict=False):  # fewer letters: the rest is left alone
            axis = axis.times(self._image(letter, qubit))
        quarters = _quarters(angle)
        if quarters is None and isinstance(angle, (int, float)):
            angle += self._taken_back(axis)
            quarters = _quarters(angle)
        if quarters is None:
            self.rotations.append((axis, angle))
            return
        for images in (self.x, self.z):  # G^-1 Q G = Q (cos t - i sin t P) for Q that anticommutes with P
            for qubit in qubits:
                image = images[qubit]
                if image.commutes_with(axis) or quarters == 0:
                    continue
                images[qubit] = image.turned(2) if quarters == 2 else image.times(axis).turned(-quarters)

    def _taken_back(self, axis: Pauli) -> float:
        """Remove an earlier constant rotation about the same axis that can be moved here; return its angle.

        Transpilers split Clifford gates into pairs of odd angles around an entangler; together they are Clifford again.
        """
        for index in range(len(self.rotations) - 1, -1, -1):
            earlier, angle = self.rotations[index]
            if (earlier.x, earlier.z) == (axis.x, axis.z) and isinstance(angle, (int, float)):
                del self.rotations[index]
                return angle if earlier.k == axis.k else -angle
            if not earlier.commutes_with(axis):
                break
        return 0.0


def _quarters(angle: Any) -> int | None:
    """Return a constant angle as quarter turns 0..3, or None where it is not a multiple of pi/2."""
    if not isinstance(angle, (int, float)):
        return None
    turns = angle / (math.pi / 2)
    return round(turns) % 4 if abs(turns - round(turns)) <= CLIFFORD_TOLERANCE else None


def _compacted(rotations: list[tuple[Pauli, Any]], readings: list[tuple[tuple[int, str], int]]) -> RotationForm:
    """Choose each measured qubit's basis so that its reading is Z, and drop qubits that nothing touches."""
    basis = {qubit: _TO_Z[letter] for (qubit, letter), _ in readings}
    turned = [(_in_basis(axis, basis), angle) for axis, angle in rotations]
    touched = sorted({q for axis, _ in turned for q, _ in axis.letters()} | set(basis))
    place = {qubit: k for k, qubit in enumerate(touched)}
    return RotationForm(
        num_qubits=len(touched),
        preparation=tuple((place[q], gate) for q, gate in basis.items() if gate is not None),
        rotations=tuple(
            Rotation(letters=tuple((place[q], letter) for q, letter in axis.letters()), sign=axis.sign, angle=angle)
            for axis, angle in turned
        ),
        measured=tuple(place[qubit] for (qubit, _), _ in readings),
        flipped=tuple(place[qubit] for (qubit, _), sign in readings if sign < 0),
    )


def _in_basis(axis: Pauli, basis: dict[int, str | None]) -> Pauli:
    """Conjugate by h (X <-> Z, Y -> -Y) or sx (X -> X, Y -> Z, Z -> -Y) on each qubit that has one."""
    for qubit, letter in axis.letters():
        gate, bit = basis.get(qubit), 1 << qubit
        if gate == "h":
            axis = Pauli(
                axis.x ^ bit if letter != "Y" else axis.x,
                axis.z ^ bit if letter != "Y" else axis.z,
                (axis.k + 2 * (letter == "Y")) % 4,
            )
        elif gate == "sx" and letter != "X":  # Y = i X Z -> Z, and Z -> -Y = -i X Z
            axis = Pauli(axis.x ^ bit, axis.z, (axis.k - 1) % 4)
    return axis
