"""What may go wrong on the emulated QPU, and when: the ``faults:`` section, and its seeded draws.

    faults:
      outages: [{after_s: 60, for_s: 300}, {from_at: "2026-11-24T02:00:00+00:00", for_s: 900}]   # nothing is answered
      latency: [{after_s: 600, for_s: 1800, median_s: 120, sigma: 1.0}]    # queue waits of jobs submitted meanwhile
      throttle_rate: 0.1                 # submissions refused with "slow down"
      lost_replies: 0.1                  # the job is made, its answer is lost
      lost_requests: 0.1                 # the request is lost
      kernel_failures: {rate: 0.05, kernel_ids: [], code: "1517", names_pub: false, billed: false}   # poison
      job_failures: {rate: 0.05, code: "5203", billed: false}              # a whole job, for no reason of its own
      wrong_results: {rate: 0.05, kinds: [swapped, short, other], times: 1}   # so many first fetches are wrong
      late_results: {rate: 0.1, for_s: 30}                                 # succeeded, but the result is not there yet
      never_finishes: 0.01               # runs until it is cancelled

Everything is off by default, the values above apart from rates are the defaults, and a lone number is a rate. Times
``after_s`` count from the first use of the backend's state. A draw depends on the seed, the kind of fault and what it
is about (a kernel, a job, the n-th submission of a request), not on what else happens, so a night can be repeated.
Put kinds of faults and their draws here; keep their effects out (`_emulator_desk`, `_emulator_fate`, `emulator`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hybrid_assets.model.fingerprint import seed_from
from hybrid_assets.providers._error_codes import INTERNAL_FAILURE, REFUSED_CIRCUIT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from hybrid_assets.providers._section import Section

FAULT_KEYS = (
    "outages",
    "throttle_rate",
    "lost_replies",
    "lost_requests",
    "kernel_failures",
    "job_failures",
    "wrong_results",
    "late_results",
    "never_finishes",
    "latency",
)
_WINDOW_KEYS = ("after_s", "from_at", "for_s")
WRONG_KINDS = ("swapped", "short", "other")


def chance(seed: int, *about: str) -> float:
    """Return a number in [0, 1) that depends on the seed and what it is about only."""
    return seed_from(str(seed), *about) / (1 << 63)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A span of time, from a moment or counted from the first use of the emulator's state."""

    after_s: float | None
    from_at: datetime | None
    for_s: float

    @classmethod
    def parse(cls, section: Section) -> Window:
        """Read ``{after_s, for_s}`` or ``{from_at, for_s}``."""
        after_s, from_at = section.optional_number("after_s"), section.moment("from_at")
        if (after_s is None) is (from_at is None):
            raise section.wrong("after_s", after_s, "either after_s (seconds from the first use) or from_at")
        return cls(after_s=after_s, from_at=from_at, for_s=section.number("for_s", -1.0))

    def end_if_inside(self, at: datetime, first_use: datetime) -> datetime | None:
        """Return when the window ends if a moment is inside, else None."""
        start = self.from_at or first_use + timedelta(seconds=self.after_s or 0.0)
        end = start + timedelta(seconds=self.for_s)
        return end if start <= at < end else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyShift:
    """A span of time in which submitted jobs draw their queue waits from another log-normal distribution."""

    window: Window
    median_s: float
    sigma: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """How often jobs or kernels fail, and how it looks."""

    rate: float
    code: str
    #: Whether the failed job ran to its end and is billed; else it ends after the job's overhead, unbilled.
    is_billed: bool
    #: Kernels that fail for sure.
    kernel_ids: frozenset[str] = frozenset()
    #: Whether the report blames the kernel.
    names_pub: bool = False

    def is_poison(self, kernel_id: str, seed: int) -> bool:
        """Whether a kernel fails every job it is in."""
        return kernel_id in self.kernel_ids or chance(seed, "kernel_failures", kernel_id) < self.rate


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongResults:
    """How often a result is not what was asked for."""

    rate: float
    kinds: tuple[str, ...]
    #: So many fetches of such a job give the wrong result, later ones the right one.
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The whole section; by default nothing goes wrong."""

    outages: tuple[Window, ...]
    latency: tuple[LatencyShift, ...]
    throttle_rate: float
    lost_replies: float
    lost_requests: float
    never_finishes: float
    kernel_failures: Failures
    job_failures: Failures
    wrong_results: WrongResults
    late_rate: float
    late_for_s: float

    @classmethod
    def parse(cls, section: Section) -> Faults:
        """Read the section.

        Raises:
            ConfigurationError: A key is unknown or a value is wrong.
        """
        late = section.section("late_results", ("rate", "for_s"), short="rate")
        return cls(
            outages=tuple(Window.parse(item) for item in section.sections("outages", _WINDOW_KEYS)),
            latency=tuple(
                LatencyShift(
                    window=Window.parse(item),
                    median_s=item.number("median_s", -1.0),
                    sigma=item.number("sigma", 0.0, most=5.0),
                )
                for item in section.sections("latency", (*_WINDOW_KEYS, "median_s", "sigma"))
            ),
            throttle_rate=_rate(section, "throttle_rate"),
            lost_replies=_rate(section, "lost_replies"),
            lost_requests=_rate(section, "lost_requests"),
            never_finishes=_rate(section, "never_finishes"),
            kernel_failures=_kernel_failures(section),
            job_failures=_job_failures(section),
            wrong_results=_wrong_results(section),
            late_rate=_rate(late, "rate"),
            late_for_s=late.number("for_s", 30.0),
        )

    def outage_end(self, at: datetime, first_use: datetime) -> datetime | None:
        """Return when an outage is over if there is one at a moment, else None; outages that touch count as one."""
        ends = [end for window in self.outages if (end := window.end_if_inside(at, first_use))]
        return self.outage_end(max(ends), first_use) or max(ends) if ends else None

    def poisons(self, kernel_ids: Iterable[str], seed: int) -> tuple[str, ...]:
        """Return those kernels of a job that make it fail, in order."""
        return tuple(kernel_id for kernel_id in kernel_ids if self.kernel_failures.is_poison(kernel_id, seed))


def _rate(section: Section, key: str) -> float:
    return section.number(key, 0.0, most=1.0)


def _job_failures(faults: Section) -> Failures:
    section = faults.section("job_failures", ("rate", "code", "billed"), short="rate")
    return Failures(
        rate=_rate(section, "rate"),
        code=section.text("code", INTERNAL_FAILURE),
        is_billed=section.flag("billed", default=False),
    )


def _kernel_failures(faults: Section) -> Failures:
    known = ("rate", "code", "billed", "kernel_ids", "names_pub")
    section = faults.section("kernel_failures", known, short="rate")
    return Failures(
        rate=_rate(section, "rate"),
        code=section.text("code", REFUSED_CIRCUIT),
        is_billed=section.flag("billed", default=False),
        kernel_ids=frozenset(section.texts("kernel_ids")),
        names_pub=section.flag("names_pub", default=False),
    )


def _wrong_results(faults: Section) -> WrongResults:
    section = faults.section("wrong_results", ("rate", "kinds", "times"), short="rate")
    kinds = section.texts("kinds", WRONG_KINDS)
    if not kinds or not set(kinds) <= set(WRONG_KINDS):
        raise section.wrong("kinds", list(kinds), f"some of {', '.join(WRONG_KINDS)}")
    return WrongResults(rate=_rate(section, "rate"), kinds=kinds, times=section.integer("times", 1, least=1))
