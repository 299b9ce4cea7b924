"""Many connections, giant streams, holes, and a quarter of an hour of ordinary traffic: memory stays where it was."""

from __future__ import annotations

import select
import time
from typing import Any

import pytest

POLICY = """
    version: 1
    queue: {number: 7}
    plugins: [rules, stream, protocols]
    chains:
      INPUT:
        - {rule: port, protocol: tcp, dst: 8001, action: DROP}
        - {rule: app, is: ssh, action: DROP}
    default: ACCEPT
    """
MIB = 1 << 20
pytestmark = pytest.mark.slow


def test_flows_50k(lab: Any) -> None:
    """50,000 connections that stay open: at least 99.9 % come about, at most 2 KiB of memory each."""
    lab.fw.run("sysctl -qw net.netfilter.nf_conntrack_max=200000 net.core.somaxconn=4096", check=False)
    for namespace in (lab.fw, lab.peer):
        namespace.run("sysctl -qw net.ipv4.ip_local_port_range='1024 65000' net.ipv4.tcp_max_syn_backlog=8192")
    ports = range(8000, 8004)
    servers = [lab.fw.python(HOLDING_SERVER, port) for port in ports]
    assert [server.stdout.readline() for server in servers] == ["ready\n"] * 4
    firewall = lab.run(POLICY.replace("8001", "9001"))
    idle = firewall.resident()
    clients = [lab.peer.python(HOLDING_CLIENT, lab.FW, port) for port in ports]
    established = sum(int(client.stdout.readline()) for client in clients)
    grown = firewall.resident() - idle
    active = firewall.ask("stats")["stats"]["flows"]["active"]
    print(
        f"{established} of 50,000, {active} in the table, {grown / MIB:.0f} MiB, {grown / established:.0f} bytes each"
    )
    assert established >= 49_950
    assert active >= established
    assert grown <= 256 * MIB
    assert grown / established <= 2048
    lab.fw.echo_server(9001)
    assert lab.peer.echo(lab.FW, 9001, timeout=0.7) == "TimeoutError"


HOLDING_SERVER = """
    s = socket.create_server(("0.0.0.0", int(sys.argv[1])), backlog=4096)
    print("ready", flush=True)
    held = []
    while True:
        held.append(s.accept()[0])
    """
HOLDING_CLIENT = """
    held, failed = [], 0
    for n in range(12_500):
        s = socket.socket()
        s.settimeout(5)
        try:
            s.connect((sys.argv[1], int(sys.argv[2])))
            held.append(s)
        except OSError:
            failed += 1
    print(len(held), flush=True)
    time.sleep(60)
    """


def test_stream_giant(lab: Any) -> None:
    """300 MB on one connection, every packet inspected: constant memory."""
    firewall = lab.run(POLICY.replace("{number: 7}", "{number: 7, offload: false}"))
    server = lab.fw.python(
        """
        s = socket.create_server(("0.0.0.0", 8000)); print("ready", flush=True)
        c, _ = s.accept(); total = 0
        while data := c.recv(1 << 20):
            total += len(data)
        print(total)
        """
    )
    assert server.stdout.readline() == "ready\n"
    idle = firewall.resident()
    begun = time.monotonic()
    client = lab.peer.python(
        """
        s = socket.create_connection((sys.argv[1], 8000)); data = bytes(range(256)) * 4096
        for n in range(300):
            s.sendall(data[:1_000_000])
        s.close()
        """,
        lab.FW,
    )
    most = 0
    while client.poll() is None:
        most = max(most, firewall.resident() - idle)
        time.sleep(0.5)
    assert server.communicate(timeout=60)[0].strip() == "300000000"
    print(f"{most / MIB:.0f} MiB more at most, {time.monotonic() - begun:.0f} s")
    assert most <= 32 * MIB


