"""TCP Fast Open, data in a SYN: what is accepted waits for no time-out, what is forbidden gets none of it across."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.testing import client_hello

POLICY = """
    version: 1
    queue: {number: 5, hooks: [INPUT, OUTPUT, FORWARD]}
    plugins: [rules, stream, protocols]
    chains:
      INPUT:
        - {rule: app, is: tls, action: DROP}
      FORWARD:
        - {rule: app, is: tls, action: DROP}
    default: ACCEPT
    """
SERVE = """
    s = socket.socket(address(sys.argv[1]), socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
    s.bind((sys.argv[1], 7001))
    s.listen(16)
    print("ready", flush=True)
    while True:
        c = s.accept()[0]
        c.settimeout(3)
        try:
            c.sendall(b"got %d" % len(c.recv(4096)))
        except OSError:
            pass
        c.close()
    """
#: prints seconds and answer of each connection; the first one of all gets the cookie
ASK = """
    import struct
    for _ in range(int(sys.argv[3])):
        begun = time.monotonic()
        s = socket.socket(address(sys.argv[1]), socket.SOCK_STREAM)
        # a socket with a time-out of Python's would not wait for its connection
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 2, 500_000))
        try:
            s.sendto(bytes.fromhex(sys.argv[2]), socket.MSG_FASTOPEN, (sys.argv[1], 7001))
            answer = s.recv(100).decode()
        except OSError as error:
            answer = type(error).__name__
        s.close()
        print(f"{time.monotonic() - begun:.3f} {answer}")
    """
#: what a SYN waits for its answer before it comes again (RFC 6298 section 2.1), seconds
SYN_AGAIN = 1.0


def ask(lab: Any, host: str, data: bytes, times: int) -> list[tuple[float, str]]:
    lines = lab.peer.ask(ASK, host, data.hex(), times, timeout=60).splitlines()
    return [(float(line.split(" ", 1)[0]), line.split(" ", 1)[1]) for line in lines]


def fast_opens(namespace: Any) -> int:
    """SYNs with data that this end sent."""
    names, values = [
        line.split() for line in namespace.run("cat /proc/net/netstat").splitlines() if line.startswith("TcpExt:")
    ]
    return int(values[names.index("TCPFastOpenActive")]) + int(values[names.index("TCPFastOpenActiveFail")])


@pytest.mark.parametrize("where", ["host", "host IPv6", "gateway"])
def test_an_accepted_connection_waits_for_no_time_out(lab: Any, where: str) -> None:
    namespace = lab.add_server() if where == "gateway" else lab.fw
    host = {"host": lab.FW, "host IPv6": lab.FW6, "gateway": lab.SERVER}[where]
    for each in (namespace, lab.peer):
        each.run("sysctl -q net.ipv4.tcp_fastopen=3")
    serving = namespace.python(SERVE, host)
    assert serving.stdout.readline() == "ready\n"
    firewall = lab.run(POLICY)

    answers = ask(lab, host, b"hello", 5)
    assert {answer for _, answer in answers} == {"got 5"}
    assert min(seconds for seconds, _ in answers[1:]) < SYN_AGAIN
    assert fast_opens(lab.peer) > 0, "data went with a SYN"

    hello = client_hello("a.example")
    assert all(not answer.startswith("got") or answer == "got 0" for _, answer in ask(lab, host, hello, 3))
    assert firewall.stop() == 0
