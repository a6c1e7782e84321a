"""What a person is told about a backend: findings of a look at it, and what its error codes lead to.

Put records for `doctor` here; the looking is the providers'.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FindingState(StrEnum):
    """How a finding is meant."""

    OK = "ok"
    #: Worth a look; nothing is refused because of it.
    WARNING = "warning"
    #: Jobs will fail until a person mends it.
    WRONG = "wrong"
    #: It could not be looked at: the service does not answer now.
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    #: For example ``credentials`` or ``clock``.
    name: str
    state: FindingState
    #: What was found and, unless it is fine, what to do; never a secret.
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCode:
    """What one of a provider's error codes leads to."""

    #: The provider's own code, or a name of several, for example ``HTTP 5xx``.
    code: str
    #: Name of our error class it becomes (`errors`).
    error_class: str
    #: What is done about it, in plain words.
    action: str
    #: What it says; empty where the provider's own code is in words, or nobody knows.
    meaning: str = ""
