"""Which compiled circuit stands for a template on a backend, and the calibration its results are made under.

Put the record here; when it changes is `calibration.deciding`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The standing decision about one template on one backend."""

    backend: str
    #: Compile key of the template under the backend's own options: what is placed.
    base_key: str
    #: Compile key of the circuit that stands for it now.
    compile_key: str
    #: Calibration that was in force when it was decided: part of the ids of its kernels.
    calibration_id: str
    #: Expected success of the circuit under that calibration: what later ones are held against.
    score: float
    decided_at: datetime
    #: ``new``, ``keep`` (the circuit that stood is the best still), ``relayout`` (it was moved), or where a compile won
    #: ``recompile``, or ``move`` where the one that stood could not run any more.
    action: str
    #: With figures, in one sentence.
    reason: str
