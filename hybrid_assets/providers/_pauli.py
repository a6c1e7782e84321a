"""Pauli operators as integers, for following a Clifford frame. Put the algebra here; keep circuits out.

A Pauli on any number of qubits is ``(x, z, k)`` and means i**k X**x Z**z with bit q of the masks x and z for qubit q.
"""

from __future__ import annotations

from typing import NamedTuple

#: Letter of (bit of x, bit of z).
_LETTERS = {(1, 0): "X", (1, 1): "Y", (0, 1): "Z"}


class Pauli(NamedTuple):
    """i**k X**x Z**z."""

    x: int
    z: int
    k: int

    def times(self, other: Pauli) -> Pauli:
        """Return the operator product, ``other`` acting first."""
        swaps = (self.z & other.x).bit_count()
        return Pauli(self.x ^ other.x, self.z ^ other.z, (self.k + other.k + 2 * swaps) % 4)

    def turned(self, quarters: int) -> Pauli:
        """Return i**quarters times this operator."""
        return Pauli(self.x, self.z, (self.k + quarters) % 4)

    def commutes_with(self, other: Pauli) -> bool:
        """Tell whether the two operators commute (otherwise they anticommute)."""
        return ((self.x & other.z).bit_count() + (self.z & other.x).bit_count()) % 2 == 0

    @property
    def sign(self) -> int:
        """+1 or -1 of a Hermitian Pauli, in front of the tensor product of its letters."""
        return 1 if (self.k - (self.x & self.z).bit_count()) % 4 == 0 else -1

    def letters(self) -> tuple[tuple[int, str], ...]:
        """Return (qubit, letter) of every factor, qubits in increasing order."""
        support = self.x | self.z
        return tuple(
            (q, _LETTERS[self.x >> q & 1, self.z >> q & 1]) for q in range(support.bit_length()) if support >> q & 1
        )


def x_on(qubit: int) -> Pauli:
    """Return X on one qubit."""
    return Pauli(1 << qubit, 0, 0)


def z_on(qubit: int) -> Pauli:
    """Return Z on one qubit."""
    return Pauli(0, 1 << qubit, 0)
