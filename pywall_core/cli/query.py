"""``pywall query``: SQL over tables of flows, by DuckDB."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from .common import FAILURE, OK, USAGE, add_json, complain, print_table

#: how DuckDB reads a table by its name's ending
_READERS = {
    ".parquet": "FROM read_parquet(?)",
    ".csv": "FROM read_csv(?, header = true)",
    ".jsonl": "FROM read_json(?, format = 'newline_delimited', records = true)",
    ".json": "FROM read_json(?, format = 'newline_delimited', records = true)",
}


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "query",
        help="ask tables of flows by SQL",
        description="Run one SQL statement (DuckDB's dialect) over the table `flows`: the rows of the files given, as "
        "`pywall replay --output` writes them, or the events of an EVE file (.json). Names with dots are quoted: "
        '"tls.sni".',
    )
    parser.add_argument("sql", metavar="SQL", help="for example: select app_proto, count(*) from flows group by 1")
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help=".parquet, .csv, .jsonl, .json (EVE events) or one .duckdb"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    try:
        import duckdb
    except ImportError:
        complain("query: DuckDB is not installed: pip install 'pywall-core[data]'")
        return FAILURE
    for name in args.files:
        if not Path(name).is_file():
            complain(f"query: {name}: {'a folder; name the files in it' if Path(name).is_dir() else 'no such file'}")
            return FAILURE
    if not args.sql.strip(" ;\n\t"):
        complain("query: the SQL is empty; write for example: select count(*) from flows")
        return USAGE
    suffixes = {Path(name).suffix for name in args.files}
    if len(suffixes) != 1 or (suffixes == {".duckdb"} and len(args.files) > 1):
        complain("query: give files of one kind, or one .duckdb file")
        return USAGE
    (suffix,) = suffixes
    if suffix != ".duckdb" and suffix not in _READERS:
        complain(f"query: {args.files[0]}: no table; give a name that ends in .duckdb, {', '.join(_READERS)}")
        return USAGE
    try:
        with duckdb.connect(args.files[0], read_only=True) if suffix == ".duckdb" else duckdb.connect() as connection:
            if suffix != ".duckdb":
                relation = connection.sql(_READERS[suffix], params=[args.files])
                relation.create_view("flows")
            result = connection.execute(args.sql)
            names = [column[0] for column in (result.description if result else None) or ()]
            rows = result.fetchall() if result else []
    except duckdb.Error as error:
        complain(f"query: {error}")
        return FAILURE
    if args.json:
        for row in rows:
            sys.stdout.write(json.dumps(dict(zip(names, row, strict=True)), default=str) + "\n")
    elif names:
        print_table(names, [[_shown(cell) for cell in row] for row in rows])
    return OK


def _shown(cell: Any) -> Any:
    return "" if cell is None else cell
