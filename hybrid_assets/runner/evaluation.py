"""`hybrid_assets.evaluate`: an answer to one problem instance by a deadline, while the real job goes on.

Several ways to an answer are walked at once, each in a thread of its own, so that none can hold up the caller: the
backend itself, a speculative simulation, and what classical baselines have found already. Put the race and its end
here; the ways are in `answer_lanes`, what is asked is in `questions`, the order of the rungs in `control.fallback`.
"""

from __future__ import annotations

import math
import threading
import time
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.importing import import_for_good
from hybrid_assets.control.fallback import (
    SOURCE_BACKEND,
    SOURCE_FAILED,
    Available,
    FallbackStep,
    Rung,
    RungKind,
    Trouble,
    TroubleKind,
    next_rung,
)
from hybrid_assets.errors import UsageError
from hybrid_assets.model.answers import Answer
from hybrid_assets.runner.answer_lanes import Found, Lane, ask_backend, look_up_rivals, simulate_question
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.project import Project
from hybrid_assets.runner.questions import cell_of, question_of
from hybrid_assets.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.runner.orders import Cell

#: Who answers where the workload has no ladder: a day's old result is closer to the backend than a noise-free one.
LADDER = (
    Rung(kind=RungKind.CACHED, max_age_s=86_400.0),
    Rung(kind=RungKind.SIMULATION),
    Rung(kind=RungKind.CLASSICAL),
)


def evaluate(
    workload: str,
    instance: str | ProblemInstance,
    *,
    backend: str,
    deadline_s: float,
    options: Mapping[str, Any] | None = None,
    night: str | None = None,
    project: Project | None = None,
) -> Answer:
    """Answer a problem instance within ``deadline_s`` seconds, by the backend if it can, else by the fallback ladder.

    A stored result answers at once. Otherwise the instance's kernels (of the first round) are put into the backend's
    queue, in class production, and driven, while a simulation is started in case that is too slow. What the backend has
    not answered by the deadline stays in the ledger: the sensor, `hybrid-assets collect` or the next call go on with
    it, and the next call finds the result. Asking twice never buys twice.

    The first call in a process also imports SDKs and starts compile workers, some seconds that count like any others.

    Args:
        workload: Name of a workload in the settings.
        instance: Name of one of its inputs, or an instance of its kind.
        backend: Name of a backend in the settings.
        deadline_s: Longest time to wait, in seconds.
        options: Keys of the workload's section in `sweep.yaml` for this question alone, for example ``shots``.
        night: Night whose budgets pay; by default today's (UTC).
        project: An open project; by default that of the settings file, opened once a process.

    Raises:
        UsageError: Something of that name does not exist, or the deadline is not a positive number.
        ConfigurationError: The settings are wrong.
        ProblemError: The instance's input is refused.
        CapacityError: The instance is too large for any kernel.
    """
    began = time.monotonic()
    if not (isinstance(deadline_s, int | float) and 0 < deadline_s < math.inf):
        raise UsageError(f"deadline_s must be a positive number of seconds, not {deadline_s!r}.")
    opened = project or _opened(*_place())
    cell = cell_of(opened, workload=workload, backend=backend, night=night)
    race = Race(opened, cell, instance, options, began=began, deadline_s=deadline_s)
    return race.answer()


def _place() -> tuple[Path, Path]:
    settings = load_settings()
    return settings.file.resolve(), settings.home


@cache
def _opened(file: Path, home: Path) -> Project:
    del home  # part of the key: the environment may move it
    return Project.open(load_settings(file))


