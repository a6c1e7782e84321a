"""What `hybrid_assets.evaluate` answers. Put what a caller may want to know of an answer here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer to one problem instance, given by a deadline, and where it came from."""

    workload: str
    backend: str
    instance: str
    #: In the objective's own unit (larger is better): what ``method`` gives on average, a sample of it or a fold; None:
    #: not known, or nobody answered.
    value: float | None
    #: Best value among the samples.
    best_value: float | None
    #: Method of the workload with the largest value, as in ``comparisons``.
    method: str | None
    #: Who answered, as in ``quantum_results``: ``backend``, a rung of the ladder, or ``failed``.
    source: str
    #: Why it was not the backend; None: it was.
    reason: str | None
    #: What the backend was, or will be, asked for; empty: it was not got so far by the deadline.
    kernel_ids: tuple[str, ...]
    #: Calibration under which it was executed; None: none was, or several.
    calibration_id: str | None
    #: Seconds since the oldest part of it was executed; None: nothing was.
    age_s: float | None
    #: False: the backend may still answer; asked again, it is not asked for twice.
    is_final: bool
    #: The same from here to the provider's job and back, followed by the kernel's label there.
    correlation_id: str
    #: Seconds the caller waited.
    took_s: float
