"""``pywall report``: one file, from captures and from events."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pywall_core.cli import main


def test_a_report_of_captures_stands_alone(tmp_path: Path, capture: Path, policy: Path) -> None:
    out = tmp_path / "r.html"
    assert main(["report", "--config", str(policy), "-o", str(out), str(capture)]) == 0
    page = out.read_text()
    places = re.findall(r"<(?:script|link|img)\b[^>]*?\b(?:src|href)=[\"']?([^\"' >]*)", page.partition("<script>")[0])
    assert places == ["data:,"]
    assert "www.example" in page
    assert "<script>alert(1)</script>" not in page


def test_another_policy(tmp_path: Path, capture: Path, policy: Path) -> None:
    out = tmp_path / "r.html"
    stricter = policy.with_name("stricter.yaml")
    assert main(["report", "--config", str(policy), "--against", str(stricter), "-o", str(out), str(capture)]) == 0
    section = out.read_text().partition("What the other policy would change")[2].partition("</section>")[0]
    assert section.count('<td class="accept">accept</td><td class="drop">drop</td>') == 2


def test_events_of_a_running_firewall(
    tmp_path: Path, capture: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "--json", "--config", str(policy), str(capture)]) == 0
    events = tmp_path / "eve.json"
    events.write_text(capsys.readouterr().out + "not json\n")
    out = tmp_path / "r.html"
    assert main(["report", "--events", str(events), "-o", str(out)]) == 0
    assert "3 flows" in capsys.readouterr().out


def test_what_is_wrong_with_a_capture_is_said_once(
    tmp_path: Path, capture: Path, policy: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The captures are read for the events, for the other policy and for the stories. Nor do many complaints fill a
    pipe that is read last: that stopped the command for ever.
    """
    names = [tmp_path / f"{n:03}{'x' * 180}.pcap" for n in range(320)]
    for name in names:
        name.write_bytes(b"text")
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(capture.read_bytes()[:-10])
    stricter = policy.with_name("stricter.yaml")
    words = ["--config", str(policy), "--against", str(stricter), "-o", str(tmp_path / "r.html")]
    assert main(["report", *words, *map(str, names), str(cut)]) == 1
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == len(set(lines)) == len(names) + 1
    assert sum(map(len, lines)) > 1 << 16
    assert any(line.startswith(f"{cut}: cut off in packet") for line in lines)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ([], 2, "give captures, or --events FILE"),
        (["--events", "a", "b.pcap"], 2, "give captures, or --events FILE"),
        (["--events", "a", "--against", "p.yaml"], 2, "--against needs captures"),
        (["--events", "/absent.json"], 1, "/absent.json: No such file"),
        (["/absent*.pcap"], 1, "/absent*.pcap: no file matches"),
    ],
)
def test_errors(words: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", *words]) == code
    assert says in capsys.readouterr().err


def test_nothing_to_report_is_a_failure_and_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, out = tmp_path / "text.json", tmp_path / "r.html"
    text.write_text("hello\n")
    assert main(["report", "-o", str(out), str(tmp_path / "nope.pcap")]) == 1
    assert "no flow could be read" in capsys.readouterr().err
    assert main(["report", "-o", str(out), "--events", str(text)]) == 1
    assert "no line is an event" in capsys.readouterr().err
    assert not out.exists()


def test_a_capture_that_is_cut_off_is_reported_and_said(tmp_path: Path, capture: Path, policy: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(capture.read_bytes()[:-5])
    assert main(["report", "--config", str(policy), "-o", str(tmp_path / "r.html"), str(cut)]) == 1
    assert (tmp_path / "r.html").exists()
