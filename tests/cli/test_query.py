"""``pywall query``: SQL over the tables that replay writes, in each format, and over EVE events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pywall_core.cli import main

DATA = Path(__file__).parents[1] / "data" / "mixed.pcap"


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "duckdb"])
def test_the_same_answer_in_each_format(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    table = tmp_path / f"flows.{kind}"
    assert main(["replay", "--output", str(table), str(DATA)]) == 0
    capsys.readouterr()
    sql = 'select app_proto, count(*) as n, max("tls.sni") as name from flows group by 1 order by 1'
    assert main(["query", "--json", sql, str(table)]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"app_proto": "dns", "n": 1, "name": None},
        {"app_proto": "http", "n": 2, "name": None},
        {"app_proto": "ssh", "n": 1, "name": None},
        {"app_proto": "tls", "n": 1, "name": "tls.example"},
    ]


def test_events_of_an_eve_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--json", str(DATA)]) == 0
    events = tmp_path / "eve.json"
    events.write_text(capsys.readouterr().out)
    assert main(["query", "select count(*) as flows from flows where event_type = 'flow'", str(events)]) == 0
    assert capsys.readouterr().out.split() == ["flows", "5"]


@pytest.mark.parametrize(
    ("sql", "name", "code", "says"),
    [
        ("select 1", "absent.parquet", 1, "no such file"),
        ("select 1", "flows.txt", 2, "no table; give a name that ends in .duckdb, .parquet"),
        ("selec 1", "flows.csv", 1, "Parser Error"),
        (" ; ", "flows.csv", 2, "the SQL is empty"),
        ("-- nothing", "flows.csv", 0, ""),
    ],
)
def test_errors_say_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sql: str, name: str, code: int, says: str
) -> None:
    for existing in ("flows.txt", "flows.csv"):
        (tmp_path / existing).write_text("a\n1\n")
    assert main(["query", sql, str(tmp_path / name)]) == code
    assert says in capsys.readouterr().err
