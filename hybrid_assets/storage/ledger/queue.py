"""Kernels in the ledger: putting in, finding, moving from state to state, counting.

Put statements on the table of kernels here. Whoever changes a state must report it to `count_moves`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from hybrid_assets.model.queue import KernelState, QueuedKernel
from hybrid_assets.storage.ledger import history
from hybrid_assets.storage.ledger.engines import insert_unless_known, upsert
from hybrid_assets.storage.ledger.rows import chunks, kernel_row
from hybrid_assets.storage.ledger.schema import KERNEL_COUNTS, KERNELS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from hybrid_assets.model.ledger import BatchProposal, KernelOutcome

#: Rows of one INSERT: 25 parameters each stay below SQLite's 32,766.
_INSERT_ROWS = 1000

#: Kernels looked at in the order of the queue before all whose wait is over are sorted: where so many become due
#: together that sorting takes long (80 ms for 460,000 on SQLite), enough of them are found among these.
NUM_PROBED = 20_000

_ORDER = (KERNELS.c.enqueued_at, KERNELS.c.kernel_id)


class Cell(NamedTuple):
    """What kernels are counted by."""

    backend: str
    night: str
    workload: str
    state: KernelState


def enqueue(connection: Connection, kernels: Sequence[QueuedKernel]) -> int:
    """Insert the unknown ones."""
    statement = insert_unless_known(connection, KERNELS).returning(KERNELS.c.kernel_id)
    num_new = 0
    for part in chunks(kernels, _INSERT_ROWS):
        rows: dict[str, QueuedKernel] = {}
        for kernel in part:
            rows.setdefault(kernel.kernel_id, kernel)
        new = connection.execute(statement, [kernel_row(kernel) for kernel in rows.values()]).scalars().all()
        _add(connection, Counter(cell_of(rows[kernel_id]) for kernel_id in new))
        num_new += len(new)
    return num_new


def ready(connection: Connection, backend: str, *, now: datetime, limit: int) -> list[QueuedKernel]:
    """Return what may be planned: what never waited, and what waited until now, each by the index that fits."""
    table = KERNELS.c
    mine = sa.and_(table.backend == backend, table.state == KernelState.READY)
    # All are None, and Postgres would not see otherwise that the index has them in order.
    unheld = sa.select(KERNELS).where(mine, table.not_before.is_(None)).order_by(table.not_before, *_ORDER)
    # Ordered by an expression: else SQLite goes through the queue in its order, past all that still wait.
    place = (sa.type_coerce(table.enqueued_at, sa.BigInteger) + 0, table.kernel_id)
    all_due = sa.select(table.kernel_id).where(mine, table.not_before <= now).order_by(*place).limit(limit)
    held = _chosen(connection, _first_due(mine, now=now, limit=limit))
    if len(held) < limit:
        held = _chosen(connection, all_due)
    found = {kernel.kernel_id: kernel for kernel in (*_read(connection, unheld.limit(limit)), *held)}
    return sorted(found.values(), key=_place)[:limit]


def hold(
    connection: Connection, kernel_ids: Sequence[str], *, not_before: datetime, error_class: str, error_message: str
) -> list[str]:
    """Let READY kernels wait."""
    held = _lock(connection, kernel_ids, states={KernelState.READY})
    _set(connection, held, not_before=not_before, error_class=error_class, error_message=error_message)
    return [kernel.kernel_id for kernel in held]


def requeue(connection: Connection, kernel_ids: Sequence[str], *, now: datetime, lost: bool) -> list[str]:
    """Send FAILED and CANCELLED kernels back, with ``lost`` DONE ones too."""
    states = {KernelState.FAILED, KernelState.CANCELLED} | ({KernelState.DONE} if lost else set())
    back = _lock(connection, kernel_ids, states=states)
    clean = dict.fromkeys(("not_before", "split_group", "error_class", "error_code", "error_message", "remedy"))
    _set(connection, back, state=KernelState.READY, failed_attempts=0, **clean)
    count_moves(connection, [(kernel, KernelState.READY) for kernel in back])
    history.tell_of_kernels(connection, "requeued", back, now)
    return [kernel.kernel_id for kernel in back]


def cancel(connection: Connection, kernel_ids: Sequence[str], *, now: datetime) -> list[str]:
    """Cancel READY kernels."""
    return _end_ready(connection, kernel_ids, "cancelled", now=now, state=KernelState.CANCELLED)


def refuse(connection: Connection, kernel_ids: Sequence[str], *, now: datetime, **why: Any) -> list[str]:
    """Fail READY kernels and say why."""
    return _end_ready(connection, kernel_ids, "refused", now=now, state=KernelState.FAILED, **why)


def find(
    connection: Connection,
    *,
    backend: str | None = None,
    kernel_ids: Collection[str] | None = None,
    night: str | None = None,
    workload: str | None = None,
    states: Collection[KernelState] | None = None,
) -> list[QueuedKernel]:
    """Return matching kernels in the queue's order."""
    statement = sa.select(KERNELS)
    for name, value in (("backend", backend), ("night", night), ("workload", workload)):
        if value is not None:
            statement = statement.where(KERNELS.c[name] == value)
    if states is not None:
        statement = statement.where(KERNELS.c.state.in_(list(states)))
    if kernel_ids is None:
        return _read(connection, statement.order_by(*_ORDER))
    found = [kernel for part in chunks(dict.fromkeys(kernel_ids)) for kernel in _named(connection, statement, part)]
    return sorted(found, key=_place)


