"""Real servers and clients for the demonstration, none of them on the port that its protocol is known for.

Run as ``python -m pywall_core.demo.traffic server FOLDER`` and ``... client FOLDER ADDRESS4 ADDRESS6``; the client
writes one line of JSON a transfer: what it was, and how many bytes of the answer arrived.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import io
import json
import os
import random
import socket
import socketserver
import ssl
import struct
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ..testing.certificates import make_certificate

HTTP_PORT: Final = 2222
TLS_PORT: Final = 53
DNS_PORT: Final = 9999
TUNNEL_PORT: Final = 443
#: the web server's
NAME: Final = "demo.example"
FILE_PORT: Final = 80

TUNNEL_BYTES: Final = 200_000
TUNNEL_ANSWER: Final = 20_000
DNS_ANSWER: Final = 45
TIMEOUT: Final = 4.0
TEXT: Final = b"".join(b"line %d of a page that anybody may read\n" % n for n in range(400))


def archive() -> bytes:
    """Return a zip file of about 70 KiB, half of each member compressible; always the same."""
    buffer = io.BytesIO()
    noise = random.Random(1)  # noqa: S311 - not a secret
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for n in range(8):
            member = zipfile.ZipInfo(f"page{n}.bin")  # of 1980, not of now
            member.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(member, bytes((x * x * (n + 3) >> 5) & 0xFF for x in range(9000)) + noise.randbytes(6000))
    return buffer.getvalue()


# --- servers ------------------------------------------------------------------------------------------------------


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(TEXT)))
        self.end_headers()
        self.wfile.write(TEXT)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True


def _listen(port: int) -> socket.socket:
    """A socket for both IP versions."""
    return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)


def _serve(port: int, answer: Callable[[socket.socket], None]) -> None:
    listener = _listen(port)

    def handle(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(TIMEOUT)
            answer(connection)

    def loop() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()


def _tunnel(connection: socket.socket) -> None:
    """Takes noise, answers with noise: what a tunnel or a command channel under a cipher of its own looks like."""
    got = 0
    while got < TUNNEL_BYTES:
        got += len(_some(connection))
    connection.sendall(os.urandom(TUNNEL_ANSWER))


def _file(connection: socket.socket) -> None:
    """Sends a file to whoever asks, whatever the words."""
    _some(connection)
    connection.sendall(archive())


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("closed")
    return data


def _names(sock: socket.socket) -> None:
    """A DNS server with one answer (RFC 1035 section 4.1)."""
    while True:
        query, sender = sock.recvfrom(1500)
        question = query[12:]
        answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton("192.0.2.1")
        sock.sendto(query[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0) + question + answer, sender)


def serve(folder: Path) -> None:
    """Start all servers and wait for the end of standard input."""
    web = _Server(("::", HTTP_PORT), _Page)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificate(folder, NAME).both)
    secure = _Server(("::", TLS_PORT), _Page)
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    threading.Thread(target=secure.serve_forever, daemon=True).start()
    _serve(TUNNEL_PORT, _tunnel)
    _serve(FILE_PORT, _file)
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("", DNS_PORT))
    threading.Thread(target=_names, args=(names,), daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


# --- clients ------------------------------------------------------------------------------------------------------


def fetch(address: str, port: int, context: ssl.SSLContext | None = None) -> int:
    """GET / over HTTP or HTTPS; the length of the answer."""
    made: http.client.HTTPConnection
    if context is None:
        made = http.client.HTTPConnection(address, port, timeout=TIMEOUT)
    else:
        raw = socket.create_connection((address, port), timeout=TIMEOUT)
        made = http.client.HTTPConnection(NAME, port, timeout=TIMEOUT)
        made.sock = context.wrap_socket(raw, server_hostname=NAME)
    with contextlib.closing(made):
        made.request("GET", "/", headers={"Host": NAME, "User-Agent": "demo"})
        return len(made.getresponse().read())


def resolve(address: str) -> int:
    """Ask the DNS server for a name."""
    query = struct.pack("!HHHHHH", 0x1234, 0x0100, 1, 0, 0, 0) + b"\3www\7example\0" + struct.pack("!HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(TIMEOUT)
        sock.sendto(query, (address, DNS_PORT))
        return len(sock.recv(1500))


def tunnel(address: str) -> int:
    """Send noise and wait for noise."""
    with socket.create_connection((address, TUNNEL_PORT), timeout=TIMEOUT) as sock:
        for _ in range(TUNNEL_BYTES // 10_000):
            sock.sendall(os.urandom(10_000))
        return _count(sock)


def download(address: str) -> int:
    """Take a file that is sent raw."""
    with socket.create_connection((address, FILE_PORT), timeout=TIMEOUT) as sock:
        sock.sendall(b"send me the file\n")
        return _count(sock)


def _count(sock: socket.socket) -> int:
    """Read to the end; the number of bytes."""
    got = 0
    while data := sock.recv(65536):
        got += len(data)
    return got


def use(folder: Path, address4: str, address6: str) -> None:
    """One transfer of each kind."""
    context = ssl.create_default_context(cafile=str(make_certificate(folder, NAME).certificate))
    context.check_hostname = False
    transfers: list[tuple[str, int, int, Callable[[], int]]] = [
        ("a web page over HTTP", HTTP_PORT, len(TEXT), lambda: fetch(address4, HTTP_PORT)),
        ("the same over IPv6", HTTP_PORT, len(TEXT), lambda: fetch(address6, HTTP_PORT)),
        ("the same over HTTPS", TLS_PORT, len(TEXT), lambda: fetch(address4, TLS_PORT, context)),
        ("a name from a DNS server", DNS_PORT, DNS_ANSWER, lambda: resolve(address4)),
        ("a zip file, sent raw", FILE_PORT, len(archive()), lambda: download(address4)),
        ("a tunnel, unknown cipher", TUNNEL_PORT, TUNNEL_ANSWER, lambda: tunnel(address4)),
    ]
    for what, port, expected, transfer in transfers:
        result: dict[str, object] = {"what": what, "port": port, "expected": expected, "bytes": 0}
        try:
            result["bytes"] = transfer()
        except OSError as error:
            result["error"] = str(error) or type(error).__name__
        print(json.dumps(result), flush=True)


def main(arguments: list[str]) -> None:
    """``server FOLDER`` or ``client FOLDER ADDRESS4 ADDRESS6``"""
    if arguments[0] == "server":
        serve(Path(arguments[1]))
    else:
        use(Path(arguments[1]), arguments[2], arguments[3])


if __name__ == "__main__":
    main(sys.argv[1:])
