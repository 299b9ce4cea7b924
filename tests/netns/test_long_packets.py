"""Links whose packets are longer than what a queue copies: transfers under policies that ask for content."""

from __future__ import annotations

from importlib import resources
from typing import Any

import pytest

#: takes a body of any size and answers with one of 300 KB
WEB = """
    import http.server
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_POST(self):
            left = int(self.headers["Content-Length"])
            while left:
                left -= len(self.rfile.read(min(left, 65536)))
            self.send_response(200); self.send_header("Content-Length", "300000"); self.end_headers()
            self.wfile.write(b"<p>hello</p>" * 25000)
        def log_message(self, *_): pass
    server = http.server.ThreadingHTTPServer((sys.argv[1], 8000), Handler)
    print("ready", flush=True)
    server.serve_forever()
    """
#: head and body in one write, so that they leave in one segment where it has room
POST = """
    body = b"a" * int(sys.argv[2])
    s = socket.create_connection((sys.argv[1], 8000), timeout=8)
    s.settimeout(8)
    s.sendall(b"POST / HTTP/1.1\\r\\nHost: a.example\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
    got = b""
    while got.count(b"hello") < 25000:
        piece = s.recv(1 << 20)
        assert piece, len(got)
        got += piece
    print("ok")
    """
WEB_ONLY = """
    version: 1
    queue: {number: 3%s}
    plugins: [rules, stream, protocols]
    chains:
      INPUT: [{rule: app, is: [http, tls, dns], action: ACCEPT}]
      OUTPUT: [{rule: app, is: [http, tls, dns], action: ACCEPT}]
    default: DROP
    """
FACTS = """
    version: 1
    queue: {number: 3%s}
    plugins: [rules, stream, protocols]
    chains:
      INPUT: [{rule: fact, name: http.http_method, in: [PUT, DELETE], action: DROP}]
      OUTPUT: [{rule: fact, name: http.status, in: ["500"], action: DROP}]
    default: ACCEPT
    """


def ready_made(name: str, options: str = "") -> str:
    text = resources.files("pywall_core.policies").joinpath(f"{name}.yaml").read_text()
    return f"{text}queue: {{number: 3{options}}}\n"


@pytest.fixture(params=["allow-known", "block-unknown-encrypted", "web only", "facts"])
def policy(request: pytest.FixtureRequest) -> str:
    by_hand = {"web only": WEB_ONLY, "facts": FACTS}
    return by_hand[request.param] % "" if request.param in by_hand else ready_made(request.param)


def set_links(lab: Any, mtu: int, gso: str) -> None:
    for namespace, link in ((lab.fw, "fw0"), (lab.peer, "peer0")):
        namespace.run(f"ip link set {link} mtu {mtu}")
        namespace.run(f"ethtool -K {link} gso {gso} tso {gso} gro {gso}", check=False)


@pytest.mark.parametrize("gso", ["on", "off"])
@pytest.mark.parametrize("mtu", [1500, 9000, 65535])
def test_transfers_arrive(lab: Any, policy: str, mtu: int, gso: str) -> None:
    """To this host and from it: 6 KB fit into one long segment, 200 KB do not."""
    set_links(lab, mtu, gso)
    for namespace, host in ((lab.fw, lab.FW), (lab.peer, lab.PEER)):
        assert namespace.python(WEB, host).stdout.readline() == "ready\n"
    firewall = lab.run(policy)
    for size in (6000, 200_000):
        assert lab.peer.ask(POST, lab.FW, size) == "ok"
        assert lab.fw.ask(POST, lab.PEER, size) == "ok"
    losses = firewall.ask("stats")["stats"]["losses"]
    assert not losses.get("decoder.truncated"), losses


@pytest.mark.parametrize("text", [WEB_ONLY, FACTS], ids=["web only", "facts"])
def test_transfers_arrive_on_the_loopback_interface(lab: Any, text: str) -> None:
    """Its packets are of up to 64 KiB."""
    assert lab.fw.python(WEB, "127.0.0.1").stdout.readline() == "ready\n"
    firewall = lab.run(text % ", loopback: true")
    for size in (6000, 200_000):
        assert lab.fw.ask(POST, "127.0.0.1", size) == "ok"
    assert not firewall.ask("stats")["stats"]["losses"].get("decoder.truncated")


def test_transfers_arrive_through_a_router(lab: Any) -> None:
    server = lab.add_server()
    set_links(lab, 9000, "on")
    lab.fw.run("ip link set fw1 mtu 9000")
    server.run("ip link set server0 mtu 9000")
    assert server.python(WEB, lab.SERVER).stdout.readline() == "ready\n"
    firewall = lab.run(ready_made("gateway", ", hooks: [FORWARD]").replace("queue: {hooks: [FORWARD]}\n", ""))
    for size in (6000, 200_000):
        assert lab.peer.ask(POST, lab.SERVER, size) == "ok"
    assert not firewall.ask("stats")["stats"]["losses"].get("decoder.truncated")


def test_a_policy_without_content_leaves_segments_long(lab: Any) -> None:
    """19 packets of 9000 bytes, not 50 shorter ones."""
    set_links(lab, 9000, "off")
    assert lab.fw.python(WEB, lab.FW).stdout.readline() == "ready\n"
    lab.run(
        """
        version: 1
        queue: {number: 3, offload: false}
        plugins: [rules]
        chains: {INPUT: [{rule: port, protocol: tcp, dst: 9001, action: DROP}]}
        default: ACCEPT
        """
    )
    before = lab.fw.queued()[3]
    assert lab.peer.ask(POST, lab.FW, 200_000) == "ok"
    assert lab.fw.queued()[3] - before < 140
