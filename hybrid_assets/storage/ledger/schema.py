"""The ledger's tables as the present version has them.

Put tables, columns and indices here, and a step in `migrations` for every change. Columns bear the names of the
fields of the records in `model.queue`. Times are whole microseconds since 1970 UTC, so they sort, compare and travel
alike in every database.
"""

from __future__ import annotations

import sqlalchemy as sa

from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.queue import BreakerState, KernelState, Remedy, WorkClass
from hybrid_assets.storage.ledger.columns import TEXT, at, errors, number, seconds, serial, text, word

#: Version of the tables below. A change here needs a step in `migrations`.
VERSION = 2

METADATA = sa.MetaData()


KERNELS = sa.Table(
    "kernels",
    METADATA,
    text("kernel_id", key=True),
    *(text(name) for name in ("backend", "night", "workload", "instance", "label", "correlation_id", "team")),
    word("work_class", WorkClass),
    text("group"),
    *(number(name) for name in ("rows", "shots", "payload_bytes")),
    seconds("expected_s"),
    word("state", KernelState),
    at("enqueued_at"),
    at("inputs_at"),
    at("not_before", null=True),
    number("failed_attempts"),
    number("num_batches"),
    text("batch_id", null=True),
    text("split_group", null=True),
    *errors(),
    word("remedy", Remedy, null=True),
    # In the order in which the queue is read; not_before at its end, so that waiting kernels are passed over in it.
    sa.Index("kernels_queue", "backend", "state", "enqueued_at", "kernel_id", "not_before"),
    sa.Index("kernels_night", "night", "workload"),
)

#: How many kernels are in a state: counting a million of them takes too long for a status line.
KERNEL_COUNTS = sa.Table(
    "kernel_counts",
    METADATA,
    *(text(name, key=True) for name in ("backend", "night", "workload")),
    word("state", KernelState, key=True),
    number("num_kernels"),
)

BATCHES = sa.Table(
    "batches",
    METADATA,
    text("batch_id", key=True),
    text("backend"),
    # 0: not final; 1: final, to be searched for duplicates; 2: nobody needs to look again. Follows from the others.
    number("stage"),
    word("status", JobStatus),
    number("attempt"),
    text("request_id"),
    at("planned_at"),
    number("fence"),
    text("lease_owner", null=True),
    *(at(f"{name}_at", null=True) for name in ("sent", "submitted", "started", "finished", "next", "audited")),
    at("lease_until", null=True),
    text("provider_job_id", null=True),
    number("num_sends"),
    seconds("reserved_s"),
    seconds("billed_s"),
    *errors(),
    sa.Index("batches_stage", "backend", "stage", "planned_at", "batch_id"),
)


def _batch_id(*, key: bool = False) -> sa.Column[str]:
    return sa.Column("batch_id", TEXT, sa.ForeignKey("batches.batch_id"), primary_key=key, nullable=False)


#: One row for every attempt at a kernel: the batches it was ever in.
BATCH_KERNELS = sa.Table(
    "batch_kernels",
    METADATA,
    _batch_id(key=True),
    number("position", key=True),
    sa.Column("kernel_id", TEXT, sa.ForeignKey("kernels.kernel_id"), nullable=False, index=True),
)

RESERVATIONS = sa.Table(
    "reservations",
    METADATA,
    _batch_id(key=True),
    number("position", key=True),
    sa.Column("budget_id", TEXT, sa.ForeignKey("budgets.budget_id"), nullable=False),
    seconds("reserved_s"),
)

#: One row for every submission that was about to leave.
SENDS = sa.Table(
    "sends",
    METADATA,
    serial(),
    _batch_id(),
    text("backend"),
    number("fence"),
    at("sent_at"),
    sa.Index("sends_backend", "backend", "sent_at"),
)

BREAKERS = sa.Table(
    "breakers",
    METADATA,
    text("backend", key=True),
    word("state", BreakerState),
    number("consecutive_failures"),
    *(at(name, null=True) for name in ("opened_at", "retry_at", "probe_at")),
    text("probe_batch_id", null=True),
    text("reason", null=True),
)

BUDGETS = sa.Table(
    "budgets",
    METADATA,
    *(text(name, key=name == "budget_id") for name in ("budget_id", "team", "window")),
    *(seconds(name) for name in ("limit_s", "reserved_s", "spent_s")),
)

DECISIONS = sa.Table(
    "decisions",
    METADATA,
    serial(),
    at("decided_at"),
    text("backend"),
    text("batch_id", null=True),
    number("size"),
    number("limit", null=True),
    text("reason"),
    sa.Index("decisions_backend", "backend"),
)

DUPLICATES = sa.Table(
    "duplicates",
    METADATA,
    serial(),
    _batch_id(),
    text("backend"),
    text("provider_job_id"),
    word("status", JobStatus),
    seconds("billed_s"),
    at("found_at"),
    sa.UniqueConstraint("provider_job_id"),
)

EVENTS = sa.Table(
    "events",
    METADATA,
    serial(),
    at("at"),
    text("backend"),
    text("batch_id", null=True),
    text("kind"),
    text("text"),
    sa.Index("events_backend", "backend", "kind"),
)

SCHEMA_VERSION = sa.Table("schema_version", METADATA, number("version", key=True))
