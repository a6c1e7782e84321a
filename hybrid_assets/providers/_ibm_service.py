"""Asking IBM's service: one bounded call each, a new service object where one has gone bad, errors of ours only.

Put the rules about calls here: what is tried once more, and what a submission's end proves. Questions are
`_ibm_client`'s, translation is `_ibm_errors`'.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, TypeVar

from hybrid_assets.circuits.importing import import_for_good
from hybrid_assets.errors import (
    CredentialsError,
    HybridAssetsError,
    PermanentProviderError,
    SubmissionUnknownError,
    TransientProviderError,
)
from hybrid_assets.providers._ibm_calls import Call, bounded, without_past
from hybrid_assets.providers._ibm_errors import UnauthorizedError, as_answer_to_a_question, translate
from hybrid_assets.providers._ibm_secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybrid_assets.providers._ibm_options import IbmOptions

T = TypeVar("T")


class IbmService:
    """The service as one backend uses it."""

    def __init__(self, options: IbmOptions) -> None:
        self._options = options
        self._client: Any = None

    def ask(self, doing: str, question: Callable[[Any], T]) -> T:
        """Ask something that changes nothing, or that may be done twice.

        Args:
            doing: What it is, at the beginning of a sentence.
            question: Gets an `_ibm_client.IbmClient`.

        Raises:
            ConfigurationError: Credentials or set-up, until a person mends them.
            ProviderError: Of the class that says what may help.
        """
        _import_client()
        try:
            return self._once(Call(deadline_s=self._options.deadline_s), doing, question)
        except UnauthorizedError:
            self._client = None
        except HybridAssetsError as exc:
            raise as_answer_to_a_question(exc) from None
        try:
            return self._once(Call(deadline_s=self._options.deadline_s), doing, question)
        except UnauthorizedError as exc:
            raise self._refused(exc) from None
        except HybridAssetsError as exc:
            raise as_answer_to_a_question(exc) from None

    def post(self, doing: str, submit: Callable[[Any], None]) -> str:
        """Submit a job, once, and return its id.

        Args:
            doing: What it is, at the beginning of a sentence.
            submit: Gets an `_ibm_client.IbmClient`; its last job's POST counts.

        Raises:
            SubmissionUnknownError: The POST left, and its answer does not prove that nothing was made.
            HybridAssetsError: Nothing was made; the class says what may help.
        """
        leave_until_s = time.monotonic() + self._options.leave_s
        _import_client()
        for is_second in (False, True):
            left_s = max(leave_until_s - time.monotonic(), 0.001)
            call = Call(deadline_s=left_s + self._options.post_timeout_s, leave_s=left_s)
            failure: HybridAssetsError | None = None
            try:
                self._once(call, doing, submit, fallback=PermanentProviderError)
            except HybridAssetsError as exc:
                failure = exc
            if call.job_id is not None:  # whatever happened after the answer
                return call.job_id
            if call.has_posted and not _is_refusal(call.post_status):
                words = f" ({failure})" if failure else ""
                raise SubmissionUnknownError(f"{doing}: it is not known whether the job was made.{words}")
            if not isinstance(failure, UnauthorizedError):
                raise failure or PermanentProviderError(f"{doing}: the client sent nothing and gave no reason.")
            self._client = None
            if is_second:
                raise self._refused(failure)
        raise AssertionError("unreachable")

    def secret(self) -> Secret:
        """Return the API key.

        Raises:
            CredentialsError: The environment has none.
        """
        value = os.environ.get(self._options.token_env, "").strip()
        if not value:
            raise CredentialsError(
                f"The environment variable {self._options.token_env} is not set. Put the IBM API key there (or into "
                "the project's .env file); it belongs in no setting."
            )
        return Secret(value)

    def _once(
        self,
        call: Call,
        doing: str,
        question: Callable[[Any], T],
        *,
        fallback: type[HybridAssetsError] = TransientProviderError,
    ) -> T:
        secret = self.secret()

        def work() -> T:
            failure: HybridAssetsError
            try:
                if self._client is None:
                    self._client = _import_client().open(self._options, secret)
                return question(self._client)
            except HybridAssetsError as exc:
                failure = exc
            except Exception as exc:  # noqa: BLE001 - the door at which the vendor's exceptions end
                failure = translate(exc, doing=doing, secret=secret, fallback=fallback)
            raise without_past(failure)  # outside of the handlers, so that nothing is attached to it

        try:
            return bounded(call, work, name=doing)
        finally:
            if call.is_given_up:
                self._client = None  # the thread that was given up may still use it

    def _refused(self, exc: HybridAssetsError) -> CredentialsError:
        return CredentialsError(
            f"{exc} A new one was refused as well: the API key in {self._options.token_env} is not valid (any more).",
            **exc.facts,
        )


def _import_client() -> Any:
    """Return the class of the client; before a call begins, because importing it takes seconds."""
    import_for_good()  # the threads of calls end
    from hybrid_assets.providers._ibm_client import IbmClient  # noqa: PLC0415 - as said

    return IbmClient


def _is_refusal(status: int | None) -> bool:
    """Whether an answer to a job's POST proves that no job was made."""
    return status is not None and 400 <= status < 500 and status != 408
