"""Real tunnels: how the server and the client of each are started, and which port and protocol the firewall sees.

Each ``start`` function returns the options with which :mod:`origin`'s client goes through the tunnel.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from pywall_core.testing.certificates import make_certificate

from .labs import ORIGIN, Stage, need, wait_for

SOCKS = 1080
THROUGH_SOCKS: Sequence[object] = (SOCKS, "--target", f"127.0.0.1:{ORIGIN}")
Start = Callable[[Stage, int], Sequence[object]]


@dataclass(frozen=True, slots=True)
class Tunnel:
    """``raw``: its bytes are ciphertext of no known protocol; else it hides in an honest one and is only reported."""

    name: str
    start: Start
    port: int
    proto: str = "TCP"
    raw: bool = True


def shadowsocks(stage: Stage, port: int, method: str, plugin: str = "") -> Sequence[object]:
    """shadowsocks-libev, with simple-obfs as ``plugin`` if given."""
    need("ss-server", "ss-local", *(("obfs-server", "obfs-local") if plugin else ()))
    common = ["-p", port, "-k", "a secret of many words", "-m", method]
    extra = (["--plugin", "obfs-server", "--plugin-opts", plugin], ["--plugin", "obfs-local", "--plugin-opts", plugin])
    stage.start("server", "ss-server", "-s", "0.0.0.0", *common, *(extra[0] if plugin else ()))
    stage.start("client", "ss-local", "-s", stage.server, "-l", SOCKS, *common, *(extra[1] if plugin else ()))
    stage.wait_listening("server", port)
    stage.wait_listening("client", SOCKS)
    return THROUGH_SOCKS


def v2ray(stage: Stage, port: int, stream: dict[str, object], proto: str = "vmess") -> Sequence[object]:
    """VMess over one of v2ray's transports."""
    need("v2ray")
    user = {"id": "b831381d-6324-4d53-ad4f-8cda48b30811", "alterId": 0}
    inbound = {"port": port, "protocol": proto, "settings": {"clients": [user]}, "streamSettings": stream}
    server = {"inbounds": [inbound], "outbounds": [{"protocol": "freedom"}]}
    vnext = [{"address": stage.server, "port": port, "users": [{**user, "security": "chacha20-poly1305"}]}]
    outbound = {"protocol": proto, "settings": {"vnext": vnext}, "streamSettings": stream}
    client = {"inbounds": [{"port": SOCKS, "listen": "127.0.0.1", "protocol": "socks"}], "outbounds": [outbound]}
    for host, config in (("server", server), ("client", client)):
        path = stage.folder / f"{host}-v2ray.json"
        path.write_text(json.dumps(config))
        stage.start(host, "v2ray", "-config", path, ready="started")
    return THROUGH_SOCKS


def pproxy(stage: Stage, port: int, method: str) -> Sequence[object]:
    """pproxy's Shadowsocks, in Python."""
    program = shutil.which("pproxy", path=f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}")
    if program is None:
        need("pproxy")
    secret = f"ss://{method}:another secret@"
    stage.start("server", program, "-l", f"{secret}0.0.0.0:{port}")
    stage.wait_listening("server", port)
    stage.start("client", program, "-l", f"socks5://127.0.0.1:{SOCKS}", "-r", f"{secret}{stage.server}:{port}")
    stage.wait_listening("client", SOCKS)
    return THROUGH_SOCKS


def obfs4(stage: Stage, port: int) -> Sequence[object]:
    """obfs4proxy as a managed pluggable transport."""
    need("obfs4proxy")
    state = stage.folder / "obfs4"
    base = {**os.environ, "TOR_PT_MANAGED_TRANSPORT_VER": "1"}
    server = {
        "TOR_PT_SERVER_TRANSPORTS": "obfs4",
        "TOR_PT_SERVER_BINDADDR": f"obfs4-0.0.0.0:{port}",
        "TOR_PT_ORPORT": f"127.0.0.1:{ORIGIN}",
        "TOR_PT_STATE_LOCATION": f"{state}-server",
    }
    out = stage.start("server", "obfs4proxy", ready="SMETHODS DONE", env=base | server)
    arguments = next(line for line in out.read_text().splitlines() if line.startswith("SMETHOD obfs4")).split("ARGS:")[
        1
    ]
    client = {"TOR_PT_CLIENT_TRANSPORTS": "obfs4", "TOR_PT_STATE_LOCATION": f"{state}-client"}
    out = stage.start("client", "obfs4proxy", ready="CMETHODS DONE", env=base | client)
    local = next(line for line in out.read_text().splitlines() if line.startswith("CMETHOD obfs4")).rsplit(":", 1)[1]
    return (local, "--target", f"{stage.server}:{port}", "--user", arguments.replace(",", ";"))


