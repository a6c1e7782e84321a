"""What a loopback service is asked to be. Put its settings here, each with its unit and default."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopbackOptions:
    """Settings of one service; a limit of None means: there is none."""

    #: Fake backend of qiskit-ibm-runtime whose configuration and calibration it shows.
    device: str = "fake_torino"
    #: Name of its backend.
    name: str = "ibm_loopback"
    #: Whether the device also has ``rx`` and ``rzz``, which the client hides unless they are asked for.
    has_fractional_gates: bool = False
    #: Whether the device's errors act.
    is_noisy: bool = True
    #: Widest circuit simulated with its full noise; wider ones are mixed with the uniform distribution.
    density_matrix_qubits: int = 6
    seed: int = 1
    #: The listing shows a job only this long after its creation.
    listing_lag_s: float = 0.0
    #: Least time a job is queued, and runs.
    queue_s: float = 0.0
    run_s: float = 0.0
    #: Life of an access token; the client renews it at 80 % of its life and 10 s before its end.
    token_life_s: float = 3600.0
    #: POSTs of jobs in any 60 s beyond which 429 is answered (the documented limit of the real service is 5).
    posts_per_minute: int | None = None
    #: Queued and running jobs beyond which code 3458 is answered.
    max_active_jobs: int | None = None
    #: Billed seconds from which on jobs are accepted but held in the queue.
    usage_limit_s: float | None = None
    #: By how much the server's clock is ahead of this machine's.
    clock_skew_s: float = 0.0
    #: Billing: a fixed part for each job, and a part for each execution (row x shot).
    seconds_per_job: float = 1.0
    seconds_per_execution: float = 250e-6
    #: Money for a billed second.
    price: float = 1.6
    #: Limits of tags; those of the real service are not public.
    max_tags: int = 8
    max_tag_characters: int = 128
