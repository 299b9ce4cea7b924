"""`pywall classify` and `pywall hedge evaluate`."""

import argparse
import gzip
import io
import json
import random
import sys

import pytest
from pywall_hedge import commands
from pywall_hedge.evaluation import evaluate, roc

from pywall_core.testing import conversation


def run(describe, *words):
    parser = argparse.ArgumentParser()
    describe(parser)
    args = parser.parse_args(words)
    return args.run(args)


@pytest.fixture
def files(tmp_path, text):
    made = {"text.txt": text[:50_000], "noise.bin": random.Random(1).randbytes(80_000), "text.gz": gzip.compress(text)}
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
    return [str(tmp_path / name) for name in made]


def test_classify_prints_a_line_and_the_tests(files, capsys):
    assert run(commands.classify_command, *files) == 0
    out = capsys.readouterr().out
    assert "text.txt: plain" in out
    assert "noise.bin: encrypted" in out
    assert "text.gz: compressed (gzip)" in out
    assert "approximate_entropy" in out


def test_classify_json(files, capsys):
    assert run(commands.classify_command, "--json", *files) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["payload.class"] for line in lines] == ["plain", "encrypted", "compressed"]
    assert lines[1]["payload.bytes_seen"] == 80_000
    assert lines[1]["tests"]["chi_square"] == pytest.approx(255, abs=100)
    assert lines[2]["because"] == "gzip"


def test_classify_hedge_and_standard_input(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", argparse.Namespace(buffer=io.BytesIO(random.Random(3).randbytes(60_000))))
    assert run(commands.classify_command, "--json", "--method", "hedge", "-") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["file"], found["payload.class"], found["method"]) == ("-", "encrypted", "hedge")


def test_classify_goes_on_after_a_missing_file(files, capsys):
    assert run(commands.classify_command, "/no/such/file", files[0]) == 1
    out = capsys.readouterr()
    assert "No such file" in out.err
    assert "plain" in out.out


def test_classify_walks_folders(files, tmp_path, capsys):
    assert run(commands.classify_command, "--json", str(tmp_path)) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(line["file"] for line in lines) == sorted(files)


def test_classify_judges_the_flows_of_a_capture(tmp_path, capsys):
    rng = random.Random(5)
    talk = conversation("udp")
    for _ in range(40):
        talk = talk.client(rng.randbytes(700))
    path = tmp_path / "flows.pcap"
    talk.pcap(path)
    assert run(commands.classify_command, "--json", str(path)) == 0
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert line["payload.class"] == "encrypted"
    assert line["settled_at"] <= 16_384
    assert "udp" in line["file"]


def test_a_damaged_capture_is_said(tmp_path, capsys):
    path = tmp_path / "cut.pcap"
    path.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff0000") + b"\x01")
    assert run(commands.classify_command, str(path)) == 1
    assert "cut.pcap" in capsys.readouterr().err


def test_an_empty_file_is_unknown(tmp_path, capsys):
    (tmp_path / "empty").touch()
    assert run(commands.classify_command, "--json", str(tmp_path / "empty")) == 0
    assert json.loads(capsys.readouterr().out)["payload.class"] == "unknown"


def test_plot(files, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    target = tmp_path / "out.png"
    assert run(commands.classify_command, *files, "--plot", str(target)) == 0
    assert target.read_bytes().startswith(b"\x89PNG")


def test_plot_without_matplotlib(files, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run(commands.classify_command, files[0], "--plot", str(tmp_path / "out.png")) == 1
    assert "pywall-hedge[plot]" in capsys.readouterr().err


def test_progress_shows_on_a_terminal_only(monkeypatch, capsys):
    commands._progress("file", 100)(50)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    show = commands._progress("file", 100)
    show(50)
    show(100)
    assert "50 %" in capsys.readouterr().err


@pytest.fixture
def corpus(tmp_path, text, products):
    rng = random.Random(2)
    for label, form, data in (
        ("plain", "text", text),
        ("compressed", "gzip", products["gzip"]),
        ("compressed", "bzip2", products["bzip2"]),
        ("encrypted", "noise", rng.randbytes(40_000)),
        ("encrypted", "short", rng.randbytes(100)),
    ):
        folder = tmp_path / "corpus" / label / form
        folder.mkdir(parents=True)
        (folder / "0.bin").write_bytes(data)
    return tmp_path / "corpus"


def test_evaluate(corpus, capsys):
    assert run(commands.hedge_command, "evaluate", str(corpus), "--sizes", "1024", "--count", "20") == 0
    out = capsys.readouterr().out
    assert "two-way" in out
    assert "bzip2" in out
    assert (
        run(commands.hedge_command, "evaluate", str(corpus), "--sizes", "64", "1024", "--json", "--method", "hedge")
        == 0
    )
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["size"] for line in lines] == [64, 1024]
    assert all(0.5 < line["two_way"] <= 1 for line in lines)


def test_evaluate_refuses_what_is_no_corpus(tmp_path, capsys):
    assert run(commands.hedge_command, "evaluate", str(tmp_path / "none")) == 2
    assert run(commands.hedge_command, "evaluate", str(tmp_path)) == 1


def test_the_draw_repeats(corpus):
    first, second = (evaluate(corpus, sizes=[1024], count=10) for _ in range(2))
    assert first[0].found == second[0].found
    points = roc(first[0])
    assert points[0] == (0, 0)
    assert points[-1] == (1, 1)
    assert points == sorted(points)


def test_a_folder_without_files_is_said(tmp_path, capsys):
    assert run(commands.classify_command, str(tmp_path)) == 1
    assert capsys.readouterr().err == f"pywall classify: {tmp_path}: no files below\n"
