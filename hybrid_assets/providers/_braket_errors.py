"""Errors of AWS -> ours. Put codes here, nowhere else; a code that is not in the table is terminal.

Sources: the errors of each operation in botocore's service model of Braket, and AWS's common errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import (
    BackendUnavailableError,
    ConfigurationError,
    CredentialsError,
    PermanentProviderError,
    RateLimitedError,
    SubmissionUnknownError,
    TransientProviderError,
)
from hybrid_assets.model.diagnosis import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybrid_assets.errors import HybridAssetsError

_REFUSED_SECRET = "Check AWS's credentials, their permissions for braket and s3, and this machine's clock."  # noqa: S105 - a sentence

#: Code -> what it lets us do, and what a person may do about it.
CODES: Mapping[str, tuple[type[HybridAssetsError], str]] = {
    "ThrottlingException": (RateLimitedError, "It is tried again."),
    "TooManyRequestsException": (RateLimitedError, "It is tried again."),
    "RequestLimitExceeded": (RateLimitedError, "It is tried again."),
    "SlowDown": (RateLimitedError, "It is tried again."),
    "ServiceQuotaExceededException": (RateLimitedError, "It is tried again; see Service Quotas and spending limits."),
    "DeviceOfflineException": (BackendUnavailableError, "It is tried again when the device is back."),
    "DeviceRetiredException": (PermanentProviderError, "Choose another `device` in the settings."),
    "ValidationException": (PermanentProviderError, "The request itself is refused."),
    "ResourceNotFoundException": (
        PermanentProviderError,
        "There is no such task or device in this account and region.",
    ),
    "ConflictException": (PermanentProviderError, "The task is not in a state for it."),
    "InternalServiceException": (TransientProviderError, "It is tried again."),
    "NoSuchKey": (TransientProviderError, "The result is not in the bucket (yet)."),
    "NoSuchBucket": (ConfigurationError, "Correct `s3_bucket` in the settings."),
    **dict.fromkeys(
        (
            "AccessDeniedException",
            "AccessDenied",
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "RequestExpired",
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ),
        (CredentialsError, _REFUSED_SECRET),
    ),
}
#: Answers to a creation after which the task may exist all the same: the service failed half-way, or knows the token.
_MAYBE_CREATED = frozenset({"InternalServiceException", "ConflictException"})
_SERVER_ERROR = 500


def table() -> tuple[ErrorCode, ...]:
    """Return what each code leads to, for people; the last one stands for all others."""
    known = [ErrorCode(code=code, error_class=error.__name__, action=text) for code, (error, text) in CODES.items()]
    unclear = ErrorCode(
        code="no answer, or HTTP 5xx, to a creation",
        error_class=SubmissionUnknownError.__name__,
        action="The task may exist: it is looked for by its tag and never made again blindly.",
    )
    others = ErrorCode(
        code="any other",
        error_class=PermanentProviderError.__name__,
        action="It ends the kernel; a person decides.",
    )
    return (*known, unclear, others)


def translated(exc: Exception, doing: str, *, creates: bool = False) -> HybridAssetsError:
    """Return our error for one of botocore's.

    Args:
        exc: A ``ClientError`` or ``BotoCoreError``.
        doing: What was tried, for the message: ``"create a task"``.
        creates: Whether it was the creation of a task, where an answer that is missing or unclear leaves open whether
            the task exists.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 - botocore is needed only where AWS is used

    what = f"AWS could not {doing}: {str(exc).rstrip('.')}."
    if isinstance(exc, ClientError):
        return _answered(exc, what, creates=creates)
    return _unanswered(exc, what, creates=creates)


def _answered(exc: Any, what: str, *, creates: bool) -> HybridAssetsError:
    code = str(exc.response.get("Error", {}).get("Code", ""))
    about = exc.response.get("ResponseMetadata", {})
    is_server_error = int(about.get("HTTPStatusCode", 0)) >= _SERVER_ERROR
    facts: dict[str, object] = {"code": code}
    retry_after = str(about.get("HTTPHeaders", {}).get("retry-after", ""))
    if retry_after.isdigit():
        facts["retry_after_s"] = float(retry_after)
    if creates and (code in _MAYBE_CREATED or (is_server_error and code not in CODES)):
        return SubmissionUnknownError(f"{what} The task may exist; it is looked for by its tag.", **facts)
    default = (TransientProviderError, "It is tried again.") if is_server_error else (PermanentProviderError, "")
    error, advice = CODES.get(code, default)
    return error(f"{what} {advice}".rstrip(), **facts)


def _unanswered(exc: Exception, what: str, *, creates: bool) -> HybridAssetsError:
    from botocore import exceptions as known  # noqa: PLC0415 - botocore is needed only where AWS is used

    facts: dict[str, object] = {"code": type(exc).__name__}
    secrets = (
        known.NoCredentialsError,
        known.PartialCredentialsError,
        known.CredentialRetrievalError,
        known.ProfileNotFound,
        known.SSOError,
        known.TokenRetrievalError,
    )
    if isinstance(exc, secrets):
        return CredentialsError(f"{what} {_REFUSED_SECRET}", **facts)
    if isinstance(exc, known.ParamValidationError):
        return PermanentProviderError(what, **facts)
    if creates:
        return SubmissionUnknownError(f"{what} No answer: the task may exist; it is looked for by its tag.", **facts)
    if isinstance(exc, known.ConnectionError | known.HTTPClientError):
        return BackendUnavailableError(f"{what} It is tried again.", **facts)
    return TransientProviderError(f"{what} It is tried again.", **facts)
