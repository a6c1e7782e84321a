"""Rules that rows must meet before they are published. Put a rule here when breaking it must keep a number back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import CheckFailedError
from hybrid_assets.model.results import ReferenceKind
from hybrid_assets.model.stages import CheckOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybrid_assets.runner.answering import Substitute
    from hybrid_assets.runner.kernels import Kernel
    from hybrid_assets.storage.warehouse import Warehouse

#: Rounding of sums of float64 terms; a larger excess over a proved optimum is an error somewhere.
RATIO_TOLERANCE = 1e-9


def row_count(rows: Sequence[dict[str, Any]], *, expected: int, of: str) -> CheckOutcome:
    """Exactly the expected number of rows, so that nothing is silently missing."""
    return CheckOutcome(
        name="row_count",
        passed=len(rows) == expected,
        description=f"{len(rows)} rows for {expected} {of}.",
        facts={"rows": len(rows), "expected": expected},
    )


def unique(rows: Sequence[dict[str, Any]], *, key: Sequence[str]) -> CheckOutcome:
    """No two rows with the same key."""
    repeats = len(rows) - len({tuple(row[column] for column in key) for row in rows})
    return CheckOutcome(
        name="unique_key", passed=repeats == 0, description=f"{repeats} rows repeat another's {', '.join(key)}."
    )


def shots_add_up(wrong: Sequence[str]) -> CheckOutcome:
    """Every kernel's raw counts hold exactly the shots that were asked for; ``wrong`` lists those that do not."""
    return CheckOutcome(
        name="shots_add_up",
        passed=not wrong,
        description="Raw counts add up to the shots of every row."
        if not wrong
        else f"Raw counts of {', '.join(wrong[:5])} do not add up.",
    )


def every_kernel_answered(kernels: Sequence[Kernel], substitutes: Mapping[str, Substitute]) -> CheckOutcome:
    """Every kernel has a result of its backend; those that have none are named, and their rows say why."""
    lost = [k for k in kernels if k.kernel_id in substitutes]
    failed = sum(not substitutes[k.kernel_id].is_answer for k in lost)
    named = "; ".join(
        f"{k.instance.name}/{k.template.logical.label} ({substitutes[k.kernel_id].reason.rstrip('.')})"
        for k in lost[:3]
    )
    return CheckOutcome(
        name="every_kernel_answered",
        passed=not lost,
        blocking=False,
        description=f"{len(lost)} of {len(kernels)} kernels ended without a result of the backend, and a fallback "
        f"answered for {len(lost) - failed} of them: {named}."
        if lost
        else f"All {len(kernels)} kernels have results.",
        facts={"failed": failed, "fallback": len(lost) - failed, "kernels": len(kernels)},
    )


def no_ratio_above_one(rows: Sequence[dict[str, Any]], contradictions: Sequence[str] = ()) -> CheckOutcome:
    """Nothing beats a proved optimum: neither a ratio in the rows nor what scoring refused to make a row of."""
    above = [
        f"{row['method']} on {row['instance']}"
        for row in rows
        if row["reference_kind"] in {ReferenceKind.PROVED, ReferenceKind.BOUND}
        and max(row["ratio"] or 0.0, row["best_ratio"] or 0.0) > 1 + RATIO_TOLERANCE
    ]
    found = [*contradictions, *([f"Above a proved optimum or bound: {', '.join(above[:5])}."] if above else [])]
    return CheckOutcome(
        name="no_ratio_above_proved_optimum",
        passed=not found,
        description=" ".join(found[:5]) or "No method beats a proved optimum or bound.",
    )


def schema(
    warehouse: Warehouse, table: str, rows: Sequence[Mapping[str, Any]], partition: Mapping[str, str]
) -> CheckOutcome:
    """The warehouse takes the rows as they are: every column there, of its type, keys not null."""
    refusal = warehouse.refusal(table, rows, partition=partition)
    return CheckOutcome(
        name="schema", passed=refusal is None, description=refusal or f"{len(rows)} rows fit the table {table}."
    )


def require(checks: Sequence[CheckOutcome], *, what: str) -> None:
    """Refuse publication when a blocking check failed.

    Raises:
        CheckFailedError: Its ``checks`` are all outcomes.
    """
    failed = [check for check in checks if check.blocking and not check.passed]
    if failed:
        reasons = " ".join(f"{check.name}: {check.description}" for check in failed)
        raise CheckFailedError(f"{what} was not published. {reasons} The earlier version stays.", checks=tuple(checks))
