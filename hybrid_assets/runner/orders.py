"""What a partition of results has asked for while it is not published: the circuits and calibrations of its kernels.

A backend may be recalibrated while kernels wait. Made again under the new calibration they would be other kernels, and
be paid twice; so what was asked for first is kept until the partition is published. Put nothing else here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybrid_assets.runner.project import Project

#: Names of a partition's records: of the order under way, and of the last one that was published.
OPEN, CLOSED = "order", "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One partition of one backend's assets."""

    night: str
    workload: str
    backend: str

    @property
    def partition(self) -> dict[str, str]:
        """The cell as the warehouse names it."""
        return {"night": self.night, "workload": self.workload, "backend": self.backend}

    @property
    def name(self) -> str:
        """The cell with its night, as a key."""
        return f"{self.night}/{self}"

    def __str__(self) -> str:
        """Return ``workload/backend``, as messages name it."""
        return f"{self.workload}/{self.backend}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What the id of a kernel is made with."""

    compile_key: str
    calibration_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An unfinished partition."""

    cell: Cell
    #: In force when it was opened.
    calibration_id: str
    ordered_at: datetime
    #: When its inputs were read.
    inputs_at: datetime
    #: Kernels asked for so far, all rounds.
    kernel_ids: tuple[str, ...] = ()
    #: Circuit and calibration of every kernel asked for so far, by ``instance/label``.
    pins: Mapping[str, Pin] = field(default_factory=dict)
    #: Calibration under which another backend was asked in this one's place, by its name.
    elsewhere: Mapping[str, str] = field(default_factory=dict)


def open_order(
    project: Project, cell: Cell, *, calibration_id: str, now: datetime, inputs_at: datetime | None = None
) -> Order:
    """Return the cell's unfinished order, or begin one under the present calibration.

    Args:
        project: The project.
        cell: Whose.
        calibration_id: The present calibration.
        now: Time of a new order.
        inputs_at: When its inputs were read; by default when those of the cell's night were published.
    """
    record = project.orders.get(cell.night, _scope(cell), OPEN)
    if record:
        return _order(record)
    if inputs_at is not None:
        return Order(cell=cell, calibration_id=calibration_id, ordered_at=now, inputs_at=inputs_at)
    rows = project.warehouse.read_rows(
        "normalized_inputs", columns=["materialized_at"], night=cell.night, workload=cell.workload
    )
    inputs_at = min((row["materialized_at"] for row in rows), default=now)
    return Order(cell=cell, calibration_id=calibration_id, ordered_at=now, inputs_at=inputs_at)


def keep_order(project: Project, order: Order) -> None:
    """Store an order durably, before any of its kernels is enqueued."""
    record = {
        **order.cell.partition,
        "calibration_id": order.calibration_id,
        "ordered_at": order.ordered_at.isoformat(),
        "inputs_at": order.inputs_at.isoformat(),
        "kernel_ids": list(order.kernel_ids),
        "pins": {name: [pin.compile_key, pin.calibration_id] for name, pin in order.pins.items()},
        "elsewhere": dict(order.elsewhere),
    }
    project.orders.put(order.cell.night, _scope(order.cell), OPEN, record)


def close_order(project: Project, cell: Cell) -> None:
    """End an order whose partition is published; it is kept, so that it can be opened again as it was."""
    if record := project.orders.get(cell.night, _scope(cell), OPEN):
        project.orders.put(cell.night, _scope(cell), CLOSED, record)
    project.orders.remove(cell.night, _scope(cell), OPEN)


def reopen_order(project: Project, cell: Cell) -> Order | None:
    """Make a published partition unfinished again, under the calibration it was ordered with; None: it never was.

    Under the present calibration all its kernels would be others, and the sound ones would be paid again.
    """
    record = project.orders.get(cell.night, _scope(cell), OPEN)
    if record is None and (record := project.orders.get(cell.night, _scope(cell), CLOSED)) is not None:
        project.orders.put(cell.night, _scope(cell), OPEN, record)
    return _order(record) if record else None


def open_orders(project: Project) -> Sequence[Order]:
    """Return the unfinished orders of all nights."""
    return [_order(record) for record in project.orders.history("*", OPEN)]


def orders_of(project: Project, night: str) -> Sequence[Order]:
    """Return a night's orders, an unfinished one rather than the one that was published before it."""
    found = {}
    for record in project.orders.records(night):  # of one partition the closed one comes first
        found[record["workload"], record["backend"]] = _order(record)
    return list(found.values())


def _scope(cell: Cell) -> str:
    return f"{cell.workload}.{cell.backend}"


def _order(record: dict[str, Any]) -> Order:
    return Order(
        cell=Cell(**{name: record[name] for name in ("night", "workload", "backend")}),
        calibration_id=record["calibration_id"],
        ordered_at=datetime.fromisoformat(record["ordered_at"]),
        inputs_at=datetime.fromisoformat(record["inputs_at"]),
        kernel_ids=tuple(record["kernel_ids"]),
        pins={name: Pin(compile_key=key, calibration_id=own) for name, (key, own) in record["pins"].items()},
        elsewhere=record.get("elsewhere", {}),
    )
