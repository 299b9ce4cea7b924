"""Servers and clients of the everyday lab that no program is at hand for: ``WHAT ADDRESS FOLDER``."""

from __future__ import annotations

import http.server
import os
import socket
import ssl
import sys
import threading
import time
from pathlib import Path

SERVICE = "_pywall-lab._tcp.local."


def web(address: str, folder: Path) -> None:
    """A web server with TLS on 443."""
    server = http.server.ThreadingHTTPServer(("", 443), http.server.SimpleHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "a.example.pem")
    http.server.SimpleHTTPRequestHandler.log_message = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    (folder / "www").mkdir(exist_ok=True)
    os.chdir(folder / "www")
    print("ready", flush=True)
    server.serve_forever()


def mdns(address: str, folder: Path) -> None:
    """A service that is announced by mDNS."""
    from zeroconf import IPVersion, ServiceInfo, Zeroconf

    zeroconf = Zeroconf(interfaces=[address], ip_version=IPVersion.V4Only)
    addresses = [socket.inet_aton(address)]
    zeroconf.register_service(ServiceInfo(SERVICE, f"printer.{SERVICE}", 631, addresses=addresses, server="p.local."))
    print("ready", flush=True)
    threading.Event().wait()


def browse(address: str, folder: Path) -> None:
    """Find that service as an application does."""
    from zeroconf import IPVersion, Zeroconf

    with Zeroconf(interfaces=[address], ip_version=IPVersion.V4Only) as zeroconf:
        info = zeroconf.get_service_info(SERVICE, f"printer.{SERVICE}", timeout=3000)
    raise SystemExit(info is None)


def ssdp(address: str, folder: Path) -> None:
    """A device that answers searches from a port of its own, and serves its description."""
    description = (
        '<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device>'
        "<deviceType>urn:schemas-upnp-org:device:Basic:1</deviceType></device></root>"
    )

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(description.encode())

        def log_message(self, *words: object) -> None:
            pass

    serve = http.server.ThreadingHTTPServer((address, 5000), Handler)
    threading.Thread(target=serve.serve_forever, daemon=True).start()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("", 1900))
    group = socket.inet_aton("239.255.255.250") + socket.inet_aton(address)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    print("ready", flush=True)
    while True:
        data, peer = sock.recvfrom(2000)
        wanted = next((line[3:].strip() for line in data.decode().splitlines() if line.upper().startswith("ST:")), "")
        text = (
            f"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=60\r\nST: {wanted}\r\nUSN: uuid:1::{wanted}\r\nEXT:\r\n"
            f"SERVER: a/1 UPnP/1.1 b/1\r\nLOCATION: http://{address}:5000/rootDesc.xml\r\n\r\n"
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind((address, 0))
            other.sendto(text.encode(), peer)


def game(address: str, folder: Path) -> None:
    """A game server: answers the query of a server browser, then a datagram to each that comes."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("", 27015))
    print("ready", flush=True)
    while True:
        data, peer = sock.recvfrom(2000)
        if data.startswith(b"\xff\xff\xff\xffTSource"):
            sock.sendto(b"\xff\xff\xff\xffI\x11A server\0de_dust2\0csgo\0Game\0\xda\x02\x01\x10\0dl\0\x011.38\0", peer)
        else:
            sock.sendto(data[:8] + bytes(len(data)), peer)


def play(address: str, folder: Path) -> None:
    """Ask a server, then a second of play, 60 datagrams; nine of ten must be answered."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(1)
    sock.connect((address, 27015))
    sock.send(b"\xff\xff\xff\xffTSource Engine Query\0")
    sock.recv(2000)
    came = 0
    for number in range(60):
        sock.send(number.to_bytes(4, "little") + number.to_bytes(4, "little") + bytes(range(40 + number % 30)))
        try:
            came += len(sock.recv(2000)) > 0
        except TimeoutError:
            break
        time.sleep(0.015)
    raise SystemExit(came < 54)


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
