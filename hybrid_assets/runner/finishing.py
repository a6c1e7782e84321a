"""Going on with unfinished partitions until they are finished or the time is over: what `collect` does.

Put the loop here. Materializing is passed in, for only the edge may know Dagster.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from hybrid_assets.errors import ApprovalRequiredError, BudgetExceededError, ProviderError
from hybrid_assets.model.queue import BreakerState
from hybrid_assets.runner.collecting import JOINING, collect, progress, uncompared
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.executing import pending_sentence
from hybrid_assets.runner.orders import open_orders
from hybrid_assets.runner.queueing import moves_at, unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from hybrid_assets.model.queue import QueuedKernel
    from hybrid_assets.runner.collecting import Progress
    from hybrid_assets.runner.orders import Cell
    from hybrid_assets.runner.project import Project

#: Longest time in which one backend is driven while others wait for their turn.
SLICE_S = 2.0
#: Even who does not want to wait sends what can be sent and takes home what is there.
LEAST_WAIT_S = 1.0
#: Pause between two rounds in which nothing was left to do.
PAUSE_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Materialized:
    """How the materialization of a night's assets ended."""

    published: Sequence[str]
    failures: Sequence[str]
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is gone on with; empty means all."""

    nights: Sequence[str] = ()
    backends: Sequence[str] = ()

    def holds(self, cell: Cell) -> bool:
        """Tell whether a partition is meant."""
        return (not self.nights or cell.night in self.nights) and (not self.backends or cell.backend in self.backends)


@dataclass(slots=True, kw_only=True)
class Collected:
    """What was finished, and what was not and why."""

    #: Asset keys with their night, ``2026-11-20 maxcut/aer/quantum_results``.
    published: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    #: One sentence a partition that still waits.
    waiting: list[str] = field(default_factory=list)
    #: One sentence a backend that could not be asked or takes no jobs.
    troubles: list[str] = field(default_factory=list)
    exit_code: int = 0


def finish(
    project: Project,
    *,
    scope: Scope,
    wait_s: float,
    materialize: Callable[[str, Sequence[tuple[str, ...]]], Materialized],
) -> Collected:
    """Drive backends and publish every partition whose kernels are over, round after round.

    Args:
        project: The project.
        scope: Which partitions and backends.
        wait_s: Seconds to wait for jobs in all; it ends earlier when nothing is left, or nothing can move by then.
        materialize: Publishes assets of a night.
    """
    this = _Collecting(project=project, scope=scope, materialize=materialize)
    until = utc_now() + timedelta(seconds=max(wait_s, LEAST_WAIT_S))
    this.publish_left_behind()
    while True:
        this.drive(until)
        progressed = this.publish_finished()
        if progressed:
            continue
        if utc_now() >= until or not this.can_move_before(until):
            break
        time.sleep(PAUSE_S)
    this.decide_without()
    return this.close()


@dataclass(slots=True, kw_only=True)
class _Collecting:
    project: Project
    scope: Scope
    materialize: Callable[[str, Sequence[tuple[str, ...]]], Materialized]
    found: Collected = field(default_factory=Collected)
    #: Orders that were tried, so that one which stays unfinished is not tried for ever.
    tried: set[str] = field(default_factory=set)
    troubles: dict[str, None] = field(default_factory=dict)

    def drive(self, until: datetime) -> None:
        left_s = (until - utc_now()).total_seconds()
        backends = self.scope.backends or tuple(self.project.settings.backends)
        self.troubles = dict.fromkeys(
            collect(self.project, wait_s=min(max(left_s, 0.0), SLICE_S), backends=backends) if left_s > 0 else ()
        )

    def publish_left_behind(self) -> None:
        """Compare results that were published by a process which died before it compared them."""
        for cell in uncompared(self.project):
            if self.scope.holds(cell):
                self._materialize(cell.night, list(self._keys(cell))[1:])

    def publish_finished(self) -> bool:
        """Publish what can be; tell whether there was anything."""
        ready: dict[str, list[Cell]] = defaultdict(list)
        for one in self._unfinished():
            attempt = f"{one.order_id} {'late' if one.is_late else 'over'}"
            if (one.is_late or not one.num_waiting) and attempt not in self.tried:
                self.tried.add(attempt)
                ready[one.cell.night].append(one.cell)
        for night, cells in sorted(ready.items()):
            self._materialize(night, [key for cell in cells for key in self._keys(cell)])
        return bool(ready)

    def decide_without(self) -> None:
        """Decide where some backends have answered and others still wait, unless that is done."""
        cells: dict[tuple[str, str], None] = {(one.cell.night, one.cell.workload): None for one in self._unfinished()}
        for night, workload in cells:
            partition = {"night": night, "workload": workload}
            is_decided = self.project.warehouse.published("decisions", **partition)
            if not is_decided and self._answered(night, workload):
                self._materialize(night, [(workload, "decisions")])

    def can_move_before(self, until: datetime) -> bool:
        waiting: dict[str, list[QueuedKernel]] = defaultdict(list)
        for order in open_orders(self.project):
            if self.scope.holds(order.cell):
                waiting[order.cell.backend] += unfinished(self.project, order.kernel_ids)
        return any(
            kernels and backend in self.project.settings.backends and moves_at(self.project, backend, kernels) < until
            for backend, kernels in waiting.items()
        )

    def close(self) -> Collected:
        """Say what still waits, and with which exit code that ends."""
        kernels: list[QueuedKernel] = []
        codes: set[int] = set()
        for order in open_orders(self.project):
            if not self.scope.holds(order.cell):
                continue
            if waiting := unfinished(self.project, order.kernel_ids):
                kernels += waiting
                self.found.waiting.append(f"{order.cell.night} {pending_sentence(order.cell, waiting)}")
            elif said := self.project.pending.get(order.cell.name):
                codes.add(said[0])
                self.found.waiting.append(f"{order.cell.night} {said[1]}")
        self.found.troubles = [*self.troubles, *self._closed({kernel.backend for kernel in kernels})]
        self.found.exit_code = self.found.exit_code or self._code(kernels, codes)
        return self.found

    def _code(self, kernels: Sequence[QueuedKernel], codes: set[int]) -> int:
        if kernels and self.found.troubles:
            return ProviderError.exit_code
        if ApprovalRequiredError.exit_code in codes:
            return ApprovalRequiredError.exit_code
        is_broke = kernels and all(kernel.error_class == BudgetExceededError.__name__ for kernel in kernels)
        return BudgetExceededError.exit_code if is_broke else 0

    def _closed(self, backends: set[str]) -> Iterator[str]:
        """Yield why backends that kernels wait for let nothing through."""
        for backend in sorted(backends):
            breaker = self.project.ledger.breaker(backend)
            if breaker.state is BreakerState.OPEN:
                how = f"until {breaker.retry_at:%H:%M:%S} UTC" if breaker.retry_at else "until it is closed by hand"
                yield (
                    f"{backend}: its breaker is open {how}: {(breaker.reason or 'no reason is known').rstrip('.')}. "
                    f"`hybrid-assets resume {backend}` closes it at once."
                )

    def _unfinished(self) -> list[Progress]:
        return [one for one in progress(self.project) if self.scope.holds(one.cell)]

    def _keys(self, cell: Cell) -> Iterator[tuple[str, ...]]:
        """Yield the assets that follow from a cell's kernels; those whose other inputs lack are left to `run`."""
        yield (cell.workload, cell.backend, "quantum_results")
        if self.project.warehouse.published("classical_baselines", night=cell.night, workload=cell.workload):
            yield (cell.workload, cell.backend, "comparisons")
            yield (cell.workload, "decisions")

    def _answered(self, night: str, workload: str) -> bool:
        return any(
            self.project.warehouse.published("comparisons", night=night, workload=workload, backend=backend)
            for backend in self.project.settings.backends_of(workload)
        )

    def _materialize(self, night: str, keys: Sequence[tuple[str, ...]]) -> None:
        ended = self.materialize(night, list(dict.fromkeys([*keys, *(tuple(key.split("/")) for key in JOINING)])))
        self.found.published += [f"{night} {key}" for key in ended.published]
        self.found.failures += [f"{night} {sentence}" for sentence in ended.failures]
        self.found.exit_code = max(self.found.exit_code, ended.exit_code)
