"""Whatever the client raises -> one of our errors, once, without secrets. Put that translation here, nothing else.

The client hides HTTP statuses behind its own exceptions (of 503 it even drops the number), so the chain behind an
exception is searched for the answer that caused it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any

from hybrid_assets import errors
from hybrid_assets.errors import (
    BackendUnavailableError,
    ConfigurationError,
    CredentialsError,
    HybridAssetsError,
    PermanentProviderError,
    ProviderError,
    RateLimitedError,
    TransientProviderError,
)
from hybrid_assets.providers._error_codes import CODES, error_class

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hybrid_assets.providers._ibm_secret import Secret

#: Longest quotation of the service's own words.
MAX_WORDS = 400
_CODE_IN_TEXT = re.compile(r"\b(?:Error code:?|code:?|ERR-?)\s*(\d{4})\b", re.IGNORECASE)


class UnauthorizedError(CredentialsError):
    """The service did not take the access token; a new one may help, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the service answered, as far as an exception tells."""

    status: int | None = None
    code: str | None = None
    words: str = ""
    retry_after_s: float | None = None


def translate(
    exc: BaseException, *, doing: str, secret: Secret, fallback: type[HybridAssetsError] = TransientProviderError
) -> HybridAssetsError:
    """Return the error of ours that an exception stands for.

    Args:
        exc: What was raised.
        doing: What was being done, at the beginning of a sentence.
        secret: What must not appear in the message.
        fallback: Class of what no answer and no connection is to blame for.
    """
    for link in _chain(exc):
        if isinstance(link, HybridAssetsError):
            return link
    answer = answer_of(exc)
    words = secret.scrub(answer.words or f"{type(exc).__name__}: {exc}")[:MAX_WORDS]
    kind, advice = _kind(exc, answer, fallback)
    status = f" (HTTP {answer.status})" if answer.status else ""
    code = f" [{answer.code}]" if answer.code else ""
    facts = {"code": answer.code, "status": answer.status, "retry_after_s": answer.retry_after_s}
    known = {key: value for key, value in facts.items() if value is not None}
    return kind(f"{doing} failed{status}{code}: {words.rstrip('.')}. {advice}", **known)


def answer_of(exc: BaseException) -> Answer:
    """Return the answer behind an exception; empty where there was none."""
    for link in _chain(exc):
        response = getattr(link, "response", None)
        if response is None:
            response = getattr(link, "http_response", None)
        if getattr(response, "status_code", None):
            return _answer(response)
    return Answer()


def code_in(text: str) -> str | None:
    """Return the four-digit error code that a text quotes."""
    found = _CODE_IN_TEXT.search(text)
    return found[1] if found else None


def _kind(exc: BaseException, answer: Answer, fallback: type[HybridAssetsError]) -> tuple[type[HybridAssetsError], str]:
    names = {type(link).__name__ for link in _chain(exc)}
    if names & {"IamError", "InvalidAccountError"}:
        return _sign_in(answer)
    if "does not have access" in str(exc) or "not a valid instance" in str(exc):
        return ConfigurationError, "Check `instance` in the settings."
    if answer.status is not None:
        return _by_status(answer)
    if any(_is_network(link) for link in _chain(exc)):
        return TransientProviderError, "Try again later."
    if "QiskitBackendNotFoundError" in names:
        return ConfigurationError, "Check `device` in the settings."
    return fallback, "If it comes back, check the version of qiskit-ibm-runtime."


def _sign_in(answer: Answer) -> tuple[type[HybridAssetsError], str]:
    if answer.status in {400, 401, 403}:
        return CredentialsError, "IAM refused the API key; make a new one and put it into the environment."
    if answer.status == 429:
        return RateLimitedError, "IAM asks to slow down."
    return TransientProviderError, "No access token, so nothing was asked of the service. Try again later."


#: HTTP statuses that say all there is to say.
_STATUSES: Mapping[int, tuple[type[HybridAssetsError], str]] = {
    401: (UnauthorizedError, "The access token was not accepted."),
    403: (CredentialsError, "The token has no access to this; check `instance` and the account."),
    408: (TransientProviderError, "Try again later."),
    429: (RateLimitedError, "Slow down."),
    503: (BackendUnavailableError, "Try again later."),
}


def _by_status(answer: Answer) -> tuple[type[HybridAssetsError], str]:
    status = answer.status or 0
    if status in _STATUSES:
        return _STATUSES[status]
    if status >= 500:
        return TransientProviderError, "Try again later."
    if answer.code in CODES:
        return getattr(errors, error_class(answer.code)), "See the table of error codes."
    return PermanentProviderError, "It was refused for good."


def as_answer_to_a_question(error: HybridAssetsError) -> HybridAssetsError:
    """Return an error for a question about a job: that has no circuits to split or to compile again."""
    if isinstance(error, ProviderError | ConfigurationError | errors.ResultError):
        return error
    return PermanentProviderError(str(error), **error.facts)


def _answer(response: Any) -> Answer:
    text = (response.text or "").strip()
    code, words = code_in(text), text
    try:
        content = response.json()
    except ValueError:
        content = None
    if isinstance(content, dict):
        listed = content.get("errors") or [content.get("error") or {}]
        first = listed[0] if isinstance(listed, list) and isinstance(listed[0], dict) else {}
        code = str(first["code"]) if first.get("code") else code
        words = str(first.get("message") or words)
    return Answer(
        status=response.status_code, code=code, words=words, retry_after_s=_seconds(response.headers.get("Retry-After"))
    )


def _seconds(text: str | None) -> float | None:
    """Return a Retry-After in seconds; a date there is not understood, and then our own pause counts."""
    try:
        return max(float(text), 0.0) if text else None
    except ValueError:
        return None


def _is_network(exc: BaseException) -> bool:
    """Whether an exception speaks of a connection, or of an answer that is no JSON (cut, or some proxy's page)."""
    return isinstance(exc, OSError | JSONDecodeError) or type(exc).__module__.partition(".")[0] in {
        "requests",
        "urllib3",
    }


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while exc is not None and id(exc) not in seen:
        seen.add(id(exc))
        yield exc
        exc = exc.__cause__ or exc.__context__
