"""The flow table: both directions one entry, timeouts, bounds under floods, hashing."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from pywall_core.flows.table import ADAPTIVE_START, TIMEOUT_NEW, FlowTable, touch_datagram_flow
from pywall_core.model.flow import Flow
from pywall_core.model.packet import ACK, SYN, Packet
from pywall_core.packet.decode import decode
from pywall_core.testing import tcp_packet, udp_packet


def packet(n: int, *, at: float = 1.0, back: bool = False) -> Packet:
    one, two = ("10.0.0.1", 1 + n % 60000), (f"10.1.{n // 60000}.1", 53)
    return decode(udp_packet(*(two + one if back else one + two)), at)


def make_table(capacity: int, ended: list[tuple[Flow, str]] | None = None) -> FlowTable:
    """A table whose freed entries are appended to ``ended``."""
    kept = [] if ended is None else ended
    return FlowTable(capacity, lambda flow, reason: kept.append((flow, reason)))


def test_both_directions_find_one_entry() -> None:
    table = make_table(10)
    flow = table.create(packet(1))
    assert table.find(packet(1).key) is flow is table.find(packet(1, back=True).key)
    assert len(table) == 1
    assert list(table) == [flow]


def test_a_syn_ack_first_turns_the_roles() -> None:
    flow = make_table(10).create(decode(tcp_packet("10.0.0.2", 80, "10.0.0.1", 5, seq=1, flags=SYN | ACK), 1.0, 1))
    assert flow is not None
    assert (flow.reversed, flow.dport, flow.initiator) == (True, 80, "remote")


def test_timeouts_free_entries_and_traffic_puts_them_off() -> None:
    ended: list[tuple[Flow, str]] = []
    table = make_table(10, ended)
    idle, busy = table.create(packet(1)), table.create(packet(2))
    assert idle is not None
    assert busy is not None
    now = 1.0
    while now < 1.0 + TIMEOUT_NEW + 3:
        busy.last = now
        table.sweep(now)
        now += 1.0
    assert ended == [(idle, "timeout")]
    assert len(table) == 1
    table.sweep(now + 10 * TIMEOUT_NEW)
    assert len(table) == 0


def test_a_clock_that_jumps_is_survived() -> None:
    table = make_table(10)
    table.create(packet(1, at=1e9))
    table.sweep(1e9 + 1)
    table.sweep(1e9 + 10 * 365 * 86400)
    assert len(table) == 0
    table.create(packet(2, at=5.0))
    table.sweep(5.0)
    table.sweep(100.0)
    assert len(table) == 0


def test_a_flood_evicts_its_own_oldest_half_open_entries_only() -> None:
    table = make_table(100)
    good = []
    for n in range(20):
        flow = table.create(packet(n))
        assert flow is not None
        touch_datagram_flow(flow)
        good.append(flow)
    for n in range(1000, 5000):
        assert table.create(packet(n)) is not None
    assert len(table) <= 100
    assert all(flow in list(table) for flow in good)
    assert table.evicted["new"] > 3000


def test_a_table_full_of_established_flows_takes_no_more() -> None:
    table = make_table(16)
    for n in range(16):
        flow = table.create(packet(n))
        assert flow is not None
        touch_datagram_flow(flow)
    assert table.create(packet(99)) is None


def test_a_full_table_makes_room_by_a_carried_flow_that_is_over() -> None:
    ended: list[tuple[Flow, str]] = []
    table = make_table(16, ended)
    flows = [flow for n in range(16) if (flow := table.create(packet(n))) is not None]
    for each in flows:
        touch_datagram_flow(each)
        table.carry(each)
    assert table.create(packet(99)) is None  # nobody can be asked
    over = flows[9]
    table.is_over = lambda flow, now: flow is over
    made = 0
    for n in range(4):  # some are asked about each time
        flow = table.create(packet(100 + n))
        if flow is not None:
            touch_datagram_flow(flow)
            made += 1
    assert (made, ended) == (1, [(over, "closed")])
    table.clear("shutdown")
    assert len(table) == 0


def test_timeouts_shrink_as_the_table_fills() -> None:
    table = make_table(100)
    for n in range(90):
        flow = table.create(packet(n))
        assert flow is not None
        touch_datagram_flow(flow)
    assert len(table) / 100 > ADAPTIVE_START
    table.sweep(1.0)
    table.sweep(1.0 + 40)  # a quarter of the 120 s of established flows, plus the recheck
    assert len(table) < 90


def test_keys_are_hashed_with_the_process_own_seed() -> None:
    """Keys are bytes, whose hash nobody outside can predict (integers would collide at an attacker's will)."""
    table = FlowTable(200_000, lambda flow, reason: None)
    flow = table.create(packet(1))
    assert flow is not None
    assert type(flow.key) is bytes


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.floats(0, 20)), max_size=80))
def test_the_table_never_holds_more_than_its_capacity_or_half_an_entry(steps: list[tuple[int, bool, float]]) -> None:
    ended: list[tuple[Flow, str]] = []
    table = make_table(16, ended)
    now = 1.0
    for n, established, wait in steps:
        now += wait
        table.sweep(now)
        flow = table.find(packet(n).key) or table.create(packet(n, at=now))
        if flow is not None:
            flow.last = now
            if established:
                touch_datagram_flow(flow)
        assert len(table) <= 16
    for flow in table:
        assert table.find(flow.rkey) is flow
    table.clear("shutdown")
    assert len(table) == 0
    assert len({id(flow) for flow, _ in ended}) == len(ended)


def test_half_a_million_packets_of_a_flood_stay_quick() -> None:
    table = make_table(2000)
    began = time.process_time()
    for n in range(20_000):
        table.create(packet(n))
    assert time.process_time() - began < 20  # a quadratic table would take minutes


@given(seconds=st.lists(st.integers(0, 5), min_size=1, max_size=40), most=st.integers(1, 7))
def test_a_sweep_in_pieces_frees_what_one_in_one_go_frees(seconds: list[int], most: int) -> None:
    ended: list[list[tuple[Flow, str]]] = [[], []]
    whole, pieces = (make_table(100, one) for one in ended)
    for table in (whole, pieces):
        for n, second in enumerate(seconds):
            assert table.create(packet(n, at=1.0 + second)) is not None
    for clock in (10.0, 1.0 + TIMEOUT_NEW + 3, 10 * TIMEOUT_NEW):
        assert whole.sweep(clock)
        calls = 1
        while not pieces.sweep(clock, most):
            calls += 1
            assert calls <= len(seconds) + 2
        assert sorted(flow.key for flow, _ in ended[1]) == sorted(flow.key for flow, _ in ended[0])
    assert len(pieces) == 0
