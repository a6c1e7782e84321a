"""What a person is told about calibrations: which there were, what differs between two, what the sensor would do.

Put questions here that change nothing; publishing snapshots is `calibrating`'s, acting on them `placing`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets.calibration.deciding import Action, decide
from hybrid_assets.calibration.diffing import diff, touched
from hybrid_assets.circuits.exposure import expected_successes
from hybrid_assets.errors import UsageError
from hybrid_assets.runner.recalibrating import latest_cells, overtaken
from hybrid_assets.runner.standing import Causes, rules_of, score_of, scores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybrid_assets.calibration.diffing import Change
    from hybrid_assets.model.circuits import CircuitFacts
    from hybrid_assets.model.placements import Placement
    from hybrid_assets.runner.project import Project
    from hybrid_assets.runner.recalibrating import Overtaken

#: Words for the calibration seen last, and for the one before it.
LATEST, PREVIOUS = "latest", "previous"
#: What is told first.
_URGENCY = {Action.MOVE: 0, Action.RECOMPILE: 1, Action.KEEP: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitDrift:
    """What two calibrations say of one compiled circuit of the latest night."""

    #: ``workload/instance/label``.
    name: str
    compile_key: str
    #: Expected success under the older and the newer calibration.
    score_before: float
    score_after: float
    #: How many of the changes touch it.
    num_changes: int

    @property
    def ratio(self) -> float | None:
        """Later score over earlier one; None where the earlier is 0."""
        return self.score_after / self.score_before if self.score_before > 0.0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two calibrations of one backend, side by side."""

    backend: str
    old_id: str
    new_id: str
    #: The largest first.
    changes: Sequence[Change]
    #: Names of the circuits that each change touches.
    touched: Sequence[tuple[str, ...]]
    #: Every circuit of the latest night, the one that lost most first.
    circuits: Sequence[CircuitDrift]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intention:
    """What would be done about one standing circuit."""

    placement: Placement
    #: Where the latest night uses it, as ``workload/instance/label``; empty: nowhere.
    names: Sequence[str]
    #: Expected success under the backend's present calibration.
    present_score: float
    #: Present score over the one it is held against; None where that is 0.
    ratio: float | None
    action: Action
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What the sensor would do about a backend now."""

    backend: str
    #: The calibration that is in force.
    calibration_id: str
    #: What asks for most first.
    intentions: Sequence[Intention]
    #: Partitions that would be compiled and executed anew, as far as they are affected, with the reasons.
    reruns: Sequence[Overtaken]


def snapshots(project: Project) -> Sequence[Mapping[str, Any]]:
    """Return the published rows of `calibration_snapshots`, by backend, the first seen first."""
    rows = project.warehouse.read_rows("calibration_snapshots")
    return sorted(rows, key=lambda row: (row["backend"], row["observed_at"], row["calibration_id"]))


def calibration_named(project: Project, backend: str, text: str) -> str:
    """Return the id that a person means by its first characters, `LATEST` or `PREVIOUS`.

    Raises:
        UsageError: It means none, or several.
    """
    history = project.calibrations.history(backend)
    if text in {LATEST, PREVIOUS}:
        back = 1 if text == LATEST else 2
        if len(history) < back:
            raise UsageError(
                f"There is no {text} calibration of {backend}: {len(history)} were seen. A night stores the one in "
                "force, and so does materializing calibration_snapshots."
            )
        return history[-back]
    found = [calibration_id for calibration_id in history if calibration_id.startswith(text)]
    if len(found) != 1:
        known = ", ".join(calibration_id[:12] for calibration_id in found or history[-5:]) or "none yet"
        what = f"{len(found)} calibrations" if found else "No calibration"
        raise UsageError(
            f"{what} of {backend} start{'' if found else 's'} with {text!r}. "
            f"{'They are' if found else 'The last ones are'}: {known}."
        )
    return found[0]


def compare_calibrations(project: Project, backend: str, old: str, new: str) -> Comparison:
    """Compare two stored calibrations, and what they mean for the compiled circuits of the latest night.

    Args:
        project: The project.
        backend: The backend.
        old: Id of the earlier one, in full.
        new: Id of the later one.

    Raises:
        ResultIntegrityError: One is not stored, or damaged.
    """
    before, after = project.calibrations.get(backend, old), project.calibrations.get(backend, new)
    changes = diff(before, after)
    facts = _latest_circuits(project, backend)
    hits = touched(changes, {name: one.exposure for name, one in facts.items()})
    counts = dict.fromkeys(facts, 0)
    for names in hits:
        for name in names:
            counts[name] += 1
    exposures = [one.exposure for one in facts.values()]
    drifts = [
        CircuitDrift(
            name=name,
            compile_key=one.compile_key,
            score_before=score_before,
            score_after=score_after,
            num_changes=counts[name],
        )
        for (name, one), score_before, score_after in zip(
            facts.items(), expected_successes(exposures, before), expected_successes(exposures, after), strict=True
        )
    ]
    drifts.sort(key=lambda drift: (1.0 if drift.ratio is None else drift.ratio, drift.name))
    return Comparison(backend=backend, old_id=old, new_id=new, changes=changes, touched=hits, circuits=drifts)


def outlook(project: Project, backend: str) -> Outlook:
    """Return what the sensor would do about a backend's circuits under its present calibration; nothing is done.

    Raises:
        ProviderError: The backend does not tell its calibration.
    """
    target, rules = project.provider(backend).target(), rules_of(project, backend)
    why = Causes(project, target)
    names: dict[str, list[str]] = {}
    for name, compile_key in _latest_keys(project, backend).items():
        names.setdefault(compile_key, []).append(name)
    found = []
    for placement, present in scores(project, backend, target):
        decision = decide(score_of(placement, present), rules)
        action = decision.action
        reason = decision.reason if action is Action.KEEP else why.reason(placement, decision)
        if action is not Action.KEEP and placement.calibration_id == target.calibration_id:
            action, reason = Action.KEEP, "It was decided about under this very calibration: nothing better was found."
        elif action is not Action.KEEP and placement.compile_key not in names:
            action, reason = Action.KEEP, "No circuit of the latest night is it: nothing is done before one is."
        found.append(
            Intention(
                placement=placement,
                names=tuple(names.get(placement.compile_key, ())),
                present_score=present,
                ratio=decision.ratio,
                action=action,
                reason=reason,
            )
        )
    found.sort(key=lambda one: (_URGENCY[one.action], 1.0 if one.ratio is None else one.ratio, one.names))
    return Outlook(
        backend=backend,
        calibration_id=target.calibration_id,
        intentions=found,
        reruns=list(overtaken(project, backend, target)),
    )


def _latest_keys(project: Project, backend: str) -> dict[str, str]:
    """Return the compile key of each circuit of each workload's latest night on a backend, by name."""
    found = {}
    for cell in latest_cells(project, backend, "compiled_circuits"):
        columns = ["instance", "label", "compile_key"]
        for row in project.warehouse.read_rows("compiled_circuits", columns=columns, **cell.partition):
            found[f"{cell.workload}/{row['instance']}/{row['label']}"] = row["compile_key"]
    return found


def _latest_circuits(project: Project, backend: str) -> dict[str, CircuitFacts]:
    """Return the facts of those circuits; one that is no longer in the cache is left out."""
    stored = {name: project.circuits.get(key) for name, key in _latest_keys(project, backend).items()}
    return {name: compiled.facts for name, compiled in stored.items() if compiled is not None}
