"""What makes two versions of a partition the same data. Put the canonical encoding here; keep Parquet out.

Hashed are the table's name, the row count, and of each stable column its name, type and values, in the order the rows
were published in (callers publish in a fixed order; another order is another version). The bytes of the Parquet file
do not enter: they differ between pyarrow versions.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from hybrid_assets.storage.tables import Table


def data_version(table: Table, rows: pa.Table) -> str:
    """Return the SHA-256 (64 hex digits) of the stable columns of rows that have the table's schema."""
    digest = hashlib.sha256(f"{table.name} {rows.num_rows}\n".encode())
    for field in table.schema:
        if field.name not in table.volatile:
            digest.update(f"{field.name} {field.type}\n".encode())
            _feed(digest, pa.concat_arrays(rows.column(field.name).chunks or [pa.array([], field.type)]))
    return digest.hexdigest()


def _feed(digest: Any, array: pa.Array) -> None:
    """Feed validity, then values with empty ones zeroed: what lies under a NULL is not data."""
    digest.update(np.asarray(array.is_valid(), dtype=bool).tobytes())
    kind = array.type
    if pa.types.is_list(kind):
        digest.update(_integers(pc.list_value_length(array)))
        _feed(digest, array.flatten())
    elif pa.types.is_string(kind):
        text = array.fill_null("")
        digest.update(_integers(pc.binary_length(text)))
        joined = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(text)], pa.int32()), text), "")
        digest.update(joined[0].as_buffer())
    elif pa.types.is_floating(kind):
        # Adding zero makes -0.0 and 0.0 the same value.
        digest.update((array.fill_null(0.0).to_numpy(zero_copy_only=False).astype("<f8") + 0.0).tobytes())
    elif pa.types.is_date(kind):
        digest.update(_integers(array.cast(pa.int32())))
    else:
        digest.update(_integers(array))


def _integers(array: pa.Array) -> bytes:
    return bytes(array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False).astype("<i8").tobytes())
