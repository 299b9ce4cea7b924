"""``pywall explain``: the walk as it was, with the line of the YAML that decided; filters on flows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.cli import main
from pywall_core.flows.filter import FilterError, parse
from pywall_core.packet.decode import decode
from pywall_core.testing import conversation, make_flow, tcp_packet, udp_packet, write_pcap

DATA = Path(__file__).parents[1] / "data"
POLICY = """\
version: 1
plugins:
  - rules
  - stream
  - protocols
chains:
  INPUT:
    - {rule: port, protocol: tcp, dst: 23, action: DROP}
    - {rule: app, is: ssh, action: second}
    - {rule: app, is: tls, action: ACCEPT}
  second:
    - {rule: port, dst: 2222, action: REJECT}
default:
  INPUT: DROP
  OUTPUT: ACCEPT
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "p.yaml"
    path.write_text(POLICY)
    return str(path)


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["explain", "--json", *arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_line_that_decided(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    flows = {f["event"]["app_proto"]: f for f in explained(capsys, "--config", policy, str(DATA / "mixed.pcap"))}
    assert flows["ssh"]["decided_by"] == {"rule": "second[0]", "where": f"{policy}:12"}
    assert flows["tls"]["decided_by"] == {"rule": "INPUT[2]", "where": f"{policy}:10"}
    assert flows["http"]["decided_by"] == {"rule": "default", "where": f"{policy}:14"}
    assert [flow["flow"] for flow in flows.values()] == [1, 2, 4, 5]


def test_the_walk_of_the_first_packet_and_of_the_deciding_one(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    (flow,) = explained(capsys, "--config", policy, "--filter", "app ssh", str(DATA / "mixed.pcap"))
    syn = flow["steps"][0]
    assert [(w["rule"], w["answer"], w["where"]) for w in syn["walk"]] == [
        ("INPUT[0]", "NO", f"{policy}:8"),
        ("INPUT[1]", "PENDING", f"{policy}:9"),
        ("INPUT[2]", "PENDING", f"{policy}:10"),
        ("default", "END", f"{policy}:14"),
    ]
    assert syn["walk"][-1]["outcomes"] == ["ACCEPT", "DROP", "REJECT"]
    assert (syn["verdict"], syn["final"]) == ("accept", False)
    assert "several outcomes are left" in syn["why"]
    assert "app_proto" in syn["why"]
    deciding = next(step for step in flow["steps"] if step["verdict"] == "reject")
    assert [(w["rule"], w["answer"], w["action"]) for w in deciding["walk"]] == [
        ("INPUT[0]", "NO", "DROP"),
        ("INPUT[1]", "YES", "-> second"),
        ("second[0]", "YES", "REJECT"),
    ]
    assert deciding["final"] is True
    learnt = next(step for step in flow["steps"] if "app_proto" in step["learnt"])
    answers = {asked["name"]: asked["answer"] for asked in learnt["asked"]}
    assert answers["ssh"] == "MATCH ssh"
    assert all(asked["client_bytes"] + asked["server_bytes"] > 0 for step in flow["steps"] for asked in step["asked"])
    total = sum(1 + step["same_verdict_for"] for step in flow["steps"])
    assert total == flow["event"]["flow"]["pkts_toserver"] + flow["event"]["flow"]["pkts_toclient"]


def test_text_for_a_reader(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--config", policy, "--flow", "2", str(DATA / "mixed.pcap")]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "flow 2: 192.0.2.1:40001 -> 198.51.100.2:2222 TCP, ssh\n"
        "  REJECT (final), decided by second[0] port dst=2222 at "
    )
    assert "    ssh: MATCH ssh at byte " in out
    assert "    known: app_proto = ssh\n" in out
    assert "    PENDING INPUT[1] app is=ssh: -> second (" in out


def test_vetoes_and_plugins_that_decide(tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A conflicting overlap: no rule but the stream plugin decides."""
    raw = [
        tcp_packet("192.0.2.1", 1, "192.0.2.2", 2, seq=11, ack=1, data=data)
        for data in (b"\x16\x03\x01", b"\x16\x03\x02")
    ]
    talk = conversation(client=("192.0.2.1", 1), server=("192.0.2.2", 2), sequence=(10, 0))
    from pywall_core.testing import write_pcap

    path = tmp_path / "overlap.pcap"
    last = talk.frames()[-1][0]
    write_pcap(path, [*talk.frames(), (last + 0.01, raw[0]), (last + 0.02, raw[1])])
    (flow,) = explained(capsys, "--config", policy, str(path))
    dropped = flow["steps"][-1]
    assert dropped["verdict"] == "drop"
    assert dropped["rule"] == ""
    assert dropped["reason"].startswith("stream.")
    assert dropped["where"] == f"{policy}:4"


def test_what_was_not_found(policy: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    mixed = str(DATA / "mixed.pcap")
    assert main(["explain", "--flow", "99", mixed]) == 1
    assert "none of 5 flows" in capsys.readouterr().err
    assert main(["explain", "--filter", "port", mixed]) == 2
    assert main(["explain", "--filter", "dst port 1", "--flow", "1", mixed]) == 2
    cut = tmp_path / "cut.pcap"
    cut.write_bytes((DATA / "icmp.pcap").read_bytes()[:-1])
    assert main(["explain", str(cut)]) == 1
    out, err = capsys.readouterr()
    assert "flow 1: " in out
    assert "cut off in packet 4" in err


def test_several_captures_are_named_where_they_have_something_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    mixed, icmp = str(DATA / "mixed.pcap"), str(DATA / "icmp.pcap")
    assert main(["explain", "--filter", "icmp", mixed, icmp]) == 0
    out = capsys.readouterr().out
    assert f"{icmp}:\nflow 1: " in out
    assert mixed not in out
    assert main(["explain", "--json", mixed, icmp]) == 0
    stories = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {story["event"]["pcap_filename"] for story in stories} == {mixed, icmp}


def test_reading_ends_with_the_flow_that_was_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = conversation(client=("192.0.2.1", 4000), server=("192.0.2.2", 80))
    other = conversation(client=("192.0.2.3", 4000), server=("192.0.2.2", 80), start=1_700_000_100.0)
    whole = tmp_path / "whole.pcap"
    write_pcap(whole, [*first.client(b"x").close().frames(), *other.client(b"x").close().frames()])
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(whole.read_bytes()[:-1])
    assert main(["explain", "--flow", "2", str(cut)]) == 1
    assert "cut off in packet" in capsys.readouterr().err
    assert main(["explain", "--flow", "1", str(cut)]) == 0
    assert capsys.readouterr().out.startswith("flow 1: 192.0.2.1")


TCP4 = make_flow(
    decode(tcp_packet("192.0.2.1", 40000, "198.51.100.2", 443, seq=1)), app_proto="tls", app_proto_orig="smtp"
)
UDP6 = make_flow(decode(udp_packet("2001:db8::1", 5353, "2001:db8::2", 53)), app_proto="dns")


@pytest.mark.parametrize(
    ("expression", "tcp4", "udp6"),
    [
        ("tcp", True, False),
        ("udp and ip6", False, True),
        ("port 443", True, False),
        ("src port 443", False, False),
        ("dst port 440-450", True, False),
        ("port 53 or port 40000", True, True),
        ("host 192.0.2.1", True, False),
        ("dst host 192.0.2.1", False, False),
        ("src net 192.0.0.0/8", True, False),
        ("net 2001:db8::/32", False, True),
        ("not (tcp or icmp)", False, True),
        ("not tcp udp", False, True),
        ("app tls", True, False),
        ("app smtp", True, False),
        ("proto 17", False, True),
        ("ip and not port 1-1000", False, False),
    ],
)
def test_filters(expression: str, tcp4: bool, udp6: bool) -> None:
    chosen = parse(expression)
    assert (chosen(TCP4), chosen(UDP6)) == (tcp4, udp6)


@pytest.mark.parametrize(
    "wrong", ["", "port", "port x", "port 70000", "host here", "(tcp", "tcp)", "src tcp", "and", "what"]
)
def test_wrong_filters(wrong: str) -> None:
    with pytest.raises(FilterError):
        parse(wrong)


@given(st.lists(st.sampled_from(["tcp", "not", "and", "or", "(", ")", "port", "80", "src", "host", "::1"]), max_size=8))
def test_any_expression_is_understood_or_refused(words: list[str]) -> None:
    try:
        chosen = parse(" ".join(words))
    except FilterError:
        return
    assert chosen(TCP4) in (True, False)


@pytest.mark.captures
@pytest.mark.slow
def test_every_flow_of_the_labelled_captures_names_its_line(captures_folder: Path, policy: str) -> None:
    from pywall_core.cli.common import prepare
    from pywall_core.engine.engine import Engine
    from pywall_core.explain.trace import Tracer, decisive, where
    from pywall_core.offline.replay import Hooks, captures, replay

    config, plugins, _ = prepare(policy)
    flows = 0
    for path in captures([str(captures_folder)]):
        tracer = Tracer()
        engine = Engine(config, plugins, live=False, tracer=tracer)
        replay(engine, path, Hooks(), seen=tracer.seen)
        for history in tracer.histories.values():
            verdict = decisive(history)
            assert verdict is not None, (path, history.number)
            assert where(config, verdict, engine).startswith(f"{policy}:"), (path, history.number, verdict)
            flows += 1
    assert flows > 0
