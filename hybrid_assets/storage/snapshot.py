"""SQL over the warehouse: `snapshot.duckdb` for a user's own DuckDB, `query` for ours. Put every piece of SQL here.

The snapshot holds only views over the Parquet files, so it never goes stale and nobody waits for a lock on it. `query`
does not open it: it hands the engine the files as Arrow datasets and takes all access to files away from it. (A folder
DuckDB may read it may also write: ``WITH x AS (COPY ... TO ...) SELECT`` is a SELECT to its parser, even inside
``query('...')``.) Names come from `tables`, paths from the settings; a user's values travel as parameters only.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import ConfigurationError, QueryError, WarehouseError
from hybrid_assets.model.text import nearest
from hybrid_assets.storage.benchmark_views import VIEWS as DERIVED
from hybrid_assets.storage.compaction import sources
from hybrid_assets.storage.files import TEMPORARY_PREFIX, write_atomically
from hybrid_assets.storage.tables import TABLES
from hybrid_assets.storage.warehouse import DATA_FILE, Warehouse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb
    import pyarrow.dataset as pad

    from hybrid_assets.storage.tables import Table

SNAPSHOT = "snapshot.duckdb"
VIEWS = "views.sql"
#: Read by DuckDB 1.0 and later; the version a DuckDB 2 writes by itself is refused by every 1.x command line.
STORAGE_VERSION = "v1.0.0"
#: In this order: the last one locks the others.
_LOCK_DOWN = (
    "SET TimeZone = 'UTC'",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET memory_limit = '1GB'",
    "SET temp_directory = ''",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
#: Statement types that only ask; MULTI is what PIVOT is parsed to, DESCRIBE, SHOW and SUMMARIZE are SELECTs.
_QUESTIONS = {"SELECT", "EXPLAIN", "MULTI"}
#: Functions that take the name of a table as a value; otherwise a question that means a table holds its name.
_COMPUTED_NAME = re.compile(r"\bquery(_table)?\b")
_LISTS_VIEWS = re.compile(r"\bshow\b|\binformation_schema\b|\bduckdb_\w+")
_UNKNOWN_TABLE = re.compile(r"Table with name (.+?) does not exist")


def views_sql(home: Path) -> str:
    """Return the statements that make one view a table over the files under a home folder, and the derived ones.

    Raises:
        ConfigurationError: The folder's name has characters that DuckDB takes for a pattern.
    """
    warehouse = Warehouse(home.resolve())
    tables = "".join(_view_sql(name, warehouse.folder(name)) for name in TABLES)
    return tables + "".join(f'CREATE OR REPLACE VIEW "{name}" AS {sql};\n' for name, sql in DERIVED.items())


def _view_sql(name: str, folder: Path) -> str:
    if found := re.search(r"[*?\[\]{}]", str(folder)):
        raise ConfigurationError(
            f"The state folder {folder.parent.parent} has {found[0]!r} in its name, which DuckDB reads as a pattern. "
            "Set HYBRID_ASSETS_HOME to a folder without it."
        )
    columns = ", ".join(f'"{column}"' for column in TABLES[name].schema.names)
    pattern = f"{folder}/**/{DATA_FILE}".replace("'", "''")
    return (
        f'CREATE OR REPLACE VIEW "{name}" AS SELECT {columns}\n'  # noqa: S608 - names of tables.py, path of the settings
        f"  FROM read_parquet('{pattern}', union_by_name = true, hive_partitioning = false);\n"
    )


def publish_snapshot(home: Path) -> Path:
    """Make `snapshot.duckdb` in a home folder, unless it is there with the same views; return its path.

    It is replaced by rename: a user who has the old one open keeps it and blocks nobody.

    Raises:
        ConfigurationError: See `views_sql`.
        WarehouseError: DuckDB refused, for example because a data file is damaged.
    """
    path, definition = home / SNAPSHOT, home / VIEWS
    sql = views_sql(home)
    warehouse = Warehouse(home)
    for name in TABLES:
        warehouse.ensure_schema_file(name)
    if path.exists() and definition.exists() and definition.read_text(encoding="utf-8") == sql:
        return path
    write_atomically(path, _build(home, sql))
    write_atomically(definition, sql.encode())
    return path


def _build(home: Path, sql: str) -> bytes:
    import duckdb  # noqa: PLC0415 - heavy; only who asks for SQL pays

    draft = home / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
    literal = str(draft.resolve()).replace("'", "''")
    try:
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{literal}' AS snapshot (STORAGE_VERSION '{STORAGE_VERSION}')")
            connection.execute("USE snapshot")
            connection.execute(sql)
            connection.execute("USE memory")
            connection.execute("DETACH snapshot")
        return draft.read_bytes()
    except duckdb.Error as exc:
        raise _refusal(exc) from exc
    finally:
        draft.unlink(missing_ok=True)


def query(home: Path, sql: str, *, parameters: Sequence[Any] | None = None) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Answer one question over the tables; return column names and rows. Times come in UTC.

    Nothing can be changed, read or written but the tables: the engine has no access to files at all.

    Args:
        home: Folder of the state.
        sql: One SELECT, EXPLAIN, DESCRIBE, SHOW, SUMMARIZE or PIVOT.
        parameters: Values of ``?`` or ``$1`` in the text.

    Raises:
        QueryError: The statement is no question or is wrong; the message says what to do.
        WarehouseError: It met a damaged file or the limit of memory.
    """
    ((columns, rows),) = query_all(home, [sql], parameters=parameters)
    return columns, rows


