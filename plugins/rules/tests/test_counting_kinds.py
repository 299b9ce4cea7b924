"""``limit`` and ``seen`` count connections, packets and bytes of somebody, by the packets' own clock."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pywall_rules.keys import MAX_KEYS, remember
from pywall_rules.rate import duration, rate

from pywall_core.api import ACCEPT, DROP, INPUT, SYN, Verdict, decode
from pywall_core.testing import engine, tcp_packet, udp_packet


def lab(rule: str) -> Any:
    return engine(f"version: 1\nplugins: [rules]\nchains:\n  INPUT:\n    - {rule}\n")


def syn(source: str, port: int, dport: int = 22) -> bytes:
    return tcp_packet(source, port, "198.51.100.2", dport, seq=0, flags=SYN)


def send(lab: Any, packets: list[bytes], step: float) -> list[Verdict]:
    """The verdicts on packets that come ``step`` seconds apart, after all that the engine has seen."""
    start = lab.engine.now + 2.0
    timed = [decode(packet, start + step * at, INPUT) for at, packet in enumerate(packets)]
    verdicts: list[Verdict] = lab.send(timed)
    return verdicts


def passed(lab: Any, packets: list[bytes], step: float) -> int:
    """How many of them pass."""
    return sum(verdict.action is ACCEPT for verdict in send(lab, packets, step))


@pytest.mark.parametrize(("per_second", "offered"), [(10, 200), (100, 1000), (1000, 5000)])
def test_a_flood_of_connections_is_held_to_the_rate(per_second: int, offered: int) -> None:
    flood = [syn(f"192.0.{n % 200}.{n % 250 + 1}", 1024 + n % 60000) for n in range(offered * 30)]
    let_in = passed(lab(f"{{rule: limit, over: {per_second}/s, by: all, action: DROP}}"), flood, 1 / offered)
    assert abs(let_in / (per_second * 30) - 1) <= 0.02


@pytest.mark.parametrize("of", ["packets", "bytes"])
def test_a_flood_of_packets_is_held_to_the_rate(of: str) -> None:
    flood = [udp_packet("192.0.2.1", 1000, "198.51.100.2", 9, bytes(972)) for _ in range(20_000)]
    over = "1000/s" if of == "packets" else "1MB/s"
    let_in = passed(lab(f"{{rule: limit, over: {over}, of: {of}, action: DROP}}"), flood, 1 / 2000)
    assert abs(let_in / 10_000 - 1) <= 0.02


def test_sources_have_limits_of_their_own_and_networks_share_one() -> None:
    packets = [syn(f"10.0.0.{n % 50 + 1}", 2000 + n) for n in range(500)]
    assert passed(lab("{rule: limit, over: 1/h, burst: 2, action: DROP}"), packets, 0.001) == 100
    assert passed(lab("{rule: limit, over: 1/h, burst: 2, prefix4: 24, action: DROP}"), packets, 0.001) == 2


@pytest.mark.parametrize("rule", ["limit, over: 1/h, burst: 3", "limit, concurrent: 3", "seen, times: 4, within: 1h"])
def test_the_sources_of_a_set_share_a_limit_and_others_have_none(rule: str) -> None:
    text = "version: 1\nplugins: [rules]\nsets: {partners: {type: addresses, entries: [10.0.0.0/24, 10.9.9.9]}}\n"
    tested = engine(f"{text}chains:\n  INPUT:\n    - {{rule: {rule}, by: '@partners', action: DROP}}\n")
    sources = ["10.0.0.1", "10.0.0.2", "10.9.9.9", "10.0.0.3", "10.0.0.1"]
    assert passed(tested, [syn(source, 2000 + n) for n, source in enumerate(sources)], 0.001) == 3
    assert passed(tested, [syn(f"10.1.0.{n}", 2000 + n) for n in range(1, 20)], 0.001) == 19


def test_packets_of_an_admitted_connection_are_not_counted_and_its_verdict_is_final() -> None:
    tested = lab("{rule: limit, over: 1/h, burst: 1, action: DROP}")
    verdicts = tested.send([syn("10.0.0.1", 5000)] * 20 + [syn("10.0.0.1", 5001)])
    assert [verdict.action for verdict in verdicts] == [ACCEPT] * 20 + [DROP]
    assert verdicts[5].final


def test_a_refused_connection_may_try_again_later() -> None:
    tested = lab("{rule: limit, over: 1/s, burst: 1, action: DROP}")
    actions = [verdict.action for verdict in send(tested, [syn("10.0.0.1", 1), *[syn("10.0.0.1", 2)] * 4], 0.5)]
    assert actions == [ACCEPT, DROP, ACCEPT, ACCEPT, ACCEPT]


def test_connections_at_once() -> None:
    tested = lab("{rule: limit, concurrent: 3, action: DROP}")
    assert passed(tested, [syn("10.0.0.1", 100 + n) for n in range(10)], 0.01) == 3
    tested.engine.flows.clear("shutdown")
    assert passed(tested, [syn("10.0.0.1", 200 + n) for n in range(10)], 0.01) == 3


def test_seen_so_often_in_so_long() -> None:
    tested = lab("{all: [{rule: port, dst: 22}, {rule: seen, times: 3, within: 10s}], action: DROP}")
    scan = [syn("10.0.0.1", 300 + n) for n in range(5)]
    assert [verdict.action for verdict in send(tested, scan, 1.0)] == [ACCEPT, ACCEPT, DROP, DROP, DROP]
    slow = [syn("10.0.0.2", 300 + n) for n in range(5)]
    assert {verdict.action for verdict in send(tested, slow, 6.0)} == {ACCEPT}
    assert {verdict.action for verdict in tested.send([syn("10.0.0.3", n, 80) for n in range(1, 9)])} == {ACCEPT}


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 10**6), st.sampled_from("smhd"))
def test_rates_are_read(number: int, unit: str) -> None:
    assert rate(f"{number}/{unit}") == pytest.approx(number / duration(f"1{unit}"))


@pytest.mark.parametrize("text", ["10", "ten/s", "0/s", "10/week", "-1/s", 10, None, True])
def test_what_is_no_rate_is_named(text: object) -> None:
    with pytest.raises(ValueError, match="is not a rate: write 10/s"):
        rate(text)


@pytest.mark.parametrize("text", ["10", "0s", "1w", "", -3, True, None])
def test_what_is_no_duration_is_named(text: object) -> None:
    with pytest.raises(ValueError, match="is not a duration: write 30s"):
        duration(text)


def test_tables_are_bounded() -> None:
    table: dict[tuple[object, ...], int] = {}
    for number in range(MAX_KEYS + 10):
        remember(table, (number,), number)
    assert len(table) == MAX_KEYS
    assert (0,) not in table
