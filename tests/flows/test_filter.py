"""Expressions that choose flows: what they match, and what is no expression."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.api import ACCEPT, DROP, Flow, Verdict, decode
from pywall_core.flows.filter import MAX_WORDS, FilterError, parse
from pywall_core.model.named_set import TYPES, NamedSet, SetType
from pywall_core.testing import make_flow, tcp_packet, udp_packet

WEB = tcp_packet("192.0.2.1", 40000, "198.51.100.2", 443, seq=0, flags=2)
NAME = udp_packet("2001:db8::1", 5353, "2001:db8::2", 53)


def web() -> Flow:
    flow = make_flow(decode(WEB, 10.0), app_proto="tls", app_proto_orig="http", facts={"tls.sni": "www.Example.com"})
    flow.last = 70.0
    flow.state = "established"
    flow.cache.last = Verdict(ACCEPT, rule="INPUT[0]", title="web servers")
    return flow


def name() -> Flow:
    flow = make_flow(decode(NAME, 10.0), app_proto="dns")
    flow.cache.final = Verdict(DROP, True, rule="INPUT[1]", title="names")
    return flow


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ("tcp", "w"),
        ("udp", "n"),
        ("ip6", "n"),
        ("ip", "w"),
        ("proto 6", "w"),
        ("host 192.0.2.1", "w"),
        ("src host 198.51.100.2", ""),
        ("dst host 198.51.100.2", "w"),
        ("net 2001:db8::/32", "n"),
        ("port 53", "n"),
        ("port 50-500", "wn"),
        ("src port 443", ""),
        ("app tls", "w"),
        ("app http", "w"),
        ("verdict accept", "w"),
        ("verdict DROP", "n"),
        ("rule INPUT[1]", "n"),
        ('rule "Web Serv"', "w"),
        ("state established", "w"),
        ("sni *.example.com", "w"),
        ("fact tls.sni www*", "w"),
        ("age >30", "w"),
        ("age < 30", "n"),
        ("not tcp", "n"),
        ("tcp and port 443 or udp and port 1", "w"),
        ("tcp port 53", ""),
        ("(tcp or udp) and not (port 53)", "w"),
        ("", None),
    ],
)
def test_what_an_expression_chooses(expression: str, chosen: str | None) -> None:
    if chosen is None:
        with pytest.raises(FilterError):
            parse(expression)
        return
    predicate = parse(expression)
    assert "".join(letter for letter, flow in (("w", web()), ("n", name())) if predicate(flow)) == chosen


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("hst 1.2.3.4", "'hst' is not known (host, net, port"),
        ("host 1.2.3", "1.2.3"),
        ("port http", "'http' is not a number from 0 to 65535"),
        ("port 1-65536", "'65536' is not a number"),
        ("port", "a value for port is missing at the end"),
        ("(tcp", "')' is missing"),
        ("tcp )", "')' was not expected"),
        ("src app 3", "'app' is not known (host, net, port, set)"),
        ("verdict maybe", "'maybe' is not a verdict (accept, drop, reject)"),
        ("age 30 5", "age is followed by < or > and seconds"),
        ("tcp " * (MAX_WORDS + 1), f"more than {MAX_WORDS} words"),
    ],
)
def test_what_is_no_expression(expression: str, said: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(expression)
    assert said in str(caught.value)


def made(kind: SetType, *entries: str | int) -> NamedSet:
    members = TYPES[kind]("chosen", 9)
    for entry in entries:
        members.add(entry)
    return members


@pytest.mark.parametrize(
    ("expression", "members", "chosen"),
    [
        ("set chosen", made("addresses", "192.0.2.0/24", "2001:db8::2"), "wn"),
        ("set @chosen", made("addresses", "192.0.2.1"), "w"),
        ("src set chosen", made("addresses", "192.0.2.1", "2001:db8::2"), "w"),
        ("dst set chosen", made("addresses", "192.0.2.1", "2001:db8::2"), "n"),
        ("set chosen", made("ports", 443), "w"),
        ("src set chosen", made("ports", "5000-5400"), "n"),
        ("set chosen", made("names", "example.com"), "w"),
        ("set chosen", made("names", "example.org"), ""),
        ("set chosen", made("strings", "www.Example.com"), "w"),
        ("not set chosen", made("strings"), "wn"),
        ("tcp and not set chosen", made("ports", 443), ""),
    ],
)
def test_a_set_chooses_flows_by_its_members(expression: str, members: NamedSet, chosen: str) -> None:
    predicate = parse(expression, {"chosen": members})
    assert "".join(letter for letter, flow in (("w", web()), ("n", name())) if predicate(flow)) == chosen


def test_each_value_of_a_fact_of_several_is_looked_up() -> None:
    flow = make_flow(decode(WEB, 10.0), facts={"dns.answered": ["a.test", "b.test"], "raw": b"b.test"})
    assert parse("set chosen", {"chosen": made("names", "b.test")})(flow)
    assert not parse("set chosen", {"chosen": made("names", "c.test")})(flow)


def test_a_set_that_is_not_there_is_said_with_those_that_are() -> None:
    with pytest.raises(FilterError, match=r"there is no set 'blokked' \(there are: blocked\)"):
        parse("set @blokked", {"blocked": made("ports")})
    with pytest.raises(FilterError, match=r"there are: none"):
        parse("set x", {})
    assert not parse("set any")(web())


WORDS = [
    "set",
    "host",
    "net",
    "port",
    "src",
    "dst",
    "and",
    "or",
    "not",
    "(",
    ")",
    "tcp",
    "10.0.0.1",
    "53",
    "age",
    "<",
    "app",
    "fact",
    "é",
]


@given(st.lists(st.sampled_from(WORDS), max_size=MAX_WORDS + 5))
def test_any_words_are_an_expression_or_refused(words: list[str]) -> None:
    try:
        predicate = parse(" ".join(words))
    except FilterError:
        return
    assert predicate(web()) in (True, False)


@pytest.mark.parametrize(
    ("pattern", "chosen"), [("curl", True), ("/usr/bin/*", True), ("CURL", True), ("wget", False), ("/usr/bin", False)]
)
def test_a_flow_is_chosen_by_its_program(pattern: str, chosen: bool) -> None:
    flow = make_flow(decode(WEB, 10.0), facts={"process.name": "curl", "process.path": "/usr/bin/curl"})
    predicate = parse(f"process {pattern}")
    assert predicate(flow) is chosen
    assert not predicate(web())