def query_all(
    home: Path, questions: Sequence[str], *, parameters: Sequence[Any] | None = None
) -> list[tuple[list[str], list[tuple[Any, ...]]]]:
    """Answer several questions as `query` does, each with the same parameters, over one opening of the tables.

    Raises:
        QueryError: As `query`.
        WarehouseError: As `query`.
    """
    import duckdb  # noqa: PLC0415 - heavy; only who asks for SQL pays

    for last in (False, False, True):
        read: list[Path] = []
        with duckdb.connect() as connection:
            try:
                _register(connection, home, questions, read)
                for statement in _LOCK_DOWN:
                    connection.execute(statement)
                return [_answer(connection, sql, parameters) for sql in questions]
            except (duckdb.Error, OSError, ValueError) as exc:
                # Somebody has published what a segment held, which therefore is gone; a data file never goes.
                if last or all(path.exists() for path in read):
                    raise _refusal(exc) from exc
    raise AssertionError("unreachable: the last attempt returns or raises")


def _register(connection: duckdb.DuckDBPyConnection, home: Path, questions: Sequence[str], read: list[Path]) -> None:
    """Make every table known, and those that the questions can mean readable; ``read`` takes their files."""
    import pyarrow.dataset as pad  # noqa: PLC0415 - heavy; only who asks for SQL pays

    text = " ".join(questions).lower()
    is_any = _COMPUTED_NAME.search(text)
    derived: list[str] = []
    for name in reversed(tuple(DERIVED)):  # a later one may read an earlier one
        if is_any or name in text or _LISTS_VIEWS.search(text):
            derived.insert(0, name)
            text += f" {DERIVED[name].lower()}"
    warehouse = Warehouse(home)
    for name, table in TABLES.items():
        if is_any or name in text:
            files = sources(warehouse, name)
            read += files
            connection.register(name, _dataset(warehouse, table, files))
        else:
            connection.register(name, pad.dataset(table.schema.empty_table()))
    for name in derived:
        connection.execute(f'CREATE TEMP VIEW "{name}" AS {DERIVED[name]}')


def _answer(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] | None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    _check_question(connection, sql)
    answer = connection.execute(sql, parameters)
    return [column[0] for column in answer.description or ()], answer.fetchall()


def _dataset(warehouse: Warehouse, table: Table, files: Sequence[Path]) -> pad.Dataset:
    import pyarrow as pa  # noqa: PLC0415 - with the next
    import pyarrow.dataset as pad  # noqa: PLC0415 - heavy; only who asks for SQL pays

    if not files:
        return pad.dataset(table.schema.empty_table())
    # Without a file being opened, a condition on a partition column rules out the partitions that cannot meet it.
    keys = pad.partitioning(pa.schema([table.schema.field(key) for key in table.partition_by]), flavor="hive")
    # A text that is repeated travels as a number, as it is stored: half the time of a question over a year.
    texts = [field.name for field in table.schema if field.type == pa.string()]
    numbered = pa.dictionary(pa.int32(), pa.string())
    return pad.dataset(
        [str(path) for path in files],
        schema=pa.schema([field.with_type(numbered) if field.name in texts else field for field in table.schema]),
        format=pad.ParquetFileFormat(read_options=pad.ParquetReadOptions(dictionary_columns=texts)),
        partitioning=keys,
        partition_base_dir=str(warehouse.folder(table.name).parent),
    )


def _check_question(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise QueryError(
            f"Ask one question at a time; this text holds {len(statements)} statements. For example: from verdicts"
        )
    kind = statements[0].type.name
    if kind not in _QUESTIONS:
        raise QueryError(
            f"{kind} is not allowed here: only SELECT, EXPLAIN, DESCRIBE, SHOW, SUMMARIZE and PIVOT. "
            f"To change data materialize it again; to work on it freely open a copy of {SNAPSHOT}."
        )


#: Lines of an answer of DuckDB's that a person may want to read.
_MAX_LINES = 8


def _refusal(exc: Exception) -> WarehouseError:
    import duckdb  # noqa: PLC0415 - is imported by now

    lines = str(exc).split("\n\n", maxsplit=1)[0].strip().splitlines()
    text = "\n".join(lines[:_MAX_LINES])  # DuckDB lists fifty functions where none fits
    if found := _UNKNOWN_TABLE.search(text):
        name = found[1].strip('"')
        known = sorted([*TABLES, *DERIVED])
        return QueryError(f"There is no view {name!r}. {nearest(name, known)}Views: {', '.join(known)}.")
    if isinstance(exc, duckdb.PermissionException):
        return QueryError(
            "A question may read the views only: access to files and settings is taken away from it, so that it reads, "
            f"writes and loads nothing else. To read files beside them open a copy of {SNAPSHOT} in a DuckDB of your "
            f"own. DuckDB says: {text}"
        )
    if DATA_FILE in text or "parquet" in text.lower():
        text += "\nIf a file is damaged, `hybrid-assets doctor` finds it and sets it aside."
    elif isinstance(exc, (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError)):
        return QueryError(f'{text}\n"show tables" lists the views, "describe verdicts" the columns of one.')
    return WarehouseError(text)
