"""The ledger's tables as the present version has them.

Put tables, columns and indices here, and a step in `migrations` for every change. Columns bear the names of the
fields of the records in `model.queue`. Times are whole microseconds since 1970 UTC, so they sort, compare and travel
alike in every database.
"""

from __future__ import annotations

import sqlalchemy as sa

from hybrid_assets.model.gates import GateDecision
from hybrid_assets.model.jobs import JobStatus
from hybrid_assets.model.queue import BreakerState, BudgetUnit, KernelState, Remedy, WorkClass
from hybrid_assets.storage.ledger.columns import TEXT, amount, at, errors, number, seconds, serial, text, texts, word

#: Version of the tables below. A change here needs a step in `migrations`.
VERSION = 5

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
    amount("expected_money", null=True),
    # Kernels that never waited are together and in the queue's order, before or after those that wait by their time.
    sa.Index("kernels_queue", "backend", "state", "not_before", "enqueued_at", "kernel_id"),
    sa.Index("kernels_night", "night", "workload"),
)

# Those that wait, or waited, in the queue's order: for when very many of them become due together.
_HAS_WAITED = KERNELS.c.not_before.is_not(None)
sa.Index(
    "kernels_held",
    *(KERNELS.c[name] for name in ("backend", "state", "enqueued_at", "kernel_id", "not_before")),
    sqlite_where=_HAS_WAITED,
    postgresql_where=_HAS_WAITED,
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
    amount("price_per_s"),
    amount("reserved_money"),
    amount("billed_money", null=True),
    sa.Index("batches_stage", "backend", "stage", "planned_at", "batch_id"),
    sa.Index("batches_finished", "backend", "finished_at", "batch_id"),
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

#: What kinds of kernels a batch holds and what they count in fair shares: going through the kernels takes too long.
BATCH_SHARES = sa.Table(
    "batch_shares",
    METADATA,
    _batch_id(key=True),
    *(text(name, key=True) for name in ("night", "workload", "team")),
    word("work_class", WorkClass, key=True),
    amount("share"),
    sa.Index("batch_shares_night", "night", "workload", "batch_id"),
    sa.Index("batch_shares_workload", "workload", "batch_id"),
)

RESERVATIONS = sa.Table(
    "reservations",
    METADATA,
    _batch_id(key=True),
    number("position", key=True),
    sa.Column("budget_id", TEXT, sa.ForeignKey("budgets.budget_id"), nullable=False),
    amount("amount"),
    word("unit", BudgetUnit),
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
    *(amount(name) for name in ("limit", "reserved", "spent")),
    word("unit", BudgetUnit),
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
# Only rows of waiting kernels: their reasons are short.
_IS_WAIT = DECISIONS.c.batch_id.is_(None)
sa.Index(
    "decisions_waits", DECISIONS.c.backend, DECISIONS.c.reason, DECISIONS.c.serial,
    sqlite_where=_IS_WAIT, postgresql_where=_IS_WAIT,
)  # fmt: skip

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
    amount("billed_money", null=True),
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

APPROVALS = sa.Table(
    "approvals",
    METADATA,
    serial(),
    *(text(name) for name in ("night", "workload", "plan_hash")),
    word("decision", GateDecision),
    *(text(name) for name in ("signer", "reason")),
    at("decided_at"),
    at("expires_at", null=True),
    texts("parts"),
    sa.Index("approvals_plan", "night", "workload", "plan_hash"),
)

#: Which compiled circuit stands for a template on a backend, and since which calibration.
PLACEMENTS = sa.Table(
    "placements",
    METADATA,
    text("backend", key=True),
    text("base_key", key=True),
    *(text(name) for name in ("compile_key", "calibration_id")),
    amount("score"),
    at("decided_at"),
    *(text(name) for name in ("action", "reason")),
)

SCHEMA_VERSION = sa.Table("schema_version", METADATA, number("version", key=True))
