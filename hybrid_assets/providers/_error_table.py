"""The table of error codes as people read it: code, meaning, our error class, what is done. Put words on that here."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from hybrid_assets.model.diagnosis import ErrorCode
from hybrid_assets.providers._error_codes import CODES, ERROR_CLASSES, CodeClass, classify
from hybrid_assets.providers._error_meanings import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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


#: Codes of the public list that are not in our table, but that people meet: they count as any other.
_OTHERS = ("1007", "1291", "9999")


def error_table() -> Sequence[ErrorCode]:
    """Return what each code leads to, codes in increasing order, the rule for unknown ones last.

    Codes that follow one another, mean the same and lead to the same are one row: ``2600-2622``.
    """
    named = [ErrorCode(code=code, error_class=name, action=action) for code, name, action in _WITHOUT_CODE]
    return (*_listed(), *named, replace(_row("any other"), code="any other"))


def _listed() -> Iterator[ErrorCode]:
    codes = sorted({*CODES, *_OTHERS}, key=int)
    # Codes that follow one another differ from their places in the list by the same number.
    for (_, row), places in groupby(enumerate(codes), lambda item: (int(item[1]) - item[0], _row(item[1]))):
        run = [code for _, code in places]
        yield replace(row, code=run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}")


def _row(code: str) -> ErrorCode:
    """Return the row of a code, without the code itself."""
    kind = classify(code)
    looks = "" if code in CODES else "; a person looks"
    return ErrorCode(
        code="", error_class=ERROR_CLASSES[kind], action=f"{ACTIONS[kind]}{looks}", meaning=MEANINGS.get(code, "")
    )
