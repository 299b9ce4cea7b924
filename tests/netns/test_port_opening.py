"""``knock`` and ``spa`` with their own client on real sockets: who gets in, and that nobody gets an answer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

PYWALL = (sys.executable, "-m", "pywall_core")
SEND = """
    host, port, payload = sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3])
    s = socket.socket(address(host), socket.SOCK_DGRAM)
    s.settimeout(0.5)
    s.connect((host, port))
    s.send(payload)
    try:
        s.recv(100)
        print("answer")
    except TimeoutError:
        print("silence")
    except ConnectionError:
        print("error")
    """


@pytest.fixture
def secret(lab: Any) -> Path:
    file: Path = lab.folder / "secret"
    file.write_text("a secret that only this test knows\n")
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("family", [4, 6])
def test_knocks_of_the_client_open_the_port(lab: Any, family: int) -> None:
    host = lab.FW if family == 4 else lab.FW6
    lab.fw.echo_server(2222, host)
    lab.run("""
        plugins: [rules]
        chains:
          INPUT:
            - {rule: knock, port: 2222, doors: [7000/tcp, 8000/udp, 9000/tcp], grant: 5, action: ACCEPT}
            - {rule: protocol, is: icmpv6, action: ACCEPT}
        default: {INPUT: DROP}
        """)
    assert lab.peer.echo(host, 2222, timeout=0.5) == "TimeoutError"
    knock = " ".join([*PYWALL, "knock", host])
    lab.peer.run(f"{knock} 7000/tcp 9000/tcp 8000/udp")
    assert lab.peer.echo(host, 2222, timeout=0.5) == "TimeoutError"
    lab.peer.run(f"{knock} 7000/tcp 8000/udp 9000/tcp")
    assert lab.peer.echo(host, 2222) == "ok"
    assert lab.peer.ask(SEND, host, 8000, "00") == "silence"


@pytest.mark.parametrize("family", [4, 6])
def test_one_authenticated_datagram_opens_the_port_once(lab: Any, until: Any, secret: Path, family: int) -> None:
    host = lab.FW if family == 4 else lab.FW6
    lab.fw.echo_server(2222, host)
    lab.run(f"""
        plugins: [rules]
        chains:
          INPUT:
            - {{rule: spa, port: 2222, secret_file: {secret}, grant: 2, action: ACCEPT}}
            - {{rule: protocol, is: icmpv6, action: ACCEPT}}
        default: {{INPUT: DROP}}
        """)
    assert lab.peer.echo(host, 2222, timeout=0.5) == "TimeoutError"
    code = f"""
        import ipaddress
        from pywall_rules.authorization import make, read_secret
        own = ipaddress.ip_address({(lab.PEER if family == 4 else lab.PEER6)!r}).packed
        print(make(read_secret({str(secret)!r}), own, 6, 2222, now=time.time()).hex())
        """
    captured = lab.peer.ask(code)
    assert lab.peer.ask(SEND, host, 62201, captured) == "silence"
    assert lab.peer.echo(host, 2222) == "ok"
    until(lambda: lab.peer.echo(host, 2222, timeout=0.5) == "TimeoutError", 5, "end of the grant")
    assert lab.peer.ask(SEND, host, 62201, captured) == "silence"
    assert lab.peer.echo(host, 2222, timeout=0.5) == "TimeoutError"
    lab.peer.run(" ".join([*PYWALL, "knock", host, "--secret-file", str(secret), "--open", "2222/tcp"]))
    assert lab.peer.echo(host, 2222) == "ok"
