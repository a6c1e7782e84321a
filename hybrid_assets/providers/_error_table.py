"""The table of error codes as people read it: code, our error class, what is done. Put words about codes here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid_assets.model.diagnosis import ErrorCode
from hybrid_assets.providers._error_codes import CODES, ERROR_CLASSES, CodeClass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ACTIONS: Mapping[CodeClass, str] = {
    CodeClass.TRANSIENT: "the same kernels again after a pause, a bounded number of times; then in halves",
    CodeClass.WAIT: "waits, then the same kernels again; no attempt counts",
    CodeClass.SPLIT: "split in halves; a single kernel goes to another backend or a person",
    CodeClass.RECOMPILE: "compiled again for the target as it is now",
    CodeClass.OTHER_BACKEND: "waits until the backend takes jobs again; the fallback ladder may answer meanwhile",
    CodeClass.NEVER: "never repeated: the kernel is set aside with its reason (several are told apart in halves first)",
}

#: What has no code of the service.
_WITHOUT_CODE = (
    (
        "no answer to a job's POST",
        "SubmissionUnknownError",
        "looked for by its tag; sent again only when proved absent",
    ),
    ("HTTP 5xx on a job's POST", "SubmissionUnknownError", "as above: the job may exist"),
    ("HTTP 401", "CredentialsError", "signed in anew once; then waits for a person"),
    ("HTTP 403", "CredentialsError", "waits for a person: the token has no access to the instance"),
    ("HTTP 404", "PermanentProviderError", "never repeated: there is no such job or backend"),
    ("HTTP 429", "RateLimitedError", "waits, at least as long as Retry-After says"),
    ("HTTP 503", "BackendUnavailableError", "asked again later; jobs that were sent are kept"),
    ("other HTTP 5xx, lost connection", "TransientProviderError", "asked again later; jobs that were sent are kept"),
)


def error_table() -> Sequence[ErrorCode]:
    """Return what each code leads to, codes in increasing order, the rule for unknown ones last."""
    listed = [
        ErrorCode(code=code, error_class=ERROR_CLASSES[kind], action=ACTIONS[kind])
        for code, kind in sorted(CODES.items(), key=lambda item: int(item[0]))
    ]
    named = [ErrorCode(code=code, error_class=name, action=action) for code, name, action in _WITHOUT_CODE]
    unknown = ErrorCode(
        code="any other",
        error_class=ERROR_CLASSES[CodeClass.NEVER],
        action=f"{ACTIONS[CodeClass.NEVER]}; a person looks",
    )
    return (*listed, *named, unknown)
