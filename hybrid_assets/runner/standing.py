"""How the circuits that stand do under a calibration: their scores, and whether and why one is decided about anew.

Put what is asked of standing circuits here, nothing that changes one: that is `placing`. The rule is
`calibration.deciding`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid_assets.calibration.deciding import Action, CalibrationRules, CircuitScore, decide
from hybrid_assets.calibration.diffing import cause, diff
from hybrid_assets.circuits.exposure import expected_successes
from hybrid_assets.errors import ResultIntegrityError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybrid_assets.calibration.deciding import Decision
    from hybrid_assets.calibration.diffing import Change
    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.placements import Placement
    from hybrid_assets.runner.project import Project


def rules_of(project: Project, backend: str) -> CalibrationRules:
    """Return the thresholds of a backend."""
    common = project.backend(backend)
    return CalibrationRules(keep_ratio=common.keep_ratio, seeds=common.recompile_seeds)


def scores(project: Project, backend: str, target: TargetDocument) -> Sequence[tuple[Placement, float]]:
    """Return every standing circuit of a backend that is still stored, with its expected success under a target."""
    newest = {p.compile_key: p for p in sorted(project.ledger.placements(backend), key=lambda p: p.decided_at)}
    found = [(p, project.circuits.get(p.compile_key)) for p in newest.values()]
    stored = [(placement, compiled.facts) for placement, compiled in found if compiled is not None]
    present = expected_successes([facts.exposure for _, facts in stored], target)
    return [(placement, score) for (placement, _), score in zip(stored, present, strict=True)]


def score_of(placement: Placement, present: float) -> CircuitScore:
    """Return what is decided about."""
    return CircuitScore(
        compile_key=placement.compile_key,
        base_score=placement.score,
        present_score=present,
        uses_faulty=present == 0.0,
    )


def overtaking(
    placement: Placement, present: float, *, rules: CalibrationRules, target: TargetDocument
) -> Decision | None:
    """Return the decision to act upon a circuit; None while it stands, or was decided under this very calibration."""
    decision = decide(score_of(placement, present), rules)
    is_settled = decision.action is Action.KEEP or placement.calibration_id == target.calibration_id
    return None if is_settled else decision


class Causes:
    """What changed most for circuits since they were decided about; each earlier calibration is read once."""

    def __init__(self, project: Project, target: TargetDocument) -> None:
        """Ask about a backend's present target."""
        self._project, self._target = project, target
        self._changes: dict[str, Sequence[Change]] = {}

    def reason(self, placement: Placement, decision: Decision) -> str:
        """Return why a circuit is decided about anew, with what caused it as far as that is still stored."""
        return f"{decision.reason} {self._cause(placement)}".rstrip()

    def _cause(self, placement: Placement) -> str:
        if placement.calibration_id not in self._changes:
            self._changes[placement.calibration_id] = self._since(placement)
        compiled = self._project.circuits.get(placement.compile_key)
        return cause(self._changes[placement.calibration_id], compiled.facts.exposure) if compiled else ""

    def _since(self, placement: Placement) -> Sequence[Change]:
        try:
            before = self._project.calibrations.get(placement.backend, placement.calibration_id)
        except ResultIntegrityError:
            return ()
        return diff(before, self._target)
