"""Rows of flows as files: ``.csv``, ``.jsonl``, ``.parquet`` (pyarrow) and ``.duckdb`` (DuckDB, table ``flows``).

Facts differ from flow to flow, and a column's place must be known before the first row is written. So rows go to a
temporary file first, which bounds the memory; the columns are collected meanwhile.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final

from .flow_rows import COLUMNS, Row
from .whole_file import WholeFile

#: rows in one group of a Parquet file
_BATCH: Final = 10_000
#: what makes a spreadsheet take text for a formula
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_EXTRA: Final = "pip install 'pywall-core[data]'"


class TableError(Exception):
    """The table cannot be written; the text is one line that says what to do."""


def check_output(path: str | Path) -> None:
    """Check that a table can be written to ``path``, before any work is done.

    :raises TableError: the name's ending is unknown, or a library is missing
    """
    suffix = Path(path).suffix
    if suffix not in _WRITERS:
        raise TableError(f"{path}: no such kind of table; give a name that ends in {', '.join(sorted(_WRITERS))}")
    needed = {".parquet": "pyarrow", ".duckdb": "duckdb"}.get(suffix)
    if needed:
        try:
            __import__(needed)
        except ImportError:
            raise TableError(f"{path}: {suffix} files need {needed}: {_EXTRA}") from None
    if not Path(path).absolute().parent.is_dir():
        raise TableError(f"{path}: there is no such folder")
    if Path(path).is_dir():
        raise TableError(f"{path}: it is a folder")


class FlowTableFile:
    """Takes rows, and writes the table when it is closed. A context manager.

    On an exception, or when writing fails, no file is left and one that was there is not changed.

    :raises TableError: the table cannot be written
    :raises OSError: nothing can be written there
    """

    def __init__(self, path: str | Path) -> None:
        check_output(path)
        self._path = Path(path)
        # a database may hold more tables: it is changed in place, in one transaction
        is_database = self._path.suffix == ".duckdb" and self._path.exists()
        self._file = None if is_database else WholeFile(path)
        self._wanted = True
        self._spool: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed by __exit__
        self._columns: dict[str, type] = dict.fromkeys(COLUMNS, type(None))
        #: rows taken
        self.rows = 0

    def add(self, row: Row) -> None:
        """Take one row."""
        for name, value in row.items():
            known = self._columns.get(name, type(None))
            found = type(value)
            if found is known or value is None:
                if name not in self._columns:
                    self._columns[name] = known
                continue
            self._columns[name] = _common(known, found)
        self._spool.write(json.dumps(row, separators=(",", ":")) + "\n")
        self.rows += 1

    def __enter__(self) -> FlowTableFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self._wanted:
                self._write()
        finally:
            self._spool.close()
            if self._file is not None:
                self._file.discard()

    def discard(self) -> None:
        """Write no table when this is closed."""
        self._wanted = False

    def _write(self) -> None:
        fixed = list(COLUMNS)
        names = fixed + sorted(set(self._columns) - set(fixed))
        columns = {name: self._columns[name] for name in names}
        if self._file is None:
            _WRITERS[self._path.suffix](self._path, columns, self._read)
        else:
            if self._path.suffix == ".duckdb":  # DuckDB makes its files itself
                self._file.discard()
            _WRITERS[self._path.suffix](self._file.part, columns, self._read)
            self._file.publish()

    def _read(self) -> Iterator[Row]:
        self._spool.seek(0)
        for line in self._spool:
            yield json.loads(line)


def _common(known: type, found: type) -> type:
    """Return the type that a column with values of both types gets: numbers widen, anything else becomes text."""
    if known is type(None) or known is found:
        return found
    if {known, found} == {int, float}:
        return float
    return str


Rows = Callable[[], Iterator[Row]]


def _write_csv(path: Path, columns: dict[str, type], rows: Rows) -> None:
    _write_cells(path, columns, rows, _spreadsheet_cell)


def _write_cells(path: Path, columns: dict[str, type], rows: Rows, cell: Callable[[Any], Any]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows():
            writer.writerow([cell(row.get(name)) for name in columns])


def _spreadsheet_cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe in front
    (OWASP, CSV Injection)."""
    value = _cell(value)
    return f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA else value


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (list, dict)) else value


def _write_jsonl(path: Path, columns: dict[str, type], rows: Rows) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows():
            file.write(json.dumps({name: row[name] for name in columns if name in row}, separators=(",", ":")) + "\n")


def _write_parquet(path: Path, columns: dict[str, type], rows: Rows) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    schema = pa.schema([(name, types.get(kind, pa.string())) for name, kind in columns.items()])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _batches(rows()):
            arrays = [
                pa.array([_typed(row.get(name), columns[name]) for row in batch], schema.field(name).type)
                for name in columns
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _typed(value: Any, kind: type) -> Any:
    if value is None or isinstance(value, kind) or (kind is float and isinstance(value, int)):
        return _cell(value)
    return json.dumps(value)


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _write_duckdb(path: Path, columns: dict[str, type], rows: Rows) -> None:
    import duckdb

    types = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE"}
    definitions = ", ".join(f"{_quoted(name)} {types.get(kind, 'VARCHAR')}" for name, kind in columns.items())
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as spool:
        _write_cells(Path(spool.name), columns, rows, _cell)
        try:
            connection = duckdb.connect(str(path))
        except duckdb.Error as error:
            raise TableError(f"{path}: {str(error).splitlines()[0]}") from None
        try:
            connection.begin()
            connection.execute(f"CREATE OR REPLACE TABLE flows ({definitions})")
            connection.execute(f"COPY flows FROM '{spool.name}' (FORMAT csv, HEADER true)")
            connection.commit()
        except duckdb.Error as error:
            raise TableError(f"{path}: {str(error).splitlines()[0]}") from None
        finally:
            connection.close()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_WRITERS: Final[dict[str, Callable[[Path, dict[str, type], Rows], None]]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
    ".duckdb": _write_duckdb,
}
