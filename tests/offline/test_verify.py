"""Cases of captures and expectations: ours pass, and one that should not pass does not, saying where and what."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pywall_core.config import ConfigError
from pywall_core.testing import cases, verify

HERE = Path(__file__).parents[1] / "verify"


OURS = cases(HERE)


@pytest.mark.parametrize("case", OURS, ids=lambda case: case.name)
def test_case(case: Path) -> None:
    result = verify(case)
    assert result.checks > 0
    assert result.problems == []


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = tmp_path / "case"
    shutil.copytree(HERE / "ssh-on-any-port", folder)
    return folder


@pytest.mark.parametrize(
    ("expected", "says"),
    [
        ("{match: {event_type: flow}, count: 4}", "3 events match, expected 4: {event_type: flow}"),
        ("{match: {event_type: flow}, count: {max: 2}}", "3 events match, expected 0 to 2"),
        ("{match: {event_type: flow, app_proto: tls}}", "0 events match, expected at least 1"),
        ("{match: {event_type: flow, app_proto: tls, dest_port: 80}}", "the nearest: app_proto is 'ssh'"),
        ("{match: {event_type: quic}}", "there is no such event_type"),
        ("{absent: {event_type: flow, app_proto: http}}", "1 events match what should be absent"),
        ("{match: {event_type: flow, dest_port: '80'}}", "dest_port is 80"),
        ("{match: {event_type: flow, 'tls.sni': {exists: true}}}", "0 events match"),
        ("{match: {event_type: ssh, ssh.server.software_version: {glob: Dropbear*}}}", "OpenSSH_9.2p1"),
        ("{match: {event_type: flow, dest_port: {in: [1, 2]}}}", "0 events match"),
        ("{match: {event_type: http, http.hostname: {contains: nowhere}}}", "0 events match"),
    ],
)
def test_what_is_not_so_is_said_with_its_line(case: Path, expected: str, says: str) -> None:
    (case / "expect.yaml").write_text(f"expect:\n  - {{match: {{event_type: flow}}}}\n  - {expected}\n")
    (problem,) = verify(case).problems
    assert problem.startswith(f"{case}/expect.yaml:3:5: ")
    assert says in problem


@pytest.mark.parametrize(
    "expected",
    [
        "{match: {event_type: flow, dest_port: 80, verdict.action: drop}, count: 1}",
        "{match: {event_type: flow, dest_port: {in: [80, 2222]}}, count: {min: 2, max: 2}}",
        "{match: {event_type: http, http.hostname: {contains: www}}}",
        "{match: {event_type: flow, tls: {exists: false}}, count: 3}",
    ],
)
def test_what_is_so_passes(case: Path, expected: str) -> None:
    (case / "expect.yaml").write_text(f"expect:\n  - {expected}\n")
    assert verify(case).problems == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("expect: []", "1:9"),
        ("expects:\n  - {match: {a: 1}}", "unknown key"),
        ("expect:\n  - {match: {a: 1}, absent: {b: 1}}", "either 'match' or 'absent'"),
        ("expect:\n  - {absent: {b: 1}, count: 2}", "'count' goes with 'match'"),
        ("replay: {hook: PREROUTING}\nexpect:\n  - {match: {a: 1}}", "PREROUTING"),
        ("replay: {local: [here]}\nexpect:\n  - {match: {a: 1}}", "here"),
        ("expect:\n  - {match: {a: 1}}\nexpect: 2", "3:1"),
        ("expect: [", "the closing ] is missing"),
    ],
)
def test_wrong_expectations_are_refused_with_their_place(case: Path, text: str, says: str) -> None:
    (case / "expect.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        verify(case)
    assert says in str(caught.value)
    assert str(caught.value).startswith(str(case / "expect.yaml"))


def test_a_capture_that_is_cut_off_fails_the_case(case: Path) -> None:
    capture = case / "ssh.pcap"
    capture.write_bytes(capture.read_bytes()[:-3])
    assert any("cut off in packet" in problem for problem in verify(case).problems)
    capture.unlink()
    assert verify(case).problems[0] == f"{case}: no capture"
