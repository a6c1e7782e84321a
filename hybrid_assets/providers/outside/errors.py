"""The one exception of adapters and the kinds it may have. Put kinds here; what the parent makes of them is its own."""

from __future__ import annotations

#: Kind -> what it says. The parent raises its own error class for each.
KINDS = {
    "configuration": "an option, a name or the environment is wrong",
    "credentials": "a secret is missing or was refused",
    "transient": "nothing was done; trying again may help",
    "rate_limited": "the service asked to slow down; nothing was done",
    "unavailable": "the backend takes no jobs now; nothing was done",
    "submission_unknown": "the job may have been accepted; its answer was lost",
    "permanent": "refused for good, or no such job",
    "job_failed": "the job ended without a result",
    "job_cancelled": "the job was cancelled",
    "capacity": "more qubits, shots or bytes than the backend gives",
    "target_mismatch": "the circuit does not fit the target",
    "result_integrity": "the result is damaged or not what was asked for",
    "unexpected": "anything an adapter raised that is no AdapterError",
}


class AdapterError(Exception):
    """A failure in words the parent understands.

    Args:
        kind: One of `KINDS`.
        message: What happened, why, and what to do; never a secret.
    """

    def __init__(self, kind: str, message: str) -> None:
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no kind of AdapterError; kinds are {', '.join(KINDS)}.")
        super().__init__(message)
        self.kind = kind