def take(connection: Connection, proposal: BatchProposal, *, now: datetime) -> list[QueuedKernel] | None:
    """Lock the kernels of a proposal; return them in its order, or None when one of them may not be planned."""
    kernels = _lock(connection, proposal.kernel_ids, states={KernelState.READY})
    are_free = all(
        kernel.backend == proposal.backend and (kernel.not_before is None or kernel.not_before <= now)
        for kernel in kernels
    )
    return kernels if are_free and len(kernels) == len(proposal.kernel_ids) else None


def mark_batched(connection: Connection, kernels: Sequence[QueuedKernel], batch_id: str) -> None:
    """Move taken kernels into a batch."""
    clean = dict.fromkeys(("not_before", "error_class", "error_code", "error_message"))
    num_batches = KERNELS.c.num_batches + 1
    _set(connection, kernels, state=KernelState.BATCHED, batch_id=batch_id, num_batches=num_batches, **clean)
    count_moves(connection, [(kernel, KernelState.BATCHED) for kernel in kernels])


def settle(connection: Connection, batch_id: str, outcomes: Sequence[KernelOutcome]) -> None:
    """Move each kernel that is BATCHED in this batch to its outcome."""
    batched = _lock(connection, [outcome.kernel_id for outcome in outcomes], states={KernelState.BATCHED})
    mine = {kernel.kernel_id: kernel for kernel in batched if kernel.batch_id == batch_id}
    moves = [(mine[outcome.kernel_id], outcome) for outcome in outcomes if outcome.kernel_id in mine]
    if not moves:
        return
    names = ("state", "not_before", "error_class", "error_code", "error_message", "remedy")
    statement = (
        KERNELS.update()
        .where(KERNELS.c.kernel_id == sa.bindparam("which"))
        .values({name: sa.bindparam(f"new_{name}") for name in names})
        .values(
            split_group=sa.func.coalesce(sa.bindparam("new_split_group", type_=sa.Text), KERNELS.c.split_group),
            failed_attempts=KERNELS.c.failed_attempts + sa.bindparam("new_attempts"),
        )
    )
    rows = [
        {
            "which": kernel.kernel_id,
            "new_split_group": outcome.split_group,
            "new_attempts": int(outcome.counts),
        }
        | {f"new_{name}": getattr(outcome, name) for name in names}
        for kernel, outcome in moves
    ]
    connection.execute(statement, rows)
    count_moves(connection, [(kernel, outcome.state) for kernel, outcome in moves])


def cell_of(kernel: QueuedKernel) -> Cell:
    """Return where a kernel is counted."""
    return Cell(kernel.backend, kernel.night, kernel.workload, kernel.state)


def count_moves(connection: Connection, moves: Iterable[tuple[QueuedKernel, KernelState]]) -> None:
    """Count kernels, given as they were before, in their new states."""
    change: Counter[Cell] = Counter()
    for kernel, state in moves:
        before = cell_of(kernel)
        change[before] -= 1
        change[before._replace(state=state)] += 1
    _add(connection, change)


