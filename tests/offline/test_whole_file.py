"""A file is there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pywall_core.cli import main
from pywall_core.offline.whole_file import WholeFile

DATA = Path(__file__).parents[1] / "data" / "mixed.pcap"
KINDS = ("csv", "jsonl", "parquet", "duckdb")


def test_nothing_is_there_before_it_is_published(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("before")
    file.chmod(0o640)
    whole = WholeFile(file)
    whole.part.write_text("after")
    assert file.read_text() == "before"
    whole.publish()
    whole.discard()
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("after", 0o640)
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("before")
    (tmp_path / "link").symlink_to("target")
    whole = WholeFile(tmp_path / "link")
    whole.part.write_text("after")
    whole.publish()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "after"
    assert WholeFile("/dev/null").part == Path("/dev/null")


@pytest.mark.parametrize("where", ["absent/f", "."])
def test_what_cannot_be_written_is_refused_at_once(tmp_path: Path, where: str) -> None:
    with pytest.raises(OSError, match=str(tmp_path)):
        WholeFile(tmp_path / where)


@pytest.mark.parametrize("kind", KINDS)
def test_a_capture_that_cannot_be_read_leaves_no_table(tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"f.{kind}"
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(b"")
    assert main(["replay", "--output", str(out), "--write-dropped", str(tmp_path / "d.pcapng"), str(empty)]) == 1
    assert list(tmp_path.iterdir()) == [empty]


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_that_fails_while_it_is_written_leaves_the_former(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pywall_core.offline import tables

    out = tmp_path / f"f.{kind}"
    assert main(["replay", "--output", str(out), str(DATA)]) == 0
    before = out.read_bytes()

    def fail(self: tables.FlowTableFile) -> object:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(tables.FlowTableFile, "_read", fail)
    assert main(["replay", "--output", str(out), str(DATA)]) == 1
    assert list(tmp_path.iterdir()) == [out]
    if kind != "duckdb":
        assert out.read_bytes() == before


def test_a_folder_is_refused_before_the_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "f.csv").mkdir()
    assert main(["replay", "--output", str(tmp_path / "f.csv"), str(DATA)]) == 1
    assert "it is a folder" in capsys.readouterr().err
