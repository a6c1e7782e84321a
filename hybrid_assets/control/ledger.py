"""The contract of the ledger: named atomic operations on kernels, batches, breakers and budgets.

Put operations that the control plane needs here; how they are stored is `storage`'s, arithmetic both share is in
`control.breaker`, `control.budgets` and `control.waits`.

Every operation is one transaction: all of it or nothing, isolated from the others. No provider is called inside one.
No operation reads a clock: ``now`` is passed in and aware. Every write after a claim carries a `Lease`; a write whose
fence is not the batch's present fence changes nothing and answers None: stop then, somebody else has taken over. A
write with the right fence is done even when the lease's time is over (nobody has claimed the batch yet), and it sets
the lease's end to ``lease.until``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hybrid_assets.model.queue import BudgetUnit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from hybrid_assets.model.gates import Approval
    from hybrid_assets.model.jobs import JobStatus
    from hybrid_assets.model.ledger import BatchEnding, BatchProposal, BreakerRule, Lease, PostRate, Refusal
    from hybrid_assets.model.queue import (
        BatchDecision,
        BatchRecord,
        Breaker,
        BreakerState,
        Budget,
        DuplicateJob,
        KernelState,
        LedgerEvent,
        QueuedKernel,
        Remedy,
        WorkClass,
    )


class JobLedger(Protocol):
    """What is wanted, what is on its way, what it costs; shared by all processes. See the module for the rules."""

    # --- kernels

    def enqueue(self, kernels: Sequence[QueuedKernel]) -> int:
        """Insert the kernels whose id is unknown; known ones stay exactly as they are.

        Returns:
            How many were new.
        """

    def ready(self, backend: str, *, now: datetime, limit: int) -> Sequence[QueuedKernel]:
        """Return READY kernels of a backend with ``not_before`` None or <= now, by (enqueued_at, kernel_id)."""

    def hold(
        self, kernel_ids: Sequence[str], *, not_before: datetime, error_class: str, error_message: str
    ) -> Sequence[str]:
        """Let READY kernels wait until ``not_before`` and say why; others are left alone.

        Returns:
            The ids that were held.
        """

    def requeue(self, kernel_ids: Sequence[str], *, now: datetime, lost: bool = False) -> Sequence[str]:
        """Send FAILED or CANCELLED kernels back to READY with no attempts, split group, wait or error left.

        Args:
            kernel_ids: Which.
            now: When.
            lost: Send DONE kernels back too: their stored results were damaged and have to be bought again.

        Returns:
            The ids that were sent back. One event (kind ``requeued``) a backend.
        """

    def cancel_kernels(self, kernel_ids: Sequence[str], *, now: datetime) -> Sequence[str]:
        """Turn READY kernels into CANCELLED; those in a batch are left to its end.

        Returns:
            The ids that were cancelled. One event (kind ``cancelled``) a backend.
        """

    def refuse_kernels(
        self, kernel_ids: Sequence[str], *, error_class: str, error_message: str, remedy: Remedy | None, now: datetime
    ) -> Sequence[str]:
        """Turn READY kernels into FAILED before anything was sent, with error_class, error_message and remedy.

        Returns:
            The ids that were refused. One event (kind ``refused``) a backend.
        """

    def kernels(
        self,
        *,
        backend: str | None = None,
        kernel_ids: Collection[str] | None = None,
        night: str | None = None,
        workload: str | None = None,
        states: Collection[KernelState] | None = None,
    ) -> Sequence[QueuedKernel]:
        """Return kernels that match every filter given, by (enqueued_at, kernel_id)."""

    # --- batches

    def plan_batch(
        self, proposal: BatchProposal, *, slots: int, rule: BreakerRule, owner: str, lease_s: float, now: datetime
    ) -> BatchRecord | Refusal:
        """Make a batch, or refuse and write nothing. Checked in this order, all inside the transaction.

        1. every kernel is known, of this backend, READY, and its ``not_before`` is None or <= now: else NOT_READY;
        2. batches of the backend whose status is not final are fewer than ``slots``: else NO_SLOT;
        3. `control.breaker.admit` lets it through: else BREAKER_OPEN with the breaker's ``retry_at``;
        4. `control.budgets.lack` finds that every reservation's budget exists, is of its unit and has room for its
           ``amount``: else OVER_BUDGET, the budget named in the detail.

        Then it inserts the batch (id by `batch_identity` of the kernels as stored, attempt = most ``failed_attempts``
        among them, request id by `request_identity`; PLANNED, fence 1, leased to ``owner`` until now + lease_s), adds
        the reservations to their budgets, stores the breaker `admit` returned, marks the kernels BATCHED (batch_id
        set, num_batches + 1, not_before, error_class, error_code and error_message None), and writes the decision row.
        """

    def claim(self, backend: str, *, owner: str, now: datetime, lease_s: float, limit: int) -> Sequence[BatchRecord]:
        """Take over batches that need somebody: fence + 1, leased to ``owner`` until now + lease_s.

        Eligible: not final, or final with ``sent_at`` set and ``audited_at`` None; and ``lease_until`` None or <= now;
        and ``next_at`` None or <= now. Not final first, then by (planned_at, batch_id). The same owner gets no
        exception: its own live lease is not claimable either.
        """

    def renew(self, lease: Lease) -> BatchRecord | None:
        """Extend the lease, change nothing else."""

    def release(self, lease: Lease, *, next_at: datetime) -> BatchRecord | None:
        """Give the lease up (owner and until None); nobody needs to look before ``next_at``."""

    def record_intent(
        self, lease: Lease, *, now: datetime, rule: BreakerRule, rate: PostRate | None
    ) -> BatchRecord | Refusal | None:
        """Write, before it leaves, that a submission is about to leave: SUBMITTING, sent_at = now, num_sends + 1.

        Refused, with nothing but the lease changed:
        BREAKER_OPEN: the breaker is open, or half open for the probe of another batch (`control.breaker.passes`).
        RATE_LIMIT: ``rate.limit`` intents of this backend, of all its batches, have sent_at > now - window_s;
        ``retry_at`` is when the oldest of the last ``limit`` of them leaves the window.
        Refused also, as None, when the batch is final or has a ``provider_job_id``.
        """

    def record_job(
        self,
        lease: Lease,
        *,
        provider_job_id: str,
        submitted_at: datetime,
        adopted: bool,
        rule: BreakerRule,
        now: datetime,
    ) -> BatchRecord | None:
        """Write the provider's job: QUEUED, provider_job_id, submitted_at; breaker gets the signal ACCEPTED.

        None when the batch is final or has another ``provider_job_id``. Event ``submitted`` (or ``adopted``).
        """

    def record_unknown(self, lease: Lease, *, message: str, now: datetime) -> BatchRecord | None:
        """Write that the answer to a submission was lost: UNKNOWN. Event ``unknown``. None when final."""

    def record_status(
        self, lease: Lease, *, status: JobStatus, started_at: datetime | None, now: datetime
    ) -> BatchRecord | None:
        """Write what the provider tells of a running job: QUEUED or RUNNING. None when final."""

    def finish_batch(
        self, lease: Lease, *, ending: BatchEnding, rule: BreakerRule, now: datetime
    ) -> BatchRecord | None:
        """End a batch, once: None when it is final already.

        Writes status, bill, started_at, finished_at (``now`` where the ending has none), error fields; frees the lease
        (owner and until None) and sets ``next_at`` = ``ending.audit_at``; ``audited_at`` = now where nothing was
        ever sent or ``ending.audit_at`` is None, unless it was audited before. Each reservation is taken off its
        budget, and `control.budgets.charges` are added to what is spent. Each outcome moves its kernel, if that is
        BATCHED in this batch: state, not_before, error fields and remedy as in the outcome, split_group where the
        outcome has one, failed_attempts + 1 where it ``counts``. The breaker gets ``ending.signal`` and
        ``ending.retry_at``. Event ``finished``.
        """

    def record_audit(self, lease: Lease, *, duplicates: Sequence[DuplicateJob], now: datetime) -> BatchRecord | None:
        """Write that a late enough listing was searched: audited_at = now, one row a duplicate (by provider_job_id).

        What duplicates cost is added to the budgets by `control.budgets.charges`. The lease of a final batch is freed.
        None, with nothing written, when audited before. Event ``duplicate`` for each.
        """

    def batches(
        self,
        *,
        backend: str | None = None,
        batch_ids: Collection[str] | None = None,
        night: str | None = None,
        workload: str | None = None,
        active_only: bool = False,
    ) -> Sequence[BatchRecord]:
        """Return batches that match every filter given, by (planned_at, batch_id).

        Args:
            backend: Its batches only.
            batch_ids: These only.
            night: Batches that hold, or held, a kernel of this night; with ``workload`` the same kernel is of both.
            workload: Batches that hold, or held, a kernel of this workload.
            active_only: Those whose status is not final.
        """

    def finished(self, backend: str, *, since: datetime) -> Sequence[BatchRecord]:
        """Return a backend's final batches with ``finished_at`` >= since, by (finished_at, batch_id)."""

    def served(self, backend: str, *, since: datetime) -> Mapping[tuple[WorkClass, str], float]:
        """Return the `QueuedKernel.share` of each (class, team)'s kernels that the backend has served or is serving.

        Counted are kernels of batches that are not final, and of batches with ``finished_at`` >= since that SUCCEEDED
        or were billed anything; a kernel that was in two such batches counts twice. Who has none is not named.
        """

    # --- backends and money

    def breaker(self, backend: str) -> Breaker:
        """Return a backend's breaker; closed while nothing is known of it."""

    def set_breaker(
        self, backend: str, *, state: BreakerState, reason: str, retry_at: datetime | None, now: datetime
    ) -> Breaker:
        """Open (with ``retry_at`` None: until a person closes it) or close a breaker by hand. Event ``breaker``."""

    def set_budget(
        self, budget_id: str, *, team: str, window: str, limit: float, unit: BudgetUnit = BudgetUnit.QPU_S
    ) -> Budget:
        """Make a budget or change its limit; what is reserved and spent stays.

        Raises:
            ConfigurationError: It is known with another unit, in which batches have set aside already.
        """

    def budgets(self, *, team: str | None = None) -> Sequence[Budget]:
        """Return budgets by budget_id."""

    # --- what persons said

    def record_approval(self, approval: Approval) -> None:
        """Add what a person said about a plan; nothing written before is changed."""

    def approvals(
        self, *, night: str | None = None, workload: str | None = None, plan_hash: str | None = None
    ) -> Sequence[Approval]:
        """Return approvals that match every filter given, in order of writing, expired ones too."""

    # --- history

    def record_waits(self, decisions: Sequence[BatchDecision]) -> int:
        """Add rows that say why kernels wait (``batch_id`` is None), one after the other.

        A row is skipped when the newest such row of its backend with the same reason was decided less than a minute
        before, or says the same (size, limit) and was decided less than an hour before (`control.waits`).

        Returns:
            How many were written.
        """

    def decisions(self, *, backend: str | None = None) -> Sequence[BatchDecision]:
        """Return the decision rows in order of writing."""

    def duplicates(self, *, backend: str | None = None) -> Sequence[DuplicateJob]:
        """Return the duplicates found, in order of writing."""

    def events(self, *, backend: str | None = None, kinds: Collection[str] | None = None) -> Sequence[LedgerEvent]:
        """Return events in order of writing. A breaker's change of state is an event ``breaker`` too, whoever made it.

        No event is written for a claim, a renewal or a release.
        """