def test_stream_holes(lab: Any) -> None:
    """2,000 connections with up to 48 KB behind a hole each: bounded in sum, and the policy holds."""
    lab.fw.echo_server(8000)
    lab.fw.echo_server(8001)
    lab.peer.run(f"ip route replace {lab.FW} dev peer0 initcwnd 64")
    lab.peer.run("ethtool -K peer0 tso off gso off")
    lost = "-p tcp --dport 8000 -m string --algo bm --string this-never-arrives -j DROP"
    lab.fw.run(f"iptables -t raw -A PREROUTING {lost}")
    firewall = lab.run(POLICY)
    idle = firewall.resident()
    client = lab.peer.python(
        """
        held = []
        for n in range(2000):
            s = socket.create_connection((sys.argv[1], 8000), timeout=5)
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1); s.setblocking(False)
            s.send(b"this-never-arrives"); s.send(bytes(48_000)); held.append(s)
        print("sent", flush=True)
        time.sleep(60)
        """,
        lab.FW,
    )
    most = held = 0
    while client.poll() is None and not readable(client):
        most = max(most, firewall.resident() - idle)
        held = max(held, firewall.ask("stats")["stats"]["plugins"]["stream"]["buffered"])
        time.sleep(0.5)
    print(f"{most / MIB:.0f} MiB more at most, {held / MIB:.0f} MiB of bytes held behind holes")
    assert client.stdout.readline() == "sent\n"
    assert held > 4 * MIB
    assert most <= 256 * MIB
    assert lab.peer.echo(lab.FW, 8001, timeout=0.7) == "TimeoutError"
    lab.fw.run("iptables -t raw -F PREROUTING")
    assert lab.peer.echo(lab.FW, 8000) == "ok"


def readable(process: Any) -> bool:
    return bool(select.select([process.stdout], [], [], 0)[0])


#: about 100 flows a second
TRAFFIC = """
    import random
    end = time.monotonic() + float(sys.argv[2])
    done = 0
    while time.monotonic() < end:
        due = time.monotonic() + 0.01
        try:
            if done % 3:
                s = socket.create_connection((sys.argv[1], 8000), timeout=3)
            else:
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3); s.connect((sys.argv[1], 8000))
            text = b"GET /%d HTTP/1.1\\r\\nHost: example.org\\r\\n\\r\\n" % done
            s.sendall(text); s.recv(1000); s.close(); done += 1
        except OSError as error:
            print(error, file=sys.stderr)
        time.sleep(max(0, due - time.monotonic()))
    print(done)
    """


def test_soak(lab: Any) -> None:
    """A quarter of an hour at about 100 flows a second: memory does not rise once the flow table has filled."""
    minutes = 15
    for kind in ("tcp", "udp"):
        lab.fw.echo_server(8000, lab.FW, kind)
    lab.fw.echo_server(8001)
    firewall = lab.run(POLICY + f"events: {{file: {lab.folder / 'eve.json'}}}\n    ")
    workers = firewall.workers()
    client = lab.peer.python(TRAFFIC, lab.FW, minutes * 60)
    sizes: list[tuple[float, int]] = []
    begun = time.monotonic()
    while client.poll() is None:
        sizes.append((time.monotonic() - begun, firewall.resident()))
        time.sleep(5)
    done, errors = client.communicate()
    late = [(at, size) for at, size in sizes if at > minutes * 60 / 3]
    slope = slope_of(late) * 3600 / MIB
    print(f"{done.strip()} flows, {late[0][1] / MIB:.1f} to {late[-1][1] / MIB:.1f} MiB, {slope:+.2f} MiB an hour")
    assert int(done) > minutes * 60 * 30
    assert errors.count("\n") <= int(done) // 1000
    assert slope < 4
    assert firewall.workers() == workers
    assert lab.peer.echo(lab.FW, 8001, timeout=0.7) == "TimeoutError"
    assert firewall.stop() == 0
    assert "Traceback" not in firewall.log()


def slope_of(points: list[tuple[float, int]]) -> float:
    """Bytes a second, by least squares."""
    n = len(points)
    middle_x = sum(x for x, _ in points) / n
    middle_y = sum(y for _, y in points) / n
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / sum((x - middle_x) ** 2 for x, _ in points)
