"""Any flags: with several processes the command prints and writes what it does with one, byte by byte."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pywall_core.cli import main
from pywall_core.offline import jobs as jobs_module
from pywall_core.testing import conversation, icmp_error, udp_packet, write_pcap

POLICY = """\
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT:
    - {rule: app, is: ssh, action: DROP}
    - {rule: app, is: http, action: REJECT, observe: true}
"""
SAID = {
    "ssh": (b"SSH-2.0-b\r\n", b"SSH-2.0-a\r\n"),
    "http": (b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    "text": (b"hello\r\n" * 9, b"hello yourself\r\n"),
}


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two parts of one capture: conversations of some hosts with their packets mixed, some half-open or cut in two."""
    folder = tmp_path_factory.mktemp("captures")
    (folder / "policy.yaml").write_text(POLICY)
    drawn = random.Random(20)
    talks = []
    for number in range(60):
        client, server = SAID[drawn.choice(list(SAID))]
        one = conversation(client=(f"192.0.2.{number % 7 + 1}", 4000 + number), server=(f"198.51.100.{number % 3}", 22))
        frames = one.client(client).server(server).client(b"more").frames()
        talks.append(frames[: drawn.choice((1, 3, len(frames)))])
    mixed = []
    while talks:
        talk = drawn.choice(talks)
        mixed.append(talk.pop(0))
        talks = [talk for talk in talks if talk]
    at = 1_700_000_000.0
    timed = []
    for frame in mixed:
        at += drawn.choice((0.0, 0.01, 2.0, 40.0))
        timed.append((at, frame[1]))
    for name, part in (("a.pcap", timed[:130]), ("b.pcap", timed[130:])):
        write_pcap(folder / name, part)
    return [str(folder / "a.pcap"), str(folder / "b.pcap")]


def printed(
    capsys: pytest.CaptureFixture[str], folder: Path, captures: list[str], flags: list[str], workers: str
) -> tuple[object, ...]:
    """What the command prints, its ``stats`` apart, and what it writes."""
    files = [folder / name for name in ("rows.jsonl", "dropped.pcapng")]
    for file in files:
        file.unlink(missing_ok=True)
    policy = str(Path(captures[0]).with_name("policy.yaml"))
    words = [flag.replace("FOLDER", str(folder)) for flag in flags]
    code = main(["replay", "--config", policy, "--workers", workers, *words, *captures])
    lines = capsys.readouterr().out.splitlines()
    stats = [json.loads(line) for line in lines if '"event_type":"stats"' in line]
    for one in stats:
        one["stats"]["decisions"].sort(key=str)
    lines = [line for line in lines if '"event_type":"stats"' not in line]
    return code, lines, stats, [file.read_bytes() if file.exists() else None for file in files]


FLAGS = st.tuples(
    st.sampled_from([[], ["--json"]]),
    st.sampled_from([[], ["--filter", "app ssh"], ["--filter", "host 192.0.2.3"], ["--flow", "4"]]),
    st.sampled_from([[], ["--limit", "50"]]),
    st.sampled_from([[], ["--output", "FOLDER/rows.jsonl"], ["--output", "FOLDER/rows.jsonl", "--statistics", "3"]]),
    st.sampled_from([[], ["--write-dropped", "FOLDER/dropped.pcapng"]]),
    st.sampled_from([[], ["--continue"]]),
    st.sampled_from([[], ["--local", "198.51.100.0/24"], ["--hook", "FORWARD"]]),
).map(lambda parts: [word for part in parts for word in part])


@settings(
    max_examples=15,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # a run takes seconds, and a failing one has few flags
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(flags=FLAGS, workers=st.sampled_from(["2", "3"]), both=st.booleans())
def test_workers_print_and_write_the_same(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    captures: list[str],
    flags: list[str],
    workers: str,
    both: bool,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs_module, "SPLIT_BYTES", 0)
        chosen = captures if both else captures[:1]
        assert printed(capsys, tmp_path, chosen, flags, workers) == printed(capsys, tmp_path, chosen, flags, "1")


def test_errors_of_a_router_about_flows_that_nobody_saw(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are the router's, and the hosts that they quote are in several shares."""
    monkeypatch.setattr(jobs_module, "SPLIT_BYTES", 0)
    (tmp_path / "policy.yaml").write_text(POLICY)
    sent = [udp_packet("192.0.2.1", 4000, f"198.51.100.{n}", 53, b"x") for n in range(1, 9)]
    frames = [(1_700_000_000.0 + n, icmp_error("203.0.113.1", packet)) for n, packet in enumerate(sent)]
    capture = str(tmp_path / "errors.pcap")
    write_pcap(capture, frames)
    flags = ["--output", "FOLDER/rows.jsonl"]
    one = printed(capsys, tmp_path, [capture], flags, "1")
    assert printed(capsys, tmp_path, [capture], flags, "2") == one
