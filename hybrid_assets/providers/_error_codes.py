"""Error codes of the IBM Runtime service and what each lets us do. Put codes here, nowhere else.

The emulated QPU fails with the same codes, so that what is rehearsed on it is what the real service will trigger.
A code that is not in the table is terminal: a person decides. Source: the public list of error codes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class CodeClass(StrEnum):
    """What to do about a failure."""

    TRANSIENT = "transient"  # the same request again, after a pause
    WAIT = "wait"  # the same request again, once something else has ended
    SPLIT = "split"  # fewer or shorter kernels in a job
    RECOMPILE = "recompile"  # the circuits are not for the target as it is now
    OTHER_BACKEND = "other_backend"  # this backend cannot do it for now
    NEVER = "never"  # the request itself is refused


#: Name of the exception class (see `errors`) each stands for in `JobReport.error_class`.
ERROR_CLASSES: Mapping[CodeClass, str] = {
    CodeClass.TRANSIENT: "TransientProviderError",
    CodeClass.WAIT: "RateLimitedError",
    CodeClass.SPLIT: "CapacityError",
    CodeClass.RECOMPILE: "TargetMismatchError",
    CodeClass.OTHER_BACKEND: "BackendUnavailableError",
    CodeClass.NEVER: "JobFailedError",
}

_LISTED: Mapping[CodeClass, str] = {
    CodeClass.TRANSIENT: (
        "1000 1006 1008 1010 1011 1216 1217 2100 2301 2308 2310 2311 2400 2404 2405 2412 3202-3204 3208 3210 "
        "3212-3214 3233-3235 3251 3253 3300 3301 3704 5203 5204"
    ),
    CodeClass.WAIT: "1012 3458 1202 2402 1999 3459",
    CodeClass.SPLIT: "1001 1102 1103 3242 3243 3248 5201 5302 6000 6002 1305 8020",
    CodeClass.RECOMPILE: "1106 1107 7000 7001 8006-8008",
    CodeClass.OTHER_BACKEND: "1004 1005 1009 1109 2000-2002 2600-2622 3200 3245 3246 3265",
    CodeClass.NEVER: (
        "1002 1003 1200 1201 1204 1205 1105 1517 2407-2411 3207 3211 3218 3220 3226 3236 3237 4001 4317 5202 7002-7009"
    ),
}

#: Codes the emulated QPU uses.
INTERNAL_FAILURE = "5203"  # a job failed for no reason of its own
TOO_LONG = "1305"
TOO_LARGE = "6000"  # shots, executions, PUBs or bytes beyond a limit
TOO_MANY_REQUESTS = "1202"
NOT_FOR_THIS_TARGET = "1106"
REFUSED_CIRCUIT = "1517"
#: There is no such batch or session (any more): the job was refused, and goes into a new one.
CLOSED_SESSION = frozenset({"1216", "1217", "4001"})


def _expanded(listed: Mapping[CodeClass, str]) -> dict[str, CodeClass]:
    table: dict[str, CodeClass] = {}
    for kind, codes in listed.items():
        for item in codes.split():
            first, _, last = item.partition("-")
            table.update({str(code): kind for code in range(int(first), int(last or first) + 1)})
    return table


#: Code -> class.
CODES: Mapping[str, CodeClass] = _expanded(_LISTED)


def classify(error_code: str | None) -> CodeClass:
    """Return what a failure with this code lets us do; a code that is not known is `CodeClass.NEVER`."""
    return CODES.get(error_code or "", CodeClass.NEVER)


def error_class(error_code: str | None) -> str:
    """Return the name of the exception class a code stands for."""
    return ERROR_CLASSES[classify(error_code)]