def counts(
    connection: Connection, *, backend: str | None, night: str | None, workload: str | None
) -> dict[KernelState, int]:
    """Return how many kernels are in each state; states without kernels are left out."""
    table = KERNEL_COUNTS.c
    total = sa.func.sum(table.num_kernels)
    statement = sa.select(table.state, total).group_by(table.state).having(total > 0).order_by(table.state)
    for name, value in (("backend", backend), ("night", night), ("workload", workload)):
        if value is not None:
            statement = statement.where(table[name] == value)
    return {state: int(number) for state, number in connection.execute(statement)}


def _end_ready(
    connection: Connection, kernel_ids: Sequence[str], kind: str, *, now: datetime, state: KernelState, **why: Any
) -> list[str]:
    ended = _lock(connection, kernel_ids, states={KernelState.READY})
    _set(connection, ended, state=state, **why)
    count_moves(connection, [(kernel, state) for kernel in ended])
    history.tell_of_kernels(connection, kind, ended, now)
    return [kernel.kernel_id for kernel in ended]


def _add(connection: Connection, change: Counter[Cell]) -> None:
    # In one order for everybody: two transactions can then not wait for each other.
    rows = [{**cell._asdict(), "num_kernels": by} for cell, by in sorted(change.items()) if by]
    if not rows:
        return
    statement = upsert(connection, KERNEL_COUNTS)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(KERNEL_COUNTS.primary_key.columns),
            set_={"num_kernels": KERNEL_COUNTS.c.num_kernels + statement.excluded.num_kernels},
        ),
        rows,
    )


def _first_due(mine: sa.ColumnElement[bool], *, now: datetime, limit: int) -> sa.Select[tuple[str]]:
    """Return the ids of kernels whose wait is over among the first of the queue that ever waited."""
    table = KERNELS.c
    first = (
        sa.select(table.kernel_id, table.enqueued_at, table.not_before)
        .where(mine, table.not_before.is_not(None))
        .order_by(*_ORDER)
        .limit(NUM_PROBED)
        .subquery()
    )
    due = sa.select(first.c.kernel_id).where(first.c.not_before <= now)
    return due.order_by(first.c.enqueued_at, first.c.kernel_id).limit(limit)


def _chosen(connection: Connection, ids: sa.Select[tuple[str]]) -> list[QueuedKernel]:
    """Read kernels by ids that an index alone gives; with any other condition SQLite would go through the queue."""
    return _read(connection, sa.select(KERNELS).where(KERNELS.c.kernel_id.in_(ids)))


def _place(kernel: QueuedKernel) -> tuple[datetime, str]:
    """Return a kernel's place in the queue, as `_ORDER`."""
    return kernel.enqueued_at, kernel.kernel_id


def _read(connection: Connection, statement: sa.Select[Any]) -> list[QueuedKernel]:
    return [QueuedKernel(**row) for row in connection.execute(statement).mappings()]


def _named(connection: Connection, statement: sa.Select[Any], kernel_ids: list[str]) -> list[QueuedKernel]:
    return _read(connection, statement.where(KERNELS.c.kernel_id.in_(kernel_ids)))


def _lock(connection: Connection, kernel_ids: Iterable[str], *, states: set[KernelState]) -> list[QueuedKernel]:
    """Return the named kernels that are in these states, in the order named; nobody else can change them now."""
    names = list(dict.fromkeys(kernel_ids))
    statement = sa.select(KERNELS).where(KERNELS.c.state.in_(sorted(states))).order_by(KERNELS.c.kernel_id)
    found = {
        kernel.kernel_id: kernel
        for part in chunks(sorted(names))
        for kernel in _named(connection, statement.with_for_update(), part)
    }
    return [found[name] for name in names if name in found]


def _set(connection: Connection, kernels: Iterable[QueuedKernel], **values: Any) -> None:
    for part in chunks(kernel.kernel_id for kernel in kernels):
        connection.execute(KERNELS.update().where(KERNELS.c.kernel_id.in_(part)).values(**values))
