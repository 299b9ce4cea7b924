"""Another connection on the ports of one that the kernel carries, and SYNs that open none."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from pywall_core.testing import tcp_packet

NO_HTTP = """
    version: 1
    queue: {number: 3}
    plugins: [rules, stream, protocols]
    chains:
      %s:
        - {rule: app, is: http, action: DROP}
    default: ACCEPT
    """
SERVER = """
    import threading
    s = socket.create_server(("", 8000))
    print("ready", flush=True)
    def serve(c):
        try:
            while d := c.recv(65536):
                if d != b"quiet":
                    c.sendall(d)
        except OSError:
            pass
    while True:
        threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
    """
#: a client without a kernel. Its connection ends in a way that conntrack does not take for an end: a RST behind data
#: that the server has not acknowledged yet is right for the server, and not yet for conntrack
CLIENT = """
    from pywall_core.api import decode
    from pywall_core.testing import tcp_packet
    own, server, mac, words = sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]), sys.argv[4:]
    link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    link.bind(("peer0", 0x0800))
    link.settimeout(1)
    def send(seq, ack, flags, data=b""):
        packet = tcp_packet(own, 45678, server, 8000, seq=seq, ack=ack, flags=flags, data=data)
        link.sendto(packet, ("peer0", 0x0800, 0, 0, mac))
    def receive():
        while True:
            data, address = link.recvfrom(65536)
            packet = decode(data, 0.0) if address[2] != socket.PACKET_OUTGOING else None
            if packet is not None and packet.sport == 8000 and packet.dport == 45678:
                return packet
    isn = 1000
    for word in words:
        isn += 1_000_000
        seq, got = isn + 1, 0
        text = b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" if word == "http" else b"\\xf3\\xf2\\x01" * 300
        send(isn, 0, 2)
        while (packet := receive()).flags != 18:
            pass
        ack = packet.seq + 1
        send(seq, ack, 16)
        try:
            for _ in range(100):
                send(seq, ack, 24, text)
                seq += len(text)
                while got < seq - isn - 1:
                    packet = receive()
                    got += packet.end - packet.start
                    ack = max(ack, packet.seq + packet.end - packet.start)
                send(seq, ack, 16)
        except TimeoutError:
            pass
        print(got)
        send(seq, ack, 24, b"quiet")
        send(seq, ack, 16)
        send(seq + 5, ack, 4)
    """


@pytest.mark.parametrize("hook", ["FORWARD", "INPUT"])
def test_another_connection_on_the_ports_of_a_carried_one_is_judged(lab: Any, variant: str, hook: str) -> None:
    host, address = (lab.add_server(), lab.SERVER) if hook == "FORWARD" else (lab.fw, lab.FW)
    lab.run(NO_HTTP % hook, PYWALL_IPTABLES=variant)
    server = host.python(SERVER)
    assert server.stdout.readline() == "ready\n"
    lab.peer.run("iptables -A OUTPUT -p tcp --tcp-flags RST RST -j DROP")  # its kernel's: it knows no such connection
    mac = json.loads(lab.fw.run("ip -json link show fw0"))[0]["address"].replace(":", "")
    before = lab.fw.queued()[3]
    assert lab.peer.ask(CLIENT, lab.PEER, address, mac, "noise", "noise", timeout=60).split() == ["90000", "90000"]
    assert lab.fw.queued()[3] - before < 300, "the kernel carries both"  # of 600 packets and more
    assert "ESTABLISHED" in lab.fw.run("conntrack -L -f ipv4 -p tcp --orig-port-src 45678"), "the end was not seen"
    assert lab.peer.ask(CLIENT, lab.PEER, address, mac, "http", timeout=60) == "0"


LOCAL_ALONE = """
    version: 1
    queue: {number: 3}
    plugins: [rules, stream]
    chains:
      INPUT:
        - {rule: flow, initiator: local, action: ACCEPT}
      OUTPUT:
        - {rule: always, action: ACCEPT}
    default: {INPUT: DROP, OUTPUT: ACCEPT}
    """
SPEAKER = """
    s = socket.create_server(("", 8000))
    print("ready", flush=True)
    c = s.accept()[0]
    c.recv(100)
    for line in sys.stdin:
        c.sendall(b"y" * 20)
    """
LISTENER = """
    s = socket.create_connection((sys.argv[1], 8000), timeout=3)
    s.sendall(b"hello")
    print(s.getsockname()[1], flush=True)
    for line in sys.stdin:
        try:
            print(len(s.recv(100)), flush=True)
        except OSError as error:
            print(type(error).__name__, flush=True)
    """


@pytest.mark.parametrize("how", ["carried", "reload", "flush", "notrack", "foreign"])
def test_a_spoofed_syn_cuts_no_live_connection(lab: Any, how: str, until: Callable[..., None]) -> None:
    """It comes from the server's side, and the rules let nobody in: as a new connection it would be dropped."""
    rule = {"notrack": "raw -A %s -p tcp -j CT --notrack", "foreign": "mangle -I %s -j CONNMARK --set-mark 0xffffffff"}
    for chain in ("PREROUTING", "OUTPUT"):
        if how in rule:
            lab.fw.run(f"iptables -t {rule[how] % chain}")
    firewall = lab.run(LOCAL_ALONE)
    speaker = start(lab.peer, SPEAKER)
    assert speaker.stdout.readline() == "ready\n"
    listener = start(lab.fw, LISTENER, lab.PEER)
    port = int(listener.stdout.readline())

    def hear() -> str:
        for process in (speaker, listener):
            process.stdin.write("go\n")
            process.stdin.flush()
        return str(listener.stdout.readline().strip())

    assert [hear() for _ in range(3)] == ["20"] * 3
    before = lab.fw.queued()[3]
    lab.send_frames([tcp_packet(lab.PEER, 8000, lab.FW, port, seq=12345678, flags=2)])
    until(lambda: lab.fw.queued()[3] > before)
    if how == "reload":
        firewall.ask("reload")
    if how == "flush":
        lab.fw.run("conntrack -F")
    assert [hear() for _ in range(3)] == ["20"] * 3


def start(namespace: Any, code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a script that is spoken to."""
    text = "import socket, sys\n" + textwrap.dedent(code)
    made: subprocess.Popen[str] = namespace.start(
        sys.executable, "-c", text, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    return made
