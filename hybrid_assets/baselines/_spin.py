"""Problems in spins: x = (1 + s) / 2 with s in {-1, +1}. Put what is simpler in spins here; keep solving out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybrid_assets.baselines._measurement import magnitude
from hybrid_assets.scoring.local_search import coupling_matrix

if TYPE_CHECKING:
    from hybrid_assets.model.problem import BinaryQuadratic

#: Fields below this share of all coefficients are cancellation errors: MaxCut has none in exact arithmetic. Left in,
#: they hide the symmetry, and a temperature schedule made from the smallest coefficient freezes at once.
FIELD_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpinForm:
    """Maximize ``offset + fields . s + s . couplings s / 2`` over s in {-1, +1}^n."""

    offset: float
    #: Shape (n,).
    fields: np.ndarray
    #: Symmetric with a zero diagonal, shape (n, n).
    couplings: np.ndarray

    @property
    def is_symmetric(self) -> bool:
        """Whether flipping all spins changes nothing: there are no fields."""
        return not self.fields.any()


def spin_form(problem: BinaryQuadratic) -> SpinForm:
    """Rewrite a problem in spins, its cardinality left aside."""
    linear, matrix = np.asarray(problem.linear, dtype=float), coupling_matrix(problem)
    fields = linear / 2 + matrix.sum(axis=1) / 4
    fields[np.abs(fields) <= FIELD_TOLERANCE * magnitude(problem)] = 0.0
    offset = problem.offset + float(linear.sum()) / 2 + float(matrix.sum()) / 8
    return SpinForm(offset=offset, fields=fields, couplings=matrix / 4)