class Race:
    """All ways to an answer at once."""

    def __init__(
        self,
        project: Project,
        cell: Cell,
        instance: str | ProblemInstance,
        options: Mapping[str, Any] | None,
        *,
        began: float,
        deadline_s: float,
    ) -> None:
        """Start it; it goes on whether anybody waits or not, and ends by itself."""
        self._project, self._cell = project, cell
        self._began, self._deadline_s = began, deadline_s
        self._ladder: Sequence[Rung] = project.settings.ladder(cell.workload) or LADDER
        self._news = threading.Condition()
        self._instance = instance if isinstance(instance, str) else instance.name
        self._asked, self._real, self._cached, self._simulated, self._classical = (
            Lane(self._news, name) for name in ("question", "backend", "cached", "simulation", "classical")
        )
        self._asked.start(lambda: self._begin(instance, options))

    def _begin(self, instance: str | ProblemInstance, options: Mapping[str, Any] | None) -> None:
        """Read the instance and start the ways that need it."""
        import_for_good()
        question = question_of(self._project, self._cell, instance, options=options)
        until = utc_now() + timedelta(seconds=max(self._left_s(), 0.0))
        self._classical.start(lambda: look_up_rivals(question, self._classical))
        self._simulated.start(lambda: simulate_question(question, self._simulated, until=until))
        self._real.start(lambda: ask_backend(question, self._real, self._cached, until=until))

    def answer(self) -> Answer:
        """Wait for the best answer there is by the deadline, and not longer."""
        with self._news:
            while True:
                if self._real.found is not None:
                    return self._answer(self._real.found, source=SOURCE_BACKEND, reason=None)
                for lane in (self._asked, self._real, self._simulated, self._classical):
                    if lane.error is not None:
                        raise lane.error
                is_late = self._left_s() <= 0
                step = self._step(is_late=is_late)
                if is_late or (self._real.is_over and not self._is_worth_waiting(step)):
                    return self._answer(self._found_by(step.rung), source=step.source, reason=step.reason)
                self._news.wait(self._left_s())

    def _left_s(self) -> float:
        return self._began + self._deadline_s - time.monotonic()

    def _step(self, *, is_late: bool) -> FallbackStep:
        late = f"{self._cell.backend} has not answered by the deadline of {self._deadline_s:g} s"
        trouble = self._real.trouble or Trouble(kind=TroubleKind.OVERDUE, detail=late)
        tried = {rung.source: "there is no time to ask it" for rung in self._ladder if rung.backend is not None}
        for kind, lane in self._lanes().items():
            if lane.found is None:
                tried[kind.value] = "it was not ready by the deadline" if is_late and not lane.is_over else lane.why
        cached = self._cached.found
        age_s = (utc_now() - cached.executed_at).total_seconds() if cached and cached.executed_at else None
        return next_rung(
            self._ladder,
            trouble=trouble,
            backend=self._cell.backend,
            available=Available(cached_age_s=age_s, can_simulate=True, has_classical=True),
            tried=tried,
        )

    def _is_worth_waiting(self, step: FallbackStep) -> bool:
        """Tell whether a rung above the one that could answer now is still being asked."""
        above = self._ladder[: self._ladder.index(step.rung)] if step.rung is not None else self._ladder
        lanes = self._lanes()
        return any(rung.kind in lanes and not lanes[rung.kind].is_over for rung in above)

    def _lanes(self) -> Mapping[RungKind, Lane]:
        return {
            RungKind.CACHED: self._cached,
            RungKind.SIMULATION: self._simulated,
            RungKind.CLASSICAL: self._classical,
        }

    def _found_by(self, rung: Rung | None) -> Found | None:
        return None if rung is None else self._lanes()[rung.kind].found

    def _answer(self, found: Found | None, *, source: str, reason: str | None) -> Answer:
        trouble, executed_at = self._real.trouble, found.executed_at if found else None
        return Answer(
            workload=self._cell.workload,
            backend=self._cell.backend,
            instance=self._instance,
            value=found.value if found else None,
            best_value=found.best_value if found else None,
            method=found.method if found else None,
            source=source if found else SOURCE_FAILED,
            reason=reason,
            kernel_ids=self._real.kernel_ids,
            calibration_id=found.calibration_id if found else None,
            age_s=_age_s(executed_at),
            is_final=source == SOURCE_BACKEND or (trouble is not None and not trouble.may_still_answer),
            correlation_id=f"{self._cell.night}/{self._cell}/{self._instance}",
            took_s=time.monotonic() - self._began,
        )


def _age_s(executed_at: datetime | None) -> float | None:
    return max((utc_now() - executed_at).total_seconds(), 0.0) if executed_at else None
