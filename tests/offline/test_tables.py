"""Rows as files: the same rows in each format; columns that only some rows have; values of mixed types."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from pywall_core.offline.flow_rows import COLUMNS
from pywall_core.offline.tables import FlowTableFile, TableError, check_output

ROWS = [
    {"capture": "a.pcap", "proto": "TCP", "src_port": 1, "confirmed": True, "start": 1.5, "tls.sni": "a,\"b\"\nc"},
    {"capture": "a.pcap", "proto": "UDP", "src_port": None, "start": 2, "dns.ids": [1, 2], "mixed": 1},
    {"capture": "b.pcap", "proto": "UDP", "mixed": "text", "wide": 1},
    {"capture": "b.pcap", "wide": 2.5},
]  # fmt: skip


def write(path: Path) -> None:
    with FlowTableFile(path) as table:
        for row in ROWS:
            table.add(row)
    assert table.rows == len(ROWS)


def test_csv(tmp_path: Path) -> None:
    write(tmp_path / "f.csv")
    with (tmp_path / "f.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [*COLUMNS, "dns.ids", "mixed", "tls.sni", "wide"]
    assert (rows[0]["tls.sni"], rows[1]["dns.ids"], rows[1]["src_port"]) == ('a,"b"\nc', "[1, 2]", "")


def test_a_spreadsheet_takes_no_text_for_a_formula(tmp_path: Path) -> None:
    """What a peer says must not run when an analyst opens the file. Numbers stay numbers, other kinds as they are."""
    names = ["=1+2", "+1", "-1", "@a", "\tx", "\rx", "a=b"]
    for kind in ("csv", "jsonl"):
        with FlowTableFile(tmp_path / f"f.{kind}") as table:
            for name in names:
                table.add({"tls.sni": name, "duration": -1.5})
    with (tmp_path / "f.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["tls.sni"] for row in rows] == [*(f"'{name}" for name in names[:6]), "a=b"]
    assert {row["duration"] for row in rows} == {"-1.5"}
    lines = (tmp_path / "f.jsonl").read_text().splitlines()
    assert [json.loads(line)["tls.sni"] for line in lines] == names


def test_jsonl(tmp_path: Path) -> None:
    write(tmp_path / "f.jsonl")
    assert [json.loads(line) for line in (tmp_path / "f.jsonl").read_text().splitlines()] == ROWS


def test_parquet_has_types(tmp_path: Path) -> None:
    write(tmp_path / "f.parquet")
    table = pq.read_table(tmp_path / "f.parquet")
    assert str(table.schema.field("start").type) == "double"
    assert str(table.schema.field("src_port").type) == "int64"
    assert str(table.schema.field("confirmed").type) == "bool"
    assert table.column("mixed").to_pylist() == [None, "1", "text", None]
    assert table.column("wide").to_pylist() == [None, None, 1.0, 2.5]
    assert table.column("tls.sni").to_pylist()[0] == 'a,"b"\nc'


def test_duckdb(tmp_path: Path) -> None:
    write(tmp_path / "f.duckdb")
    with duckdb.connect(str(tmp_path / "f.duckdb")) as connection:
        found = connection.execute('SELECT "tls.sni", start, mixed FROM flows ORDER BY rowid').fetchall()
    assert found[:2] == [('a,"b"\nc', 1.5, None), (None, 2.0, "1")]


def test_nothing_is_written_when_the_replay_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyError), FlowTableFile(tmp_path / "f.csv"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [("f.xls", r"\.csv, \.duckdb, \.jsonl, \.parquet"), ("absent/f.csv", "no such folder")],
)
def test_what_cannot_be_written_is_said_before_the_work(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(TableError, match=says):
        check_output(tmp_path / name)


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(TableError, match=r"pip install 'pywall-core\[data\]'"):
        check_output(tmp_path / "f.parquet")


def test_what_the_database_refuses_is_said(tmp_path: Path) -> None:
    file = tmp_path / "flows.duckdb"
    file.write_bytes(b"no database of DuckDB" * 400)
    with pytest.raises(TableError, match=r"flows\.duckdb: .*not a valid DuckDB database"), FlowTableFile(file) as table:
        table.add({})
