"""Workers on a virtual clock: every effect of the control code is executed here, and may be struck by a fault.

Put scheduling and faults here; what the provider does is `provider`'s, what must hold is `checks`'s.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from hybrid_assets.control import budgets
from hybrid_assets.control.dispatching import RoundSummary, Situation, dispatch_round
from hybrid_assets.control.effects import (
    NOW,
    Cancel,
    Effect,
    Fetch,
    Find,
    Now,
    Poll,
    Sleep,
    StoreResult,
    Submit,
    Transaction,
)
from hybrid_assets.control.planning import plan
from hybrid_assets.control.sharing import free_slots
from hybrid_assets.control.sizing import SizeState
from hybrid_assets.errors import (
    HybridAssetsError,
    ResultIntegrityError,
    SubmissionUnknownError,
    TransientProviderError,
)
from hybrid_assets.model.jobs import JobLimits
from hybrid_assets.model.queue import BudgetUnit, WorkClass
from hybrid_assets.testing.simulation.narration import short
from hybrid_assets.testing.simulation.scenario import BACKEND, START, TEAM, WIRE_S, Fault

if TYPE_CHECKING:
    from collections.abc import Generator
    from random import Random

    from hybrid_assets.control.ledger import JobLedger
    from hybrid_assets.control.plans import Plan
    from hybrid_assets.testing.simulation.checks import Watch
    from hybrid_assets.testing.simulation.provider import SimulatedProvider
    from hybrid_assets.testing.simulation.scenario import Scenario

#: How large batches may be is another matter: here only their life counts.
_SIZES = SizeState()

#: What can go wrong with a question to the provider, and with a submission.
_QUESTION: tuple[Fault, ...] = (Fault.KILL_BEFORE, Fault.KILL_AFTER, Fault.PAUSE, Fault.LOST_REQUEST, Fault.LOST_REPLY)
_SUBMISSION: tuple[Fault, ...] = (*_QUESTION, Fault.LATE_REQUEST)
_LISTED_SUBMISSION: tuple[Fault, ...] = (*_SUBMISSION, Fault.DUPLICATE)
_WRITES = {"plan_batch", "record_job", "record_unknown", "finish_batch", "release"}
_LOCAL: tuple[Fault, ...] = (Fault.KILL_BEFORE, Fault.KILL_AFTER, Fault.PAUSE)


@dataclass(slots=True)
class Worker:
    """A process that asks for a round again and again."""

    name: str
    steps: Generator[Effect, Any, RoundSummary] | None = None
    effect: Effect | None = None
    #: Whether its effect has been struck already.
    is_struck: bool = False
    #: Ticks in a row that had nothing to do.
    idle: int = 0
    ticks: int = 0


@dataclass(slots=True, kw_only=True)
class World:
    """One schedule while it happens."""

    scenario: Scenario
    rng: Random
    ledger: JobLedger
    provider: SimulatedProvider
    watch: Watch
    now_s: float = 0.0
    #: Kernel id -> job whose result is stored.
    stored: dict[str, str] = field(default_factory=dict)
    #: Job -> times its result did not verify.
    spoiled: Counter[str] = field(default_factory=Counter)
    #: When each submission left.
    posts_s: list[float] = field(default_factory=list)
    struck: list[Fault] = field(default_factory=list)
    trace: list[str] | None = None
    steps: int = 0
    faults_left: int = 0
    #: Strikes the next effect that it can strike, whatever chance says.
    forced: Fault | None = None
    _agenda: list[tuple[float, float, int]] = field(default_factory=list)
    _workers: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.faults_left = self.scenario.num_faults
        for index in range(self.scenario.num_workers):
            self._workers.append(Worker(name=f"w{index}"))
            # Half of the time all wake in the same instant: a duplicate tick.
            self._schedule(self.rng.choice((0.0, self.rng.uniform(0.0, 30.0))), index)

    @property
    def now(self) -> datetime:
        """The virtual time."""
        return START + timedelta(seconds=self.now_s)

    def step(self) -> Worker:
        """Let the next worker in time do one thing: begin a round, or execute the effect it waits for."""
        self.now_s, _, index = heappop(self._agenda)
        self.steps += 1
        worker = self._workers[index]
        wake_s = self._begin(worker) if worker.effect is None else self._strike_or_execute(worker, worker.effect)
        self._schedule(wake_s, index)
        return worker

    def _schedule(self, at_s: float, index: int) -> None:
        # Workers that wake in the same instant go on in any order, step by step.
        heappush(self._agenda, (at_s, self.rng.random(), index))

    def kill(self, number: int) -> None:
        """Kill a worker where it stands; it is started again when it would have gone on."""
        worker = self._workers[number % len(self._workers)]
        if worker.effect is not None:
            self._end(worker, f"KILLED before {short(worker.effect)}", idle=False)

    # --- workers

    def _begin(self, worker: Worker) -> float:
        worker.ticks += 1
        worker.steps = self._tick(f"{worker.name}.{worker.ticks}")
        worker.effect = next(worker.steps)
        return self.now_s

    def _tick(self, owner: str) -> Generator[Effect, Any, RoundSummary]:
        """What a run of the asset or the sensor does."""
        if owner.endswith(".1") or self.rng.random() < 0.2:
            yield Transaction("enqueue", {"kernels": self.scenario.kernels})
        until = self.now + timedelta(seconds=self.rng.choice((1.0, 60.0, 600.0)))
        policy = self.scenario.policy
        return (yield from dispatch_round(BACKEND, policy=policy, planner=self._plan, owner=owner, until=until))

    def _plan(self, situation: Situation) -> Plan:
        """Plan with the production planner."""
        room_s = min(budgets.room(budget) for budget in situation.budgets if budget.unit is BudgetUnit.QPU_S)
        running = dict.fromkeys(WorkClass, 0)
        running[WorkClass.PRODUCTION] = len(situation.active)
        return plan(
            situation.ready,
            backend=BACKEND,
            free_slots=free_slots(slots=self.scenario.policy.slots, running=running, reserved=0),
            now=situation.now,
            limits=JobLimits(max_pubs=self.scenario.batch_size),
            rules=self.scenario.rules,
            sizes=_SIZES,
            usage={},
            available_s={TEAM: room_s} if self.scenario.planner_knows_budgets else {},
        )

    def _end(self, worker: Worker, why: str, *, idle: bool) -> float:
        """Forget a round; return when the next begins."""
        self._note(worker, why)
        if worker.steps is not None:
            worker.steps.close()
        worker.steps = worker.effect = None
        worker.is_struck = False
        worker.idle = worker.idle + 1 if idle else 0
        pause_s: float = self.rng.uniform(5.0, 10.0) * 4 ** min(worker.idle, 2)
        return self.now_s + pause_s

    # --- effects

    def _strike_or_execute(self, worker: Worker, effect: Effect) -> float:
        fault = self._fault(worker, effect) if self.faults_left or self.forced else None
        if fault is Fault.PAUSE:
            pause_s: float = (
                self.rng.choice((0.2, 1.0, 2.0)) * self.rng.uniform(0.9, 1.5) * self.scenario.policy.lease_s
            )
            self._note(worker, f"pauses {pause_s:.1f} s before {short(effect)}")
            worker.is_struck = True
            return self.now_s + pause_s
        worker.is_struck = False
        if fault is Fault.KILL_BEFORE:
            return self._end(worker, f"KILLED before {short(effect)}", idle=False)
        answer: Any
        try:
            answer = self._execute(effect, fault)
        except HybridAssetsError as exc:
            answer = exc
        if self.trace is not None:
            self._note(worker, f"{short(effect)} -> {short(answer)}" + (f"   [{fault}]" if fault else ""))
        self.watch.after(self, effect, answer)
        if fault is Fault.KILL_AFTER:
            return self._end(worker, f"KILLED after {short(effect)}", idle=False)
        return self._reply(worker, effect, answer)

    def _reply(self, worker: Worker, effect: Effect, answer: Any) -> float:
        steps = worker.steps
        if steps is None:
            raise AssertionError("a worker without steps has no effect")
        took_s: float = 0.0
        if isinstance(effect, Sleep):
            took_s = effect.seconds
        elif not isinstance(effect, Now | Transaction):
            took_s = self.rng.random()
        try:
            # The generator is pure: it may run before its time, as long as its next effect does not. A pause or a kill
            # after it read the clock is one before that effect.
            effect = steps.throw(answer) if isinstance(answer, HybridAssetsError) else steps.send(answer)
            while effect is NOW:
                effect = steps.send(self.now + timedelta(seconds=took_s))
            worker.effect = effect
        except StopIteration as stop:
            done: RoundSummary = stop.value
            return self._end(worker, f"round over: {done}", idle=not (done.planned or done.ended))
        return self.now_s + took_s

    def _fault(self, worker: Worker, effect: Effect) -> Fault | None:
        if worker.is_struck:
            return None
        # Around a submission a fault tells most, around a read of the ledger least.
        match effect:
            case Submit():
                # Of a second delivery nobody could ever know where jobs cannot be listed.
                possible, weight = _LISTED_SUBMISSION if self.scenario.policy.supports_find else _SUBMISSION, 4.0
            case Find() | Poll() | Cancel() | Fetch():
                possible, weight = _QUESTION, 0.5
            case StoreResult():
                possible, weight = (*_LOCAL, Fault.CORRUPT), 2.0
            case Transaction(op="record_intent"):
                possible, weight = _LOCAL, 4.0
            case Transaction(op=op):
                possible, weight = _LOCAL, 0.6 if op in _WRITES else 0.05
            case _:
                possible, weight = _LOCAL, 0.05
        if self.forced is not None:
            if self.forced not in possible:
                return None
            fault, self.forced = self.forced, None
        elif self.rng.random() < weight * self.scenario.p_fault:
            self.faults_left -= 1
            fault = self.rng.choice(possible)
        else:
            return None
        self.struck.append(fault)
        return fault

    def _execute(self, effect: Effect, fault: Fault | None) -> Any:
        match effect:
            case Transaction(op=op, arguments=arguments):
                return getattr(self.ledger, op)(**arguments)
            case Sleep(seconds=seconds):
                return self.now + timedelta(seconds=seconds)
            case Now():
                return self.now
            case Submit():
                return self._submit(effect, fault)
            case StoreResult():
                return self._store(effect, fault)
            case _:
                return self._ask(effect, fault)

    def _ask(self, effect: Find | Poll | Cancel | Fetch, fault: Fault | None) -> Any:
        if fault is Fault.LOST_REQUEST:
            raise TransientProviderError("no answer")
        match effect:
            case Find(batch=batch):
                answer: Any = self.provider.find(batch.request_id, self.now_s)
            case Poll(provider_job_id=job_id):
                answer = self.provider.poll(job_id, self.now_s)
            case Cancel(provider_job_id=job_id):
                answer = self.provider.cancel(job_id, self.now_s)
            case Fetch(provider_job_id=job_id):
                answer = self.provider.fetch(job_id, self.now_s)
        if fault is Fault.LOST_REPLY:
            raise TransientProviderError("no answer")
        return answer

    def _submit(self, effect: Submit, fault: Fault | None) -> Any:
        if self.now > effect.not_after:
            return None
        self.posts_s.append(self.now_s)
        if fault is Fault.LOST_REQUEST:
            raise SubmissionUnknownError("no answer")
        arrives_s = self.now_s + self.rng.uniform(0.0, WIRE_S) * (fault is Fault.LATE_REQUEST)
        self.provider.refuse(effect.batch.kernel_ids, self.now_s)
        jobs = [self.provider.deliver(effect.batch, arrives_s, by_network=False)]
        if fault is Fault.DUPLICATE:
            late_s = self.now_s + self.rng.uniform(0.0, WIRE_S)
            jobs.append(self.provider.deliver(effect.batch, late_s, by_network=True))
        if fault in {Fault.LOST_REPLY, Fault.LATE_REQUEST} or (len(jobs) > 1 and self.rng.random() < 0.3):
            raise SubmissionUnknownError("no answer")
        return self.provider.handle(self.rng.choice(jobs))

    def _store(self, effect: StoreResult, fault: Fault | None) -> None:
        job_id = effect.result.handle.provider_job_id
        if fault is Fault.CORRUPT or self.provider.jobs[job_id].is_damaged:
            self.spoiled[job_id] += 1
            raise ResultIntegrityError("shots do not add up")
        for kernel_id in effect.batch.kernel_ids:
            self.stored.setdefault(kernel_id, job_id)

    def _note(self, worker: Worker, text: str) -> None:
        if self.trace is not None:
            self.trace.append(f"{self.now_s:9.2f} {worker.name}.{worker.ticks} {text}")
