"""Faults to be injected, and the plan that says which request meets which. Put kinds of faults here; keep HTTP out."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

#: Names of the routes a fault may be at; ``any`` is every one of them.
ROUTES = frozenset({
    "any", "token", "search", "catalog", "backends", "configuration", "properties", "status", "usage", "post_job",
    "list_jobs", "get_job", "delete_job", "results", "logs", "metrics", "cancel", "tags", "create_session",
    "get_session", "patch_session", "close_session",
})  # fmt: skip
#: The request is not handled: 429 · a status (503) · connection closed · no answer for a while, then closed ·
#: every token issued so far becomes invalid, then 401.
BEFORE = frozenset({"rate_limited", "error", "drop", "silence", "revoked"})
#: The request is handled, then: a status · connection closed · no answer · half of the body · the body byte by byte ·
#: one byte of the body changed · 200 without body · 204 · the body ``null`` · a page of a proxy.
AFTER = frozenset({
    "error_after", "drop_after", "silence_after", "cut", "trickle", "garbled", "empty", "no_content", "null", "html",
})  # fmt: skip
#: Only where they have a meaning: route -> kinds.
SPECIAL = {
    # For the job this POST makes: fails before or after it was executed, never ends, meets a new calibration.
    "post_job": frozenset({"fail_before", "fail_after", "never_ends", "recalibrated"}),
    # The reply holds: another job's result · its first PUB's bits flipped · half of the shots · one PUB too few ·
    # the first and last PUB exchanged · one bit too many in every register.
    "results": frozenset({"another_job", "flipped", "half_shots", "missing_pub", "swapped_pubs", "wider"}),
    "status": frozenset({"maintenance"}),
    # The reply shows the job as still queued.
    "get_job": frozenset({"stale"}),
}


@dataclass(slots=True)
class Fault:
    """One fault; ``happened`` counts how often it did, so that a test can assert it.

    Raises:
        ValueError: There is no such route, or the kind has no meaning there.
    """

    where: str
    what: str
    #: How often it happens; ``math.inf`` for always.
    times: float = 1
    #: How many requests of the route pass before.
    skip: int = 0
    #: Status of ``error`` and ``error_after``.
    status: int = 503
    #: Value of the header Retry-After of ``rate_limited``, ``error`` and ``error_after``; None leaves it out.
    retry_after_s: float | None = None
    #: Error code of a job that fails.
    code: int = 5203
    #: Length of ``silence``, ``silence_after`` and ``trickle``.
    for_s: float = 3600.0
    #: Factor on the errors of ``recalibrated``.
    factor: float = 1.5
    happened: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.where not in ROUTES:
            raise ValueError(f"No route {self.where!r}: {', '.join(sorted(ROUTES))}.")
        kinds = BEFORE | AFTER | SPECIAL.get(self.where, frozenset())
        if self.what not in kinds:
            raise ValueError(f"No fault {self.what!r} at {self.where!r}: {', '.join(sorted(kinds))}.")

    def lift(self) -> None:
        """Let it not happen any more."""
        self.times = 0


class FaultPlan:
    """The injected faults; of several for one request, the one injected first happens."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def inject(self, fault: Fault) -> Fault:
        """Add a fault and return it."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def take(self, route: str) -> Fault | None:
        """Return the fault this request meets, counted as happened."""
        with self._lock:
            for fault in self._faults:
                if fault.where in {"any", route} and fault.happened < fault.times:
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    fault.happened += 1
                    return fault
        return None