def kcptun(stage: Stage, port: int, crypt: str) -> Sequence[object]:
    """kcptun: a TCP connection over KCP, multiplexed and encrypted."""
    need("kcptun-server", "kcptun-client")
    common = ["--key", "yet another secret", "--crypt", crypt, "--nocomp"]
    stage.start("server", "kcptun-server", "-t", f"127.0.0.1:{ORIGIN}", "-l", f":{port}", *common)
    stage.wait_listening("server", port, "u")
    stage.start("client", "kcptun-client", "-r", f"{stage.server}:{port}", "-l", f"127.0.0.1:{SOCKS}", *common)
    stage.wait_listening("client", SOCKS)
    return (SOCKS,)


def _disguised(stage: Stage, port: int, inner: int, span: int) -> None:
    """Two relays: the client's listens on ``inner``, the server's on ``port`` and leads to ``inner`` there."""
    key = "5ac3917e"
    stage.python("server", "relay.py", "0.0.0.0", port, "127.0.0.1", inner, key, span)
    stage.python("client", "relay.py", "127.0.0.1", inner, stage.server, port, key, span)


def openvpn(stage: Stage, port: int, *, scrambled: bool) -> Sequence[object]:
    """OpenVPN with a static key, bare, or with every byte XORed by a repeated key."""
    need("openvpn")
    key = stage.folder / "static.key"
    stage.lab.run("server", "openvpn", "--genkey", "secret", str(key))
    outer = port + 1000 if scrambled else port
    if scrambled:
        _disguised(stage, port, outer, 2000)
    common = ["--dev", "tun9", "--dev-type", "tun", "--proto", "udp", "--secret", key, "--cipher", "AES-256-CBC"]
    common += ["--ping", "5", "--verb", "3"]
    ends = {"server": ["--lport", outer, "--ifconfig", "10.88.0.1", "10.88.0.2"]}
    remote = ["127.0.0.1" if scrambled else stage.server, outer]
    ends["client"] = ["--nobind", "--remote", *remote, "--ifconfig", "10.88.0.2", "10.88.0.1"]
    for host, own in ends.items():
        stage.start(host, "openvpn", *common, *own)
    for host in ends:
        wait_for(lambda host=host: "tun9" in stage.lab.run(host, "ip", "-br", "link"), "tun9")  # type: ignore[misc]
    return (ORIGIN, "--address", "10.88.0.1")


def wireguard(stage: Stage, port: int) -> Sequence[object]:
    """wireguard-go with the header of each packet changed."""
    need("wireguard-go", "wg")
    keys = {}
    for host in ("server", "client"):
        private = stage.lab.run(host, "wg", "genkey").strip()
        path = stage.folder / f"{host}.wg"
        path.write_text(private)
        keys[host] = (path, stage.lab.run(host, "wg", "pubkey", input=private).strip())
    inner = port + 1000
    _disguised(stage, port, inner, 4)
    for host, other, own, device in (("server", "client", "1", "pwwga"), ("client", "server", "2", "pwwgb")):
        stage.start(host, "wireguard-go", "-f", device, env={**os.environ, "WG_PROCESS_FOREGROUND": "1"})
        wait_for(lambda host=host, device=device: device in stage.lab.run(host, "ip", "-br", "link"), device)  # type: ignore[misc]
        words = ["wg", "set", device, "private-key", str(keys[host][0]), "peer", keys[other][1]]
        words += ["allowed-ips", "10.89.0.0/24"]
        words += ["endpoint", f"127.0.0.1:{inner}"] if host == "client" else []
        words[3:3] = ["listen-port", str(inner)] if host == "server" else []
        stage.lab.run(host, *words)
        stage.lab.run(host, "ip", "address", "add", f"10.89.0.{own}/24", "dev", device)
        stage.lab.run(host, "ip", "link", "set", device, "mtu", "1380", "up")
    return (ORIGIN, "--address", "10.89.0.1")


def stunnel(stage: Stage, port: int) -> Sequence[object]:
    """stunnel: honest TLS around the origin."""
    need("stunnel4", "openssl")
    pem = make_certificate(stage.folder, "stunnel").both
    ends = {
        "server": f"accept = 0.0.0.0:{port}\nconnect = 127.0.0.1:{ORIGIN}\ncert = {pem}\n",
        "client": f"client = yes\naccept = 127.0.0.1:{SOCKS}\nconnect = {stage.server}:{port}\n",
    }
    for host, text in ends.items():
        path = stage.folder / f"{host}-stunnel.conf"
        path.write_text(f"foreground = yes\npid =\n[tunnel]\n{text}")
        stage.start(host, "stunnel4", path, ready="Configuration successful")
    return (SOCKS,)


