"""What a stage of a night hands back to whoever asked for it. Put facts for people here, no Dagster types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutcome:
    """One rule, tried on rows before they are published."""

    name: str
    passed: bool
    #: What was found, in one sentence.
    description: str
    #: A failed blocking check keeps the rows from being published.
    blocking: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageOutcome:
    """A stage's published partition, or why nothing was published."""

    rows: int
    #: Content hash of the published rows, empty when nothing was published.
    data_version: str
    #: Numbers worth a line chart over the nights.
    numbers: Mapping[str, float] = field(default_factory=dict)
    #: The one of them that is drawn beside the asset, or None.
    headline: str | None = None
    #: Plain sentences for people.
    notes: Mapping[str, str] = field(default_factory=dict)
    checks: tuple[CheckOutcome, ...] = ()
    #: Addresses by name, absolute or beginning with ``/``; files by name; short Markdown by name.
    links: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    markdown: Mapping[str, str] = field(default_factory=dict)
    #: A few rows worth a look.
    sample: tuple[Mapping[str, Any], ...] = ()
    #: Why the partition is not finished yet; None when it is.
    pending: str | None = None
