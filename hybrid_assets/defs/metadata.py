"""What a materialization shows in the UI: numbers per night, a sparkline, a small table, the column schema."""

import base64
import os
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from hybrid_assets.model.stages import StageOutcome
from hybrid_assets.storage.column_meanings import meaning
from hybrid_assets.storage.tables import TABLES, column_types

#: Where links of outcomes begin, e.g. ``http://127.0.0.1:3001``; not set: they are relative to the UI's own address.
REPORTS_URL_VARIABLE = "HYBRID_ASSETS_REPORTS_URL"
#: Nights in a sparkline; more would pass the 1,000 characters of Markdown that Dagster shows inline.
SPARKLINE_NIGHTS = 27


def column_schema(table: str) -> dg.TableSchema:
    """Return a warehouse table's columns for the UI."""
    columns = column_types(TABLES[table])
    return dg.TableSchema([dg.TableColumn(name, kind, meaning(table, name)) for name, kind in columns])


def outcome_metadata(outcome: StageOutcome, trend: Sequence[float]) -> dict[str, Any]:
    """Return the metadata of a materialization."""
    metadata: dict[str, Any] = {"dagster/row_count": outcome.rows}
    metadata |= {key: _number(value) for key, value in outcome.numbers.items()}
    metadata |= {key: dg.MetadataValue.text(value) for key, value in outcome.notes.items()}
    base = os.environ.get(REPORTS_URL_VARIABLE, "")
    metadata |= {key: dg.MetadataValue.url(f"{base}{url}") for key, url in outcome.links.items()}
    metadata |= {key: dg.MetadataValue.path(path) for key, path in outcome.paths.items()}
    metadata |= {key: dg.MetadataValue.md(text) for key, text in outcome.markdown.items()}
    if outcome.sample:
        metadata["sample"] = _table(outcome.sample)
    if trend and outcome.headline:
        metadata[f"{outcome.headline}_by_night"] = sparkline(trend)
    return metadata


def sparkline(values: Sequence[float], *, width: int = 140, height: int = 36) -> dg.MarkdownMetadataValue:
    """Return a small line chart that Dagster shows inline, oldest value first, the last one written beside it."""
    values = values[-SPARKLINE_NIGHTS:]
    low, high = min(values), max(values)
    step, scale = width / max(len(values) - 1, 1), (height - 8) / ((high - low) or 1.0)
    points = " ".join(f"{i * step:.0f},{height - 4 - (v - low) * scale:.0f}" for i, v in enumerate(values))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + 50}" height="{height}">'
        f'<polyline fill="none" stroke="#2f6fde" stroke-width="2" points="{points}"/>'
        f'<text x="{width + 4}" y="14" font-size="12">{values[-1]:.3g}</text></svg>'
    )
    return dg.MetadataValue.md(f"![trend](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})")


def _number(value: float) -> dg.IntMetadataValue | dg.FloatMetadataValue:
    # Sixteen digits are noise to a reader; the tables keep them.
    return dg.MetadataValue.int(value) if isinstance(value, int) else dg.MetadataValue.float(float(f"{value:.6g}"))


def _cell(value: object) -> str | float | bool:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if value is None:
        return "-"
    return value if isinstance(value, bool | int | str) else str(value)


def _table(rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    records = [dg.TableRecord({key: _cell(value) for key, value in row.items()}) for row in rows]
    columns = [dg.TableColumn(name) for name in rows[0]]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))
