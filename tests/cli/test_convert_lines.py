"""No policy that is converted accepts a packet that iptables would not have accepted."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pywall_core.api import ACCEPT, INPUT, SYN, decode
from pywall_core.cli.convert_iptables import convert
from pywall_core.cli.convert_lines import limit_rule, state_rules
from pywall_core.cli.convert_matches import NoEqualError
from pywall_core.testing import engine, tcp_packet, udp_packet


class Line(NamedTuple):
    """A rule: what it asks, each negated or not, and its target."""

    protocol: str
    not_protocol: bool
    source: str
    not_source: bool
    sport: str
    not_sport: bool
    dport: str
    not_dport: bool
    unknown: str
    target: str

    def text(self) -> str:
        parts = []
        for word, value, no in (
            ("-p", self.protocol, self.not_protocol),
            ("-s", self.source, self.not_source),
            ("--sport", self.sport, self.not_sport),
            ("--dport", self.dport, self.not_dport),
        ):
            if value:
                parts.append(f"{'! ' if no else ''}{word} {value}")
        return " ".join([*parts, self.unknown, f"-j {self.target}"]).replace("  ", " ")

    def matches(self, packet: tuple[str, str, int, int]) -> bool:
        protocol, source, sport, dport = packet
        checks = [
            (self.protocol, self.not_protocol, protocol == self.protocol),
            (self.source, self.not_source, source in SOURCES.get(self.source, ())),
            (self.sport, self.not_sport, _in(sport, self.sport)),
            (self.dport, self.not_dport, _in(dport, self.dport)),
        ]
        return all(true is not no for value, no, true in checks if value)


SOURCES = {"10.0.0.0/8": ("10.0.0.1", "10.0.0.2"), "10.0.0.1": ("10.0.0.1",), "192.0.2.0/24": ("192.0.2.1",)}


def _in(port: int, ports: str) -> bool:
    low, _, high = ports.partition(":")
    return bool(ports) and int(low) <= port <= int(high or low)


@st.composite
def line(draw: Any, targets: tuple[str, ...]) -> Line:
    protocol = draw(st.sampled_from(["", "tcp", "udp"]))
    truth = st.booleans()
    not_protocol = draw(truth) and bool(protocol)
    has_ports = protocol and not not_protocol
    ports = st.sampled_from(["", "22", "80:90"]) if has_ports else st.just("")
    return Line(
        *(protocol, not_protocol),
        *(draw(st.sampled_from(["", *SOURCES])), draw(truth)),
        *(draw(ports), draw(truth), draw(ports), draw(truth)),
        draw(st.sampled_from(["", "", "", "", "", "-m string --string x --algo bm"])),
        draw(st.sampled_from(targets)),
    )


CHAIN = st.lists(line(("ACCEPT", "DROP", "RETURN")), max_size=4)
BASE = st.lists(line(("ACCEPT", "DROP", "sub")), max_size=5)
PACKETS = [
    (protocol, source, sport, dport)
    for protocol in ("tcp", "udp")
    for source in ("10.0.0.1", "10.0.0.2", "192.0.2.1", "198.51.100.9")
    for sport in (22, 85, 4000)
    for dport in (22, 85, 4000)
]


def decided(rules: list[Line], sub: list[Line], packet: tuple[str, str, int, int]) -> str:
    """What iptables says: an option that is not known here never matches what refuses, always what accepts."""
    for rule in rules:
        if not rule.matches(packet) or (rule.unknown and rule.target in ("DROP", "RETURN")):
            continue
        if rule.target == "sub":
            verdict = decided(sub, [], packet)
            if verdict:
                return verdict
        elif rule.target == "RETURN":
            return ""
        else:
            return rule.target
    return ""


ALL = Line("", False, "", False, "", False, "", False, "", "ACCEPT")


@settings(max_examples=60)
@given(BASE, CHAIN)
@example(
    [ALL._replace(target="sub"), ALL],
    [ALL._replace(unknown="-m string --string x --algo bm", target="RETURN"), ALL._replace(target="DROP")],
)
def test_nothing_is_accepted_that_was_not(base: list[Line], sub: list[Line]) -> None:
    text = "*filter\n:INPUT DROP [0:0]\n:sub - [0:0]\n"
    text += "".join(f"-A INPUT {rule.text()}\n" for rule in base) + "".join(f"-A sub {rule.text()}\n" for rule in sub)
    found = convert(text + "COMMIT\n")
    lost = sum(note.startswith("line ") for note in found.notes)
    assert lost >= sum(bool(rule.unknown) for rule in base)
    lab = engine(json.dumps(found.data))
    for number, packet in enumerate(PACKETS):
        protocol, source, sport, dport = packet
        if protocol == "tcp":
            raw = tcp_packet(source, sport, "198.51.100.2", dport, seq=0, flags=SYN)
        else:
            raw = udp_packet(source, sport, "198.51.100.2", dport, b"x")
        (verdict,) = lab.send([decode(raw, 1000.0 + number, INPUT)])
        if verdict.action is ACCEPT:
            assert decided(base, sub, packet) == "ACCEPT", packet


def test_a_rate_and_states() -> None:
    assert limit_rule("5/minute", "3") == {"rule": "limit", "over": "5/m", "of": "packets", "by": "all", "burst": 3}
    assert state_rules({"ESTABLISHED", "RELATED"}, "INPUT", no=False) == [{"rule": "flow", "initiator": "local"}]
    with pytest.raises(NoEqualError, match="related connections alone"):
        state_rules({"RELATED"}, "INPUT", no=False)
