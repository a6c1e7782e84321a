"""The least driver of the machine: a ledger in memory, a scripted provider, a clock that only sleeping moves."""

from __future__ import annotations

from datetime import timedelta

from hybrid_assets.control.dispatching import dispatch_round
from hybrid_assets.control.effects import Cancel, Fetch, Find, Now, Poll, Sleep, StoreResult, Submit, Transaction
from hybrid_assets.control.planning import plan
from hybrid_assets.control.plans import PlanRules
from hybrid_assets.control.policy import DispatchPolicy
from hybrid_assets.control.sharing import FreeSlots
from hybrid_assets.control.sizing import SizeState
from hybrid_assets.errors import HybridAssetsError
from hybrid_assets.model.jobs import JobHandle, JobLimits, JobReport, JobResult, JobStatus
from hybrid_assets.testing._ledger_steps import BACKEND, START, kernel
from hybrid_assets.testing.ledger import InMemoryLedger


class Site:
    """A backend, its ledger and one worker; jobs are over at once unless the script says otherwise."""

    def __init__(self, *, kernels=1, limits=None, **numbers):
        numbers = {"slots": 1, "poll_first_s": 1.0, **numbers}
        self.policy = DispatchPolicy(**numbers)
        self.limits = limits or JobLimits()
        self.ledger = InMemoryLedger()
        self.kernels = [kernel(n) for n in range(kernels)]
        self.ledger.enqueue(self.kernels)
        self.now = START + timedelta(seconds=1_000)
        self.log = []
        #: Job id -> kernel ids; request id -> job ids.
        self.jobs, self.tagged = {}, {}
        #: What a submission raises or does (called with the effect), in turn; then they are taken.
        self.submissions = []
        #: Report of a job from its kernel ids.
        self.ends = lambda _: JobReport(status=JobStatus.SUCCEEDED)
        self.stored = set()
        #: Called before each effect.
        self.before = lambda effect: None

    def rounds(self, number=1, **options):
        for _ in range(number):
            owner = f"worker-{len(self.log)}"
            self.run(dispatch_round(BACKEND, policy=self.policy, planner=self.plan, owner=owner, **options))
            self.now += timedelta(seconds=60)

    def plan(self, situation):
        return plan(
            situation.ready,
            backend=BACKEND,
            free_slots=FreeSlots(total=self.policy.slots, exploratory=0),
            now=situation.now,
            limits=self.limits,
            rules=PlanRules(),
            sizes=SizeState(),
            usage={},
            available_s={},
        )

    def run(self, steps):
        effect = next(steps)
        while True:
            self.log.append(effect)
            self.before(effect)
            try:
                answer = self.execute(effect)
            except HybridAssetsError as exc:
                send = lambda error=exc: steps.throw(error)  # noqa: E731 - the other half of the line below
            else:
                send = lambda value=answer: steps.send(value)  # noqa: E731
            try:
                effect = send()
            except StopIteration as stop:
                return stop.value

    def execute(self, effect):  # noqa: PLR0911 - one line an effect
        match effect:
            case Now():
                return self.now
            case Sleep(seconds=seconds):
                self.now += timedelta(seconds=seconds)
                return self.now
            case Transaction(op=op, arguments=arguments):
                return getattr(self.ledger, op)(**arguments)
            case Submit():
                return self.submissions.pop(0)(effect) if self.submissions else self.take(effect)
            case Find(batch=batch):
                return [self.handle(job, batch) for job in self.tagged.get(batch.request_id, [])]
            case Poll(provider_job_id=job):
                return self.ends(self.jobs[job])
            case Cancel():
                return JobReport(status=JobStatus.CANCELLED)
            case Fetch(batch=batch, provider_job_id=job):
                return JobResult(
                    handle=self.handle(job, batch), pubs=(), calibration_id="c", started_at=self.now,
                    finished_at=self.now, billed_s=2.0,
                )  # fmt: skip
            case StoreResult(batch=batch):
                self.stored.update(batch.kernel_ids)
                return None

    def take(self, effect):
        if self.now > effect.not_after:
            return None
        job = f"job-{len(self.jobs)}"
        self.jobs[job] = effect.batch.kernel_ids
        self.tagged.setdefault(effect.batch.request_id, []).append(job)
        return self.handle(job, effect.batch)

    def handle(self, job, batch):
        return JobHandle(provider="p", backend=BACKEND, request_id=batch.request_id, provider_job_id=job)

    def names(self):
        """What happened, without clock, sleep and reads."""
        writes = ("record", "finish", "plan_batch", "release")
        names = [effect.op if isinstance(effect, Transaction) else type(effect).__name__ for effect in self.log]
        provider = {"Submit", "Find", "Poll", "Cancel", "Fetch", "StoreResult"}
        return [name for name in names if name in provider or name.startswith(writes)]

    def states(self):
        return {k.kernel_id: k.state.value for k in self.ledger.kernels()}
