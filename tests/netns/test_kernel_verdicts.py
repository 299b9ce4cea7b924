"""Verdicts in the real kernel: offload, drops, rejections, what others' rules still see."""

from __future__ import annotations

import re
from typing import Any

PORTS = """
    version: 1
    queue: {number: 3}
    plugins: [rules]
    chains:
      INPUT:
        - {rule: port, protocol: tcp, dst: 8001, action: DROP}
        - {rule: port, protocol: udp, dst: 8001, action: DROP}
        - {rule: port, protocol: tcp, dst: 8002, action: REJECT}
        - {rule: port, protocol: udp, dst: 8002, action: REJECT}
    default: {INPUT: ACCEPT, OUTPUT: ACCEPT}
    """
CONTENT = """
    version: 1
    queue: {number: 3}
    plugins: [rules, stream, protocols]
    chains:
      INPUT:
        - {rule: app, is: http, action: %s}
    default: ACCEPT
    """


def test_kernel_carries_accepted_flows(lab: Any, variant: str) -> None:
    lab.run(PORTS, PYWALL_IPTABLES=variant)
    for host in (lab.FW, lab.FW6):
        for kind in ("tcp", "udp"):
            lab.fw.echo_server(8000, host, kind)
            before = lab.fw.queued()[3]
            assert lab.peer.echo(host, 8000, kind, times=200) == "ok"
            assert lab.fw.queued()[3] - before <= 8  # of 400 packets and more


def test_kernel_drops_and_rejects_by_port(lab: Any, variant: str) -> None:
    lab.run(PORTS, PYWALL_IPTABLES=variant)
    for host in (lab.FW, lab.FW6):
        for kind in ("tcp", "udp"):
            for port in (8001, 8002):
                lab.fw.echo_server(port, host, kind)
            assert lab.peer.echo(host, 8001, kind, timeout=0.7) == "TimeoutError"
            assert lab.peer.echo(host, 8002, kind) == "ConnectionRefusedError"


def test_kernel_errors_of_reject_pass_a_closed_output(lab: Any, variant: str) -> None:
    closed = PORTS.replace("OUTPUT: ACCEPT", "OUTPUT: DROP").replace("chains:", "chains:\n      OUTPUT: []")
    lab.run(closed, PYWALL_IPTABLES=variant)
    for host in (lab.FW, lab.FW6):
        lab.fw.echo_server(8002, host)
        lab.fw.echo_server(8000, host)
        assert lab.peer.echo(host, 8002) == "ConnectionRefusedError"
        assert lab.peer.echo(host, 8002, "udp") == "ConnectionRefusedError"
        assert lab.peer.echo(host, 8000, timeout=0.7) == "TimeoutError"


HTTP = """
    host, port = sys.argv[1], int(sys.argv[2])
    s = socket.create_connection((host, port), timeout=1)
    s.sendall(b"GET / HTTP/1.1\\r\\nHost: example.org\\r\\n\\r\\n")
    try:
        print(len(s.recv(100)))
        for n in range(50):
            s.sendall(b"GET / HTTP/1.1\\r\\nHost: example.org\\r\\n\\r\\n")
            time.sleep(0.01)
            s.recv(100)
    except OSError as error:
        print(type(error).__name__)
    """


def test_kernel_carries_a_drop_that_came_late(lab: Any, variant: str) -> None:
    lab.run(CONTENT % "DROP", PYWALL_IPTABLES=variant)
    for host in (lab.FW, lab.FW6):
        lab.fw.echo_server(8000, host)
        assert lab.peer.ask(HTTP, host, 8000) == "TimeoutError"
        marks = conntrack_marks(lab)
        assert any(mark & 0x700 == 0x400 for mark in marks), marks  # the kind is "drop"
        before = lab.fw.queued()[3]
        lab.peer.run("sleep 1.5")  # retransmissions
        assert lab.fw.queued()[3] == before


def test_kernel_rejects_an_established_connection(lab: Any, variant: str) -> None:
    lab.run(CONTENT % "REJECT", PYWALL_IPTABLES=variant)
    for host in (lab.FW, lab.FW6):
        lab.fw.echo_server(8000, host)
        assert lab.peer.ask(HTTP, host, 8000) == "ConnectionResetError"


def conntrack_marks(lab: Any) -> list[int]:
    listing = lab.fw.run("conntrack -L -f ipv4; conntrack -L -f ipv6", check=False)
    return [int(mark) for mark in re.findall(r"mark=(\d+)", listing)]


