"""Runs of rules found by one look-up: verdicts, counters and facts of a walk from rule to rule, at a constant cost."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pywall_core.api import ACCEPT, DROP, PENDING, Packet, decode
from pywall_core.chain.runs import MIN_RULES
from pywall_core.chain.walk import Step
from pywall_core.model.verdict import Cause
from pywall_core.testing import engine, make_flow, tcp_packet, udp_packet

ADDRESSES = ("10.0.0.1", "10.0.0.2", "10.0.1.1", "10.9.9.9", "2001:db8::1", "2001:db8:1::1")
NETWORKS = (*ADDRESSES, "10.0.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "10.0.0.2-10.0.1.7")
PORTS = (22, 53, 80, "1-60", "50-1000", [80, 443])
NAMES = ("example.com", "www.example.com", "example.net", "com", "a.b")
ACTIONS = ("ACCEPT", "DROP", "REJECT", "side")

CONDITIONS = (
    st.builds(lambda way, net: {"rule": "ip", way: net}, st.sampled_from(["src", "dst"]), st.sampled_from(NETWORKS)),
    st.builds(
        lambda a, b: {"rule": "ip", "src": a, "dst": b}, st.sampled_from(NETWORKS[:6]), st.sampled_from(NETWORKS)
    ),
    st.builds(
        lambda way, port, proto: {"rule": "port", way: port} | proto,
        st.sampled_from(["src", "dst"]),
        st.sampled_from(PORTS),
        st.sampled_from([{}, {"protocol": "udp"}]),
    ),
    st.builds(
        lambda net, port: {"all": [{"rule": "ip", "dst": net}, {"rule": "port", "dst": port}]},
        st.sampled_from(NETWORKS),
        st.sampled_from(PORTS),
    ),
    st.builds(lambda name: {"rule": "domain", "is": name}, st.sampled_from((*NAMES, "=example.com"))),
    st.builds(
        lambda how, name: {"rule": "fact", "name": "tls.sni", how: name},
        st.sampled_from(["is", "suffix"]),
        st.sampled_from(NAMES),
    ),
    st.builds(
        lambda how, text: {"rule": "fact", "name": "tls.sni", **({how: text} if how != "file" else {"in": "@names"})},
        st.sampled_from(["glob", "contains", "regex", "file"]),
        st.sampled_from(["example", "w+w", ".com", "a?b", "net", "EXAMPLE.com", "[we]x", "n.t$", "\u017fx", ""]),
    ).filter(lambda rule: rule.get("contains") != "" and rule.get("regex") != "?"),
    st.builds(
        lambda low, more: {"rule": "fact", "name": "tls.version", "least": low, "most": low + more},
        st.integers(0, 5),
        st.integers(0, 5),
    ),
    st.sampled_from([{"rule": "fact", "name": "tls.version", "is": value} for value in (1, 1.0, True, 3)]),
    st.builds(
        lambda value, name: {
            "all": [
                {"rule": "fact", "name": "tls.version", "is": value},
                {"rule": "fact", "name": "tls.sni", "is": name},
            ]
        },
        st.sampled_from([1, 1.0, True]),
        st.sampled_from(NAMES),
    ),
    st.sampled_from([{"rule": "fact", "name": "tls.sni", "exists": there} for there in (True, False)]),
    st.builds(
        lambda part, where: {"rule": "flow", part: where},
        st.sampled_from(["client", "server"]),
        st.sampled_from(NETWORKS),
    ),
    st.builds(
        lambda port, who: {"rule": "flow", "port": port, "initiator": who},
        st.sampled_from(PORTS),
        st.sampled_from(["local", "remote"]),
    ),
    st.builds(lambda name: {"rule": "service", "is": name}, st.sampled_from(["ssh", "dns", "https"])),
    st.builds(lambda name: {"rule": "protocol", "is": name}, st.sampled_from(["tcp", "udp", "gre"])),
    st.builds(lambda name: {"rule": "iface", "in": name}, st.sampled_from(["eth0", "eth*", "?an0", "wan[0-9]", "*"])),
    st.builds(
        lambda way, name: {"rule": "ip", way: f"@{name}"},
        st.sampled_from(["src", "dst"]),
        st.sampled_from(["here", "there"]),
    ),
    st.builds(
        lambda net, app, turned: {
            "all": [{"rule": "ip", "src": net}, {"rule": "app", "is": app}][:: -1 if turned else 1]
        },
        st.sampled_from(NETWORKS),
        st.sampled_from(["tls", "ssh"]),
        st.booleans(),
    ),
    st.builds(
        lambda net, port, other: {
            "any": [{"rule": "ip", "src": net}, {"all": [{"rule": "port", "dst": port}, {"rule": "ip", "dst": other}]}]
        },
        st.sampled_from(NETWORKS),
        st.sampled_from(PORTS),
        st.sampled_from(NETWORKS),
    ),
    st.builds(
        lambda app, name, port: {
            "all": [{"rule": "app", "is": app}, {"rule": "fact", "name": "tls.sni", "is": name}, *port]
        },
        st.sampled_from(["tls", "ssh"]),
        st.sampled_from(NAMES),
        st.sampled_from([[], [{"rule": "port", "dst": 443}]]),
    ),
    st.builds(
        lambda app, sure: {"rule": "app", "is": app, "confirmed": sure}, st.sampled_from(["tls", "ssh"]), st.booleans()
    ),
)


@st.composite
def chains(draw: Any) -> dict[str, Any]:
    def chain(actions: tuple[str, ...]) -> list[dict[str, Any]]:
        rules = []
        for _ in range(draw(st.integers(1, 3))):
            condition = draw(st.sampled_from(CONDITIONS))
            for _ in range(draw(st.sampled_from([1, MIN_RULES, MIN_RULES + 4]))):
                rule = dict(draw(condition)) | {"action": draw(st.sampled_from(actions))}
                if draw(st.integers(0, 9)) == 0:
                    rule["observe"] = True
                rules.append(rule)
        # some chains are mixed through: rules of several tables stand between one another
        return draw(st.permutations(rules)) if draw(st.booleans()) else rules

    return {
        "version": 1,
        "plugins": ["rules", "stream", "protocols"],
        "sets": {
            "here": {"type": "addresses", "entries": ["10.0.0.0/24", "2001:db8::1"]},
            "there": {"type": "addresses", "entries": ["10.9.9.9"]},
            "names": {"type": "names", "entries": ["example.com"]},
        },
        "chains": {"INPUT": chain(ACTIONS), "side": chain(ACTIONS[:3])},
        "default": draw(st.sampled_from(["ACCEPT", "DROP"])),
    }


@st.composite
def packets(draw: Any) -> Packet:
    src, dst = draw(st.sampled_from([(a, b) for a in ADDRESSES for b in ADDRESSES if (":" in a) == (":" in b)]))
    sport, dport = draw(st.sampled_from([22, 53, 80, 443, 60, 61])), draw(st.sampled_from([22, 53, 80, 443, 1000]))
    make = draw(st.sampled_from(["tcp", "udp"]))
    raw = tcp_packet(src, sport, dst, dport, seq=1) if make == "tcp" else udp_packet(src, sport, dst, dport, b"x")
    return decode(raw, 1.0, 1, draw(st.sampled_from(["eth0", "wan0", ""])))


@st.composite
def known(draw: Any) -> dict[str, Any]:
    app = draw(st.sampled_from([None, "tls", "ssh"]))
    number = (
        {"tls.version": draw(st.sampled_from([0, 1, 1.0, 3, 4.5, True, "x", [1, 4]]))} if draw(st.booleans()) else {}
    )
    facts = (
        number | {"tls.sni": draw(st.sampled_from([*NAMES, "x.example.com", "WWW.example.com.", "e\u017fx"]))}
        if app == "tls"
        else {}
    )
    done = app is not None and draw(st.booleans())
    return {"app_proto": app, "detect_done": done, "confirmed": draw(st.booleans()), "facts": facts}


@settings(max_examples=60, deadline=None, suppress_health_check=[*HealthCheck], phases=set(Phase) - {Phase.shrink})
@given(chains(), st.lists(st.tuples(packets(), known()), min_size=1, max_size=6))
def test_the_same_as_from_rule_to_rule(
    configuration: dict[str, Any], asked: list[tuple[Packet, dict[str, Any]]]
) -> None:
    by_table, by_rule = engine(configuration).engine.chains, engine(configuration).engine.chains
    for packet, facts in asked:
        flow = make_flow(packet, **facts)
        trace: list[Step] = []
        assert by_table.walk(packet, flow) == by_rule.walk(packet, flow, trace)
        assert by_table.asked == by_rule.asked
    for name, rules in by_table.rules.items():
        assert [rule.hits for rule in rules] == [rule.hits for rule in by_rule.rules[name]]


@pytest.mark.parametrize("beside", [[], [{"rule": "fact", "name": "tls.sni", "exists": True}]])
def test_one_and_true_are_two_values(beside: list[dict[str, Any]]) -> None:
    asked = [{"rule": "fact", "name": "tls.version", "is": value} for value in (*[1] * MIN_RULES, True)]
    rules = [{"all": [rule, *beside], "action": "DROP"} if beside else rule | {"action": "DROP"} for rule in asked]
    configuration = {"version": 1, "plugins": ["rules", "stream", "protocols"], "chains": {"INPUT": rules}}
    chains = engine(configuration | {"default": "ACCEPT"}).engine.chains
    packet = decode(tcp_packet("192.0.2.1", 1000, "198.51.100.2", 443, seq=1), 1.0, 1)
    flow = make_flow(packet, app_proto="tls", detect_done=True, facts={"tls.version": True, "tls.sni": "a.b"})
    assert chains.walk(packet, flow).action is DROP


def one_of_many(kind: str, n: int, last: bool) -> dict[str, Any]:
    name = "www.example.com" if last else f"h{n}.example.net"
    address = "192.0.2.1" if last else f"10.{n >> 8 & 255}.{n & 255}.1"
    fact = {"rule": "fact", "name": "tls.sni"}
    ip, app = {"rule": "ip", "src": address}, {"rule": "app", "is": "tls" if last else ("ssh", "ftp", "dns")[n % 3]}
    rules: dict[str, dict[str, Any]] = {
        "ip": {"rule": "ip", "src": "192.0.2.1" if last else f"10.{n >> 8 & 255}.{n & 255}.0/24"},
        "ip both": ip | {"dst": "198.51.100.2"},
        "port": {"rule": "port", "dst": 65000 if last else n},
        "flow": {"rule": "flow", "server": "198.51.100.2" if last else address},
        "iface": {"rule": "iface", "in": "eth0" if last else f"wan{n}*"},
        "set": {"rule": "ip", "src": "@here" if last else ["@there", address]},
        "sets": {"rule": "ip", "src": f"@s{n}"},
        "domain": {"rule": "domain", "is": name.removeprefix("www.")},
        "fact": fact | {"is": name},
        "suffix": fact | {"suffix": name},
        "glob": fact | {"glob": f"*{name[1:]}"},
        "contains": fact | {"contains": name[:-4]},
        "regex": fact | {"regex": f"^{name}$".replace(".", "[.]")},
        "ja4": {"rule": "fact", "name": "tls.ja4", "is": "t13d" if last else f"t13d{n:08}"},
        "number": {
            "rule": "fact",
            "name": "tls.version",
            "least": 70_000 if last else n,
            "most": 70_001 if last else n,
        },
        "app": app,
        "app and ip": {"all": [app, ip]},
        "port and ip": {"all": [{"rule": "port", "dst": 65000}, ip]},
        "any ip": {"any": [ip, {"rule": "ip", "dst": f"12.{n >> 8 & 255}.{n & 255}.1"}]},
        "any of two kinds": {
            "any": [{"rule": "port", "dst": 65000 if last else n}, {"all": [ip, ip | {"src": "::/0"}]}]
        },
        "app and fact": {"all": [{"rule": "app", "is": "tls"}, fact | {"is": name}]},
        "protocol, app and fact": {"all": [{"rule": "protocol", "is": "tcp"}, fact | {"suffix": name}, app]},
        "ip, then names": ip if n % 2 else {"rule": "domain", "is": name},
    }
    return rules[kind]


def many(count: int, kind: str) -> dict[str, Any]:
    """``count`` rules of which the last one matches."""
    rules = [one_of_many(kind, n, n == count) | {"action": "DROP"} for n in range(1, count + 1)]
    sets = {
        name: {"type": "addresses", "entries": [entry]} for name, entry in (("here", "192.0.2.1"), ("there", "::1"))
    }
    if kind == "sets":
        for n in range(1, count + 1):
            sets[f"s{n}"] = {
                "type": "addresses",
                "entries": ["192.0.2.1" if n == count else f"10.{n >> 8}.{n & 255}.1"],
            }
    plugins = ["rules", "stream", "protocols"]
    return {"version": 1, "plugins": plugins, "sets": sets, "chains": {"INPUT": rules}, "default": "ACCEPT"}


def lines_of_a_walk(configuration: dict[str, Any], **facts: Any) -> int:
    """Lines of Python that a walk executes: the same on every machine. The walk ends with DROP or is pending."""
    chains = engine(configuration).engine.chains
    packet = decode(tcp_packet("192.0.2.1", 1000, "198.51.100.2", 65000, seq=1), 1.0, 1, "eth0")
    flow = make_flow(packet, **facts)
    count = 0

    def line(frame: Any, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return line

    before = sys.gettrace()
    sys.settrace(line)
    try:
        verdict = chains.walk(packet, flow)
    finally:
        sys.settrace(before)
    assert verdict.action is DROP or (verdict.action is ACCEPT and verdict.cause is Cause.PENDING)
    return count


KNOWN = {"tls.sni": "www.example.com", "tls.ja4": "t13d", "tls.version": 70_000}
BY_FACTS = (
    "domain",
    "fact",
    "suffix",
    "glob",
    "contains",
    "regex",
    "ja4",
    "number",
    "app",
    "app and ip",
    "app and fact",
    "protocol, app and fact",
    "ip, then names",
)


@pytest.mark.parametrize(
    "kind",
    ["ip", "ip both", "port", "flow", "iface", "set", "sets", "port and ip", "any ip", "any of two kinds", *BY_FACTS],
)
def test_ten_thousand_rules_cost_at_most_three_times_ten(kind: str) -> None:
    for facts in ({"app_proto": "tls", "detect_done": True, "facts": KNOWN}, {})[: 1 + (kind in BY_FACTS)]:
        few, many_rules = (lines_of_a_walk(many(count, kind), **facts) for count in (10, 10_000))
        assert 0 < many_rules <= 3 * few


def test_while_names_are_open_the_verdict_is_that_of_the_first_rule() -> None:
    chains = engine(many(100, "domain")).engine.chains
    packet = decode(tcp_packet("192.0.2.1", 1000, "198.51.100.2", 443, seq=1), 1.0, 1)
    verdict = chains.walk(packet, make_flow(packet))
    assert (verdict.cause, verdict.rule) == (Cause.PENDING, "INPUT[0]")
    trace: list[Step] = []
    chains.walk(packet, make_flow(packet), trace)
    assert [step.answer for step in trace] == [PENDING] * 100


def test_ranges_that_all_overlap_are_asked_one_by_one() -> None:
    configuration = many(1000, "port")
    for n, rule in enumerate(configuration["chains"]["INPUT"]):
        rule["dst"] = f"{n + 1}-{60_000 + n}"
    rules = engine(configuration).engine.chains.rules["INPUT"]
    assert rules[0].run is None
