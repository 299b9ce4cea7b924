"""Flows that the kernel carries: their counters and their end, as conntrack has them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pywall_core.api import ACCEPT, Verdict
from pywall_core.config import Config
from pywall_core.daemon import conntrack_sync as module
from pywall_core.daemon.conntrack_sync import CarriedFlows, take_counters
from pywall_core.engine.engine import Engine
from pywall_core.kernel.conntrack import Connection
from pywall_core.packet.decode import decode
from pywall_core.packet.flow_key import reverse_key
from pywall_core.plugins.loader import assemble
from pywall_core.testing import make_flow, udp_packet


class Conntrack:
    """The kernel's table: ``open`` by key, and what has ended since the last look."""

    def __init__(self) -> None:
        self.open: dict[bytes, Connection] = {}
        self.ended: list[Connection] = []
        self.behind = False

    def find(self, key: bytes) -> Connection | None:
        return self.open.get(key)

    def poll(self) -> list[Connection]:
        ended, self.ended = self.ended, []
        return ended

    def close(self) -> None:
        pass


@pytest.fixture
def conntrack(monkeypatch: pytest.MonkeyPatch) -> Conntrack:
    fake = Conntrack()
    monkeypatch.setattr(module, "EndedConnections", lambda: fake)
    monkeypatch.setattr(module, "Lookup", lambda: fake)
    return fake


@pytest.fixture
def engine() -> Engine:
    config = Config.model_validate({"version": 1})
    return Engine(config, assemble(config, []), live=True)


@pytest.fixture
def carried(conntrack: Conntrack, engine: Engine) -> CarriedFlows:
    return CarriedFlows(engine)


def connection(flow: Any, forth: tuple[int, int] = (0, 0), back: tuple[int, int] = (0, 0)) -> Connection:
    return Connection(
        key=flow.key,
        reply_key=reverse_key(flow.key),
        packets=forth[0],
        byte_count=forth[1],
        reply_packets=back[0],
        reply_byte_count=back[1],
        mark=0,
    )


def begin(engine: Engine, *, final: bool = True) -> Any:
    engine.process(decode(udp_packet("192.0.2.1", 1000, "192.0.2.2", 53, b"x"), 1.0, 1))
    (flow,) = engine.flows
    flow.cache.final = Verdict(ACCEPT, True) if final else None
    flow.cache.released = final
    return flow


def test_a_flow_ends_with_its_connection_and_has_its_counters(
    carried: CarriedFlows, conntrack: Conntrack, engine: Engine
) -> None:
    flow = begin(engine)
    conntrack.ended = [connection(flow, (10, 1000), (20, 2000))]
    carried.poll(50.0)
    assert len(engine.flows) == 0
    assert (flow.pkts_toserver, flow.bytes_toclient, flow.last) == (10, 2000, 50.0)


def test_a_flow_that_is_still_looked_at_ends_by_itself(
    carried: CarriedFlows, conntrack: Conntrack, engine: Engine
) -> None:
    flow = begin(engine, final=False)
    conntrack.ended = [connection(flow)]
    carried.poll(50.0)
    assert len(engine.flows) == 1


def test_a_flow_whose_end_is_told_last_has_its_counters(
    carried: CarriedFlows, conntrack: Conntrack, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = begin(engine)
    told = [[], [connection(flow, (10, 1000), (20, 2000))]]

    def poll() -> list[Connection]:
        conntrack.behind = len(told) > 1
        return told.pop(0) if told else []

    monkeypatch.setattr(conntrack, "poll", poll)
    engine.tick(1000.0)
    engine.tick(2000.0)
    assert len(engine.flows) == 0
    assert flow.pkts_toserver == 10


def test_a_carried_flow_does_not_time_out_while_conntrack_has_it(
    carried: CarriedFlows, conntrack: Conntrack, engine: Engine
) -> None:
    flow = begin(engine)
    conntrack.open[flow.key] = connection(flow, (5, 500))
    engine.tick(1000.0)
    engine.tick(2000.0)
    assert len(engine.flows) == 1
    del conntrack.open[flow.key]
    engine.tick(3000.0)
    engine.tick(4000.0)
    assert len(engine.flows) == 0


def test_a_full_table_asks_conntrack_which_carried_flows_are_over(
    carried: CarriedFlows, conntrack: Conntrack, engine: Engine
) -> None:
    flow = begin(engine)
    is_over = engine.flows.is_over
    assert is_over is not None
    conntrack.open[flow.key] = connection(flow, (5, 500))
    assert not is_over(flow, 1.0)
    conntrack.open[flow.key] = replace(connection(flow, (6, 600)), over=True)
    assert is_over(flow, 1.0)
    assert flow.pkts_toserver == 6
    del conntrack.open[flow.key]
    assert not is_over(flow, flow.last + flow.timeout), "it is untracked, or its first packet waits for its verdict"
    assert is_over(flow, flow.last + flow.timeout + 1)
    carried.close()
    assert engine.flows.is_over is None


def test_the_last_counters_are_taken_at_the_end(carried: CarriedFlows, conntrack: Conntrack, engine: Engine) -> None:
    flow = begin(engine)
    conntrack.open[flow.key] = connection(flow, (7, 700), (8, 800))
    carried.settle(9.0)
    assert (flow.pkts_toserver, flow.pkts_toclient) == (7, 8)


def test_counters_never_go_back() -> None:
    flow = make_flow(pkts_toserver=9, pkts_toclient=9, bytes_toserver=900, bytes_toclient=900)
    assert not take_counters(flow, connection(flow, (1, 100), (1, 100)))
    assert (flow.pkts_toserver, flow.bytes_toclient) == (9, 900)


def test_the_sides_are_those_of_the_flow() -> None:
    """conntrack's original direction is that of the first packet that it saw, which may be the server's."""
    flow = make_flow()
    turned = Connection(
        key=flow.rkey, reply_key=flow.key, packets=3, byte_count=300, reply_packets=4, reply_byte_count=400, mark=0
    )
    assert take_counters(flow, turned)
    assert (flow.pkts_toserver, flow.pkts_toclient) == (4, 3)