def test_kernel_accept_does_not_skip_the_rules_of_others(lab: Any, variant: str) -> None:
    lab.fw.run(f"iptables-{variant} -A INPUT -p tcp --dport 8000 -j DROP")
    lab.fw.run(f"iptables-{variant} -t mangle -A INPUT -p tcp --dport 8003 -j DROP")
    lab.run(PORTS, PYWALL_IPTABLES=variant)
    for port in (8000, 8003, 8004):
        lab.fw.echo_server(port)
    assert lab.peer.echo(lab.FW, 8000, timeout=0.7) == "TimeoutError"
    assert lab.peer.echo(lab.FW, 8003, timeout=0.7) == "TimeoutError"
    assert lab.peer.echo(lab.FW, 8004) == "ok"


def test_kernel_marks_of_others_survive(lab: Any, variant: str) -> None:
    lab.fw.run(f"iptables-{variant} -t mangle -A PREROUTING -j CONNMARK --set-xmark 0x40/0xff")
    lab.fw.run(f"iptables-{variant} -t mangle -A PREROUTING -j MARK --set-xmark 0x80/0xff")
    lab.fw.run(f"iptables-{variant} -A INPUT -p tcp --dport 8000 -m mark ! --mark 0x80 -j DROP")
    firewall = lab.run(PORTS, PYWALL_IPTABLES=variant)
    lab.fw.echo_server(8000)
    assert lab.peer.echo(lab.FW, 8000, times=20) == "ok"  # the packet mark is 0x80 again, ours is gone from it
    assert firewall.stop() == 0
    assert 0x40 in conntrack_marks(lab)
    assert all(mark & 0x01FFFF00 == 0 for mark in conntrack_marks(lab))


def test_kernel_several_workers_keep_a_connection_together(lab: Any, variant: str) -> None:
    policy = PORTS.replace("{number: 3}", "{number: 3, workers: 2, offload: false}")
    lab.run(policy, PYWALL_IPTABLES=variant)
    lab.fw.echo_server(8000)
    before = lab.fw.queued()
    for _ in range(6):
        assert lab.peer.echo(lab.FW, 8000, times=10) == "ok"
    after = lab.fw.queued()
    assert sorted(after) == [3, 4]
    shares = [after[queue] - before[queue] for queue in (3, 4)]
    assert min(shares) >= 60, shares  # three connections of more than 20 packets each


def test_kernel_loopback_only_on_request(lab: Any, variant: str) -> None:
    policy = PORTS.replace("{number: 3}", "{number: 3, loopback: %s}")
    lab.fw.echo_server(8001, "127.0.0.1")
    firewall = lab.run(policy % "false", PYWALL_IPTABLES=variant)
    assert lab.fw.echo("127.0.0.1", 8001) == "ok"
    assert firewall.stop() == 0
    lab.run(policy % "true", PYWALL_IPTABLES=variant)
    assert lab.fw.echo("127.0.0.1", 8001, timeout=0.7) == "TimeoutError"


def test_kernel_neighbour_discovery_is_never_queued(lab: Any, variant: str) -> None:
    lab.run(PORTS.replace("INPUT: ACCEPT, OUTPUT: ACCEPT", "INPUT: DROP, OUTPUT: DROP"), PYWALL_IPTABLES=variant)
    lab.peer.run("ip -6 neigh flush dev peer0")
    lab.peer.ask('s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.sendto(b"x", ("fd77::1", 9)); print("sent")')
    lab.peer.run("sleep 0.5")
    assert "lladdr" in lab.peer.run("ip -6 neigh show fd77::1")


def test_kernel_gso_packets_in_one_piece(lab: Any, variant: str) -> None:
    """Bulk with marks on its packets, where a bigger copy range than the library's buffer allows loses packets."""
    lab.fw.run(f"iptables-{variant} -t mangle -A PREROUTING -j MARK --set-xmark 0x80/0xff")
    lab.run(
        PORTS.replace("{number: 3}", "{number: 3, gso: true, offload: false, range: 65535}").replace(
            "plugins: [rules]", "failure: {truncated: pass-packet}\n    plugins: [rules]"
        ),
        PYWALL_IPTABLES=variant,
    )
    lab.fw.echo_server(8000)
    code = """
        s = socket.create_connection((sys.argv[1], 8000), timeout=5)
        import threading
        total = 4_000_000
        threading.Thread(target=lambda: s.sendall(bytes(total))).start()
        got = 0
        while got < total:
            got += len(s.recv(1 << 20))
        print(got)
        """
    before = lab.fw.queued()[3]
    assert lab.peer.ask(code, lab.FW) == "4000000"
    assert lab.fw.queued()[3] - before < 4_000_000 / 1448 * 2  # without the flag: a packet for every 1448 bytes
