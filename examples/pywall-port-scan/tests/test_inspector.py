"""A scan among ordinary connections."""

from pywall_port_scan import PortScan

from pywall_core.api import SYN
from pywall_core.testing import engine, tcp_packet


def syn(src: str, dport: int) -> bytes:
    return tcp_packet(src, 40000, "198.51.100.1", dport, seq=1, flags=SYN)


def test_the_scanner_is_reported_once_and_nobody_else() -> None:
    lab = engine({"version": 1}, plugins={"port-scan": PortScan(PortScan.Options(ports=10))})
    lab.send(syn("192.0.2.1", port) for port in range(1, 200))
    lab.send(syn(f"192.0.2.{host}", 443) for host in range(2, 200))
    assert [alert["src_ip"] for alert in lab.of_type("alert")] == ["192.0.2.1"]


def test_slow_visitors_are_forgotten() -> None:
    scan = PortScan(PortScan.Options(ports=3, window=10))
    lab = engine({"version": 1}, plugins={"port-scan": scan})
    for minute, port in enumerate((22, 80, 443, 8080)):
        lab.engine.tick(60.0 * minute)
        lab.send([syn("192.0.2.1", port)])
    assert lab.of_type("alert") == []
