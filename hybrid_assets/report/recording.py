"""What the report needs and no other stage publishes, as tables: budgets, breakers, versions.

Put what is read from the ledger or the running process here, so that the report itself is SQL alone.
"""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from hybrid_assets.control.budgets import TOLERANCE
from hybrid_assets.errors import ConfigurationError, ProviderError
from hybrid_assets.runner.driver import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from hybrid_assets.runner.project import Project

#: Packages whose version may change a number.
PACKAGES = (
    "hybrid-assets", "qiskit", "qiskit-aer", "qiskit-ibm-runtime", "dagster", "duckdb", "pyarrow", "numpy", "scipy",
    "scikit-learn", "pandas", "highspy", "dimod", "dwave-samplers", "sqlalchemy",
)  # fmt: skip


def record_night(project: Project, night: str) -> None:
    """Publish a night's budgets and breakers as they are now; again is as good as once."""
    now = utc_now()
    budgets = list(_budgets(project, night, now))
    project.warehouse.publish("budgets", budgets, partition={"night": night})
    project.warehouse.publish("breaker_events", list(_breakers(project, night, now)), partition={"night": night})


def record_environment(project: Project, night: str) -> None:
    """Publish what a night's results were made with; what an earlier process said of it stays, with its time.

    Only a process that makes results may call it: one that merely draws the report may have other versions.
    """
    known = project.warehouse.read_rows("environments", night=night)
    seen = {(row["kind"], row["name"], row["value"]) for row in known}
    now = utc_now()
    new = [
        {"night": night, "kind": kind, "name": name, "value": value, "recorded_at": now}
        for kind, name, value in _environment(project)
        if (kind, name, value) not in seen
    ]
    if new or not known:
        project.warehouse.publish("environments", [*_bare(known), *new], partition={"night": night})


def _budgets(project: Project, night: str, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the night's budgets, and those of its month and the present one.

    A month's budget goes on being spent: once a later night has been recorded, what was seen then stays as it is.
    """
    is_past = any(found["night"] > night for found in project.warehouse.partitions("budgets"))
    if is_past:
        rows = project.warehouse.read_rows("budgets", night=night)
        yield from (row for row in _bare(rows) if row["period"] != night)
    periods = {night} if is_past else {night, night[:7], f"{now:%Y-%m}"}
    for budget in project.ledger.budgets():
        if budget.window in periods:
            yield {
                "night": night,
                "team": budget.team,
                "period": budget.window,
                "unit": budget.unit.value,
                "limit": budget.limit,
                "spent": budget.spent,
                # Sums of floats that were taken off again may miss zero in their last digits.
                "reserved": budget.reserved if budget.reserved > TOLERANCE * max(budget.limit, 1.0) else 0.0,
                "recorded_at": now,
            }


def _breakers(project: Project, night: str, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the changes of each breaker while kernels of the night were waiting or on their way, and how it stands."""
    kernels, batches = project.ledger.kernels(night=night), project.ledger.batches(night=night)
    for backend in project.settings.backends:
        began = min((kernel.enqueued_at for kernel in kernels if kernel.backend == backend), default=None)
        if began is None:
            continue
        ends = [batch.finished_at or now for batch in batches if batch.backend == backend]
        ended, state, since, reason = max(ends, default=now), "closed", began, None
        for event in project.ledger.events(backend=backend, kinds=("breaker",)):
            if event.at > ended:
                break
            state, _, text = event.text.partition(": ")
            state, since, reason = state.removesuffix(" by hand"), event.at, text or None
            if event.at >= began:
                yield _event(night, backend, "change", at=since, state=state, reason=reason)
        yield _event(night, backend, "end", at=max(ended, since), state=state, reason=reason)


def _event(night: str, backend: str, kind: str, *, at: datetime, state: str, reason: str | None) -> dict[str, Any]:
    return {"night": night, "backend": backend, "kind": kind, "happened_at": at, "state": state, "reason": reason}


def _environment(project: Project) -> Iterator[tuple[str, str, str]]:
    yield "host", "python", f"{platform.python_implementation()} {platform.python_version()}"
    yield "host", "platform", f"{platform.system()} {platform.machine()}"
    for name in PACKAGES:
        try:
            yield "package", name, version(name)
        except PackageNotFoundError:
            continue
    for backend in project.settings.backends:
        try:
            who = project.provider(backend).describe()
        except (ConfigurationError, ProviderError) as exc:
            yield "backend", backend, f"not told: {type(exc).__name__}"
            continue
        # An emulated device does not call itself a simulator; whether a QPU ran is told by each result's execution.
        kind = ", simulator" if who.is_simulator else ""
        meter = "metered" if who.is_metered else "not metered"
        yield "backend", backend, f"{who.provider} {who.version}{kind}, {meter}, identity {who.identity}"


def _bare(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield rows without the columns that the warehouse fills."""
    yield from (
        {key: value for key, value in row.items() if key not in {"schema_version", "materialized_at"}} for row in rows
    )
