"""The numbers that govern one backend's dispatch. Put a number here when the machine must not choose it itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from hybrid_assets.control.retry import RetryRule
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.ledger import BreakerRule, PostRate


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchPolicy:
    """How one backend is driven; the same in every process that drives it.

    Raises:
        ConfigurationError: Times contradict each other.
    """

    #: Batches on their way at once, over all processes.
    slots: int
    #: A worker silent for so long may be replaced.
    lease_s: float = 60.0
    #: A submission leaves at most so long after its intent was written.
    send_s: float = 5.0
    #: Longest time from a submission's leaving to its being listed.
    lag_s: float = 20.0
    #: A listing that begins later than this after the intent proves absence.
    settle_s: float = 30.0
    #: First and longest pause between two looks at a job, and its growth: fast for simulators, sparing for services.
    poll_first_s: float = 0.005
    poll_last_s: float = 2.0
    poll_growth: float = 1.5
    #: Longer waits give the lease up, so that any process may go on.
    hold_s: float = 20.0
    #: A job that is not over so long after its submission is cancelled, and counts as a failed attempt.
    job_wait_s: float = 86_400.0
    #: Its paid results are waited for so much longer.
    result_wait_s: float = 3600.0
    #: Submissions of one batch that may go unanswered before it is given up.
    max_sends: int = 4
    #: Times a result that does not verify is fetched again before its job counts as failed.
    max_refetches: int = 2
    #: Submissions the provider takes in a window, over all processes; None: as many as there are.
    rate: PostRate | None = None
    breaker: BreakerRule = field(default_factory=BreakerRule)
    retry: RetryRule = field(default_factory=RetryRule)
    #: Whether the provider can list jobs by their tag. Where it cannot, a submission whose answer was lost is never
    #: repeated: its kernels fail, and a person looks; duplicates are not searched for.
    supports_find: bool = True
    #: Billed seconds of a job apart from its kernels.
    overhead_s: float = 0.0
    #: Bills are rounded up to a multiple of it: so much more is set aside.
    bill_step_s: float = 0.0
    #: What a billed second costs; 0 where nothing is paid, or the bill is in money.
    price_per_s: float = 0.0
    #: Price of a job apart from its kernels where the provider bills money; None: it bills seconds.
    overhead_money: float | None = None
    #: Kernels looked at in one planning, and how often new ones are looked for.
    plan_limit: int = 100_000
    plan_every_s: float = 5.0
    #: Kernels that no budget has room for are looked at again after so long.
    budget_wait_s: float = 300.0

    def __post_init__(self) -> None:
        if self.settle_s <= self.send_s + self.lag_s:
            raise ConfigurationError(
                f"settle_s = {self.settle_s:g} must exceed send_s + lag_s = {self.send_s + self.lag_s:g}: "
                "an earlier listing cannot prove that a job does not exist, and it would be paid twice. Raise settle_s."
            )
        if not 0 < self.hold_s <= self.lease_s / 2:
            raise ConfigurationError(
                f"hold_s = {self.hold_s:g} must be positive and at most half of lease_s = {self.lease_s:g}: a worker "
                "must renew its lease before it runs out. Lower hold_s."
            )

    @property
    def reserved_overhead_s(self) -> float:
        """Seconds set aside for a job apart from its kernels: a budget is not to be exceeded by rounding either."""
        return self.overhead_s + self.bill_step_s

    @property
    def intent_rate(self) -> PostRate | None:
        """The rate for intents: a window longer by ``send_s``, for requests may leave that much later."""
        return self.rate and PostRate(limit=self.rate.limit, window_s=self.rate.window_s + self.send_s)
