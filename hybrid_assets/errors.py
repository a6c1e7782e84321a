"""The whole exception tree. The *class* of an error decides what happens next; nothing else does.

    HybridAssetsError                      a bug unless a subclass says otherwise
      ConfigurationError                   fix the set-up; never retried
        UsageError                         a command was asked for something that does not exist
        RegistrationError                  a plug-in is missing, broken or registered twice
        CredentialsError                   a secret is missing or was refused
      ProblemError                         a problem input is malformed
      CompilationError                     a circuit could not be compiled
        TargetMismatchError                not for this target
        CapacityError                      more qubits, shots or bytes than the backend gives
      ProviderError                        the provider or its backend failed
        TransientProviderError             trying again may help
          RateLimitedError
          BackendUnavailableError
        SubmissionUnknownError             may have been accepted: look for it, never resubmit blindly
        PermanentProviderError             trying again cannot help
          JobFailedError
          JobCancelledError
      ResultError                          a result cannot be used
        ResultIntegrityError               shots, width, row count or checksum are off
          ContradictionError               a value beats a proof
        IncomparableError                  two numbers do not belong to the same instance
      WarehouseError                       a table refused rows or a query
        QueryError                         the query itself is wrong
      CheckFailedError                     a blocking check failed before publication
      ApprovalRequiredError                a person has to approve first
      BudgetExceededError                  a budget has no room; raise it, or wait for the next night or month

Put a new error where its retry class is; keep vendor exceptions out (providers translate them once).
"""

from __future__ import annotations

from typing import Any, ClassVar


class HybridAssetsError(Exception):
    """Something went wrong that hybrid_assets did not expect."""

    #: Exit code of the command line when this error ends it: 1 bug, 2 usage, 3 set-up or input, 4 approval, 5 budget,
    #: 6 backend, 7 check.
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str = "", **facts: object) -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])
        #: What a caller or a log may want apart from the sentence.
        self.facts = facts


class ConfigurationError(HybridAssetsError):
    """The set-up is wrong; mend it and run again."""

    exit_code: ClassVar[int] = 3


class UsageError(ConfigurationError):
    """A command was asked for something that does not exist."""

    exit_code: ClassVar[int] = 2


class RegistrationError(ConfigurationError):
    """A plug-in is missing, broken or registered twice."""


class CredentialsError(ConfigurationError):
    """A secret is missing or was refused."""


class ProblemError(HybridAssetsError, ValueError):
    """A problem input is malformed.

    Attributes:
        file: The offending file.
        row: Line in the file, counted from 1 with the header; None when the file as a whole is refused.
        column: Name of the offending column, or None.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, reason: str, *, file: str, row: int | None = None, column: str | None = None) -> None:
        place = file + (f", row {row}" if row is not None else "") + (f", column {column!r}" if column else "")
        super().__init__(f"{place}: {reason}", file=file, row=row, column=column)
        self.file, self.row, self.column = file, row, column


class CompilationError(HybridAssetsError):
    """A circuit could not be compiled."""

    exit_code: ClassVar[int] = 3


class TargetMismatchError(CompilationError):
    """The circuit does not fit this target."""


class CapacityError(CompilationError):
    """More qubits, shots or bytes than the backend gives."""


class ProviderError(HybridAssetsError):
    """The provider or its backend failed."""

    exit_code: ClassVar[int] = 6


class TransientProviderError(ProviderError):
    """The provider failed in a way that may pass."""


class RateLimitedError(TransientProviderError):
    """The provider asked to slow down."""


class BackendUnavailableError(TransientProviderError):
    """The backend takes no jobs now."""


class SubmissionUnknownError(ProviderError):
    """A submission may have been accepted; its answer was lost."""


class PermanentProviderError(ProviderError):
    """The provider refused for good."""


class JobFailedError(PermanentProviderError):
    """A job ended without a result."""


class JobCancelledError(PermanentProviderError):
    """A job was cancelled."""


class ResultError(HybridAssetsError):
    """A result cannot be used."""


class ResultIntegrityError(ResultError):
    """A result does not match what was asked for."""


class ContradictionError(ResultIntegrityError):
    """A value beats a proved optimum or bound: one of the two is wrong."""


class IncomparableError(ResultError):
    """Two numbers do not belong to the same instance."""


class WarehouseError(HybridAssetsError):
    """The warehouse refused rows or a query."""

    exit_code: ClassVar[int] = 3


class QueryError(WarehouseError):
    """A query is wrong, or is none that may be asked."""

    exit_code: ClassVar[int] = 2


class CheckFailedError(HybridAssetsError):
    """A check failed before publication.

    Attributes:
        checks: `model.stages.CheckOutcome` of all checks that were tried, passed ones too.
    """

    exit_code: ClassVar[int] = 7

    def __init__(self, message: str = "", *, checks: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.checks = checks


class ApprovalRequiredError(HybridAssetsError):
    """A person has to approve first."""

    exit_code: ClassVar[int] = 4


class BudgetExceededError(HybridAssetsError):
    """A budget has no room for it."""

    exit_code: ClassVar[int] = 5
