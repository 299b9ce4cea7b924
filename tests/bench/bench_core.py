"""Cost of the core's steps beside the libraries that would do the same, in one run.

``make bench`` prints the table; the ratios, not the microseconds, are what may be compared between machines.
"""

from __future__ import annotations

from typing import Any

import dpkt
import pluggy
import pytest

from pywall_core import hookspecs
from pywall_core.api import Packet, decode, hookimpl
from pywall_core.config import Config
from pywall_core.engine.engine import Engine
from pywall_core.flows.table import new_flow
from pywall_core.plugins.loader import assemble
from pywall_core.plugins.registry import Plugins
from pywall_core.testing import tcp_packet, udp_packet

SEGMENT = tcp_packet("10.0.0.1", 1000, "10.0.0.2", 443, seq=1, ack=1, flags=24, data=bytes(1400))
SEGMENT6 = tcp_packet("fd00::1", 1000, "fd00::2", 443, seq=1, ack=1, flags=24, data=bytes(1400))
DATAGRAM = udp_packet("10.0.0.1", 1000, "10.0.0.2", 53, bytes(64))


@pytest.mark.benchmark(group="headers of one packet (goal: struct at most 0.2 of dpkt)")
class BenchDecode:
    def bench_struct_tcp4(self, benchmark: Any) -> None:
        benchmark(decode, SEGMENT, 1.0, 1)

    def bench_struct_tcp6(self, benchmark: Any) -> None:
        benchmark(decode, SEGMENT6, 1.0, 1)

    def bench_struct_udp4(self, benchmark: Any) -> None:
        benchmark(decode, DATAGRAM, 1.0, 1)

    def bench_dpkt_tcp4(self, benchmark: Any) -> None:
        benchmark(dpkt.ip.IP, SEGMENT)


class Looks:
    @hookimpl
    def pywall_packet(self, packet: Packet, flow: object) -> None:
        return None


def five() -> Plugins:
    return assemble(Config.model_validate({"version": 1}), [(f"p{n}", Looks()) for n in range(5)])


@pytest.mark.benchmark(group="one hook of five plugins (goal: tuples at most 0.25 of pluggy)")
class BenchDispatch:
    def bench_tuples(self, benchmark: Any) -> None:
        hooks = five().calls("packet")
        packet = decode(DATAGRAM, 1.0, 1)
        flow = new_flow(packet)

        def dispatch() -> None:
            for _name, hook in hooks:
                hook(packet, flow)

        benchmark(dispatch)

    def bench_pluggy(self, benchmark: Any) -> None:
        manager: pluggy.PluginManager = five().manager
        assert manager.hook.pywall_packet.spec is not None
        assert hookspecs.pywall_packet
        packet = decode(DATAGRAM, 1.0, 1)
        benchmark(manager.hook.pywall_packet, packet=packet, flow=new_flow(packet))


@pytest.mark.benchmark(group="one packet through the engine")
class BenchEngine:
    @staticmethod
    def engine(**data: Any) -> Engine:
        config = Config.model_validate({"version": 1, **data})
        return Engine(config, assemble(config, []), live=True)

    def bench_known_flow_verdict_final(self, benchmark: Any) -> None:
        engine = self.engine()
        benchmark(lambda: engine.process(decode(DATAGRAM, 1.0, 1)))

    def bench_new_flow(self, benchmark: Any) -> None:
        engine = self.engine(table={"flows": 100_000})
        packets = [udp_packet("10.0.0.1", 1 + n % 60000, f"10.0.{n // 60000}.2", 53, b"x") for n in range(80_000)]
        source = iter(packets * 100)
        benchmark.pedantic(lambda: engine.process(decode(next(source), 1.0, 1)), rounds=20_000)
