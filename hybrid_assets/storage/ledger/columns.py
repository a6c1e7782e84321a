"""Kinds of columns: text, numbers, seconds, times, named states.

Put what a column holds and how it is stored here; which table has which is in `schema`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import sqlalchemy as sa

from hybrid_assets.errors import HybridAssetsError
from hybrid_assets.model.fingerprint import canonical_json

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class _Time(sa.TypeDecorator[datetime]):
    """An aware time, stored as whole microseconds."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return microseconds since 1970 UTC."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise HybridAssetsError(f"The ledger needs aware times, got {value.isoformat()} without a time zone.")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC."""
        del dialect
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class _Word(sa.TypeDecorator[StrEnum]):
    """A named state, stored as its text."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        """Return its text."""
        del dialect
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """Return the state of that name."""
        del dialect
        return None if value is None else self.words(value)


class _Texts(sa.TypeDecorator[Mapping[str, str]]):
    """Texts by name, stored as JSON."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, str] | None, dialect: Dialect) -> str:
        """Return them as JSON."""
        del dialect
        return canonical_json(dict(value or {}))

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, str]:
        """Return the texts."""
        del dialect
        found: dict[str, str] = json.loads(value or "{}")
        return found


#: Postgres would sort text by the language of its server; ids sort by their bytes, as in Python.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
#: Only INTEGER counts up by itself in SQLite.
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
#: Eight bytes in every database.
_DOUBLE: sa.Double[float] = sa.Double()


def text(name: str, *, key: bool = False, null: bool = False) -> sa.Column[str]:
    """Return a column of text."""
    return sa.Column(name, TEXT, primary_key=key, nullable=null)


def number(name: str, *, key: bool = False, null: bool = False) -> sa.Column[int]:
    """Return a column of whole numbers."""
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=null, autoincrement=False)


def seconds(name: str) -> sa.Column[float]:
    """Return a column of seconds."""
    return sa.Column(name, _DOUBLE, nullable=False)


def amount(name: str, *, null: bool = False) -> sa.Column[float]:
    """Return a column of amounts: seconds, shots, money."""
    return sa.Column(name, _DOUBLE, nullable=null)


def at(name: str, *, null: bool = False) -> sa.Column[datetime]:
    """Return a column of times."""
    return sa.Column(name, _Time, nullable=null)


def word(name: str, words: type[StrEnum], *, key: bool = False, null: bool = False) -> sa.Column[StrEnum]:
    """Return a column of named states."""
    return sa.Column(name, _Word(words), primary_key=key, nullable=null)


def texts(name: str) -> sa.Column[Mapping[str, str]]:
    """Return a column of texts by name."""
    return sa.Column(name, _Texts(), nullable=False)


def serial() -> sa.Column[int]:
    """Return the key of rows that are read in order of writing."""
    return sa.Column("serial", _SERIAL, primary_key=True, autoincrement=True)


def errors() -> tuple[sa.Column[str], ...]:
    """Return the three columns of an error."""
    return tuple(text(name, null=True) for name in ("error_class", "error_code", "error_message"))