def iodine(stage: Stage, port: int) -> Sequence[object]:
    """iodine: IP in DNS questions and answers."""
    need("iodined", "iodine")
    stage.start("server", "iodined", "-f", "-c", "-P", "word", "10.87.0.1", "t.example.org", ready="Listening")
    stage.start(
        "client", "iodine", "-f", "-r", "-P", "word", stage.server, "t.example.org", ready="Connection setup complete"
    )
    return (ORIGIN, "--address", "10.87.0.1")


def dns2tcp(stage: Stage, port: int) -> Sequence[object]:
    """dns2tcp: TCP in DNS."""
    need("dns2tcpd", "dns2tcpc")
    config = stage.folder / "dns2tcpd.conf"
    config.write_text(
        "listen = 0.0.0.0\nport = 53\nuser = nobody\nchroot = /tmp\ndomain = t.example.org\n"
        f"resources = web:127.0.0.1:{ORIGIN}\n"
    )
    stage.start("server", "dns2tcpd", "-F", "-d", "1", "-f", config)
    stage.wait_listening("server", 53, "u")
    stage.start("client", "dns2tcpc", "-z", "t.example.org", "-r", "web", "-l", SOCKS, "-d", "1", stage.server)
    stage.wait_listening("client", SOCKS)
    return (SOCKS,)


def ptunnel(stage: Stage, port: int) -> Sequence[object]:
    """ptunnel-ng: TCP in ICMP echoes."""
    need("ptunnel-ng")
    stage.start("server", "ptunnel-ng", "-r127.0.0.1", f"-R{ORIGIN}")
    stage.start("client", "ptunnel-ng", f"-p{stage.server}", f"-l{SOCKS}", "-r127.0.0.1", f"-R{ORIGIN}")
    stage.wait_listening("client", SOCKS)
    return (SOCKS,)


KCP_HEADERS = ("none", "srtp", "utp", "wechat-video", "dtls", "wireguard")
WEBSOCKET = {"network": "ws", "wsSettings": {"path": "/ray"}}


def _kcp(header: str) -> Start:
    return partial(v2ray, stream={"network": "kcp", "kcpSettings": {"header": {"type": header}}})


TUNNELS = [
    Tunnel("shadowsocks-gcm", partial(shadowsocks, method="aes-256-gcm"), 8388),
    Tunnel("shadowsocks-chacha", partial(shadowsocks, method="chacha20-ietf-poly1305"), 8389),
    Tunnel("shadowsocks-cfb", partial(shadowsocks, method="aes-256-cfb"), 8390),
    Tunnel("simple-obfs-http", partial(shadowsocks, method="aes-256-gcm", plugin="obfs=http"), 8391, raw=False),
    Tunnel("simple-obfs-tls", partial(shadowsocks, method="aes-256-gcm", plugin="obfs=tls"), 8392, raw=False),
    Tunnel("pproxy-cfb", partial(pproxy, method="aes-256-cfb"), 8393),
    Tunnel("vmess-tcp", partial(v2ray, stream={"network": "tcp"}), 8394),
    *(
        Tunnel(f"vmess-kcp-{h}", _kcp(h), 8400 + i, "UDP")
        for i, h in enumerate(("none", "srtp", "utp", "wechat-video", "dtls", "wireguard"))
    ),
    Tunnel(
        "vmess-websocket", partial(v2ray, stream={"network": "ws", "wsSettings": {"path": "/ray"}}), 8395, raw=False
    ),
    Tunnel("obfs4", obfs4, 8396),
    Tunnel("kcptun-aes", partial(kcptun, crypt="aes"), 8410, "UDP"),
    Tunnel("kcptun-salsa20", partial(kcptun, crypt="salsa20"), 8411, "UDP"),
    Tunnel("openvpn-static", partial(openvpn, scrambled=False), 8420, "UDP"),
    Tunnel("openvpn-scrambled", partial(openvpn, scrambled=True), 8421, "UDP"),
    Tunnel("wireguard-changed", wireguard, 8422, "UDP"),
    Tunnel("stunnel", stunnel, 8430, raw=False),
    Tunnel("iodine", iodine, 53, "UDP", raw=False),
    Tunnel("dns2tcp", dns2tcp, 53, "UDP", raw=False),
    Tunnel("ptunnel-ng", ptunnel, 0, "ICMP", raw=False),
]
