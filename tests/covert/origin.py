"""What a tunnel leads to, and who uses it: ``server PORT`` answers, ``client`` transfers and says what arrived.

A session asks ``get SIZE`` or ``put SIZE`` in a line of text and sends that many bytes of text. The client prints a
line of JSON a session: ``{"size": ..., "way": ..., "whole": true}``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import struct
import sys
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

SIZES = (100, 1000, 4000, 20_000, 60_000)
TEXT = Path(socket.__file__).read_bytes() * 3
TIMEOUT = 1.5
"""Seconds without a byte after which a session counts as cut."""


class Answer(StreamRequestHandler):
    """One session."""

    timeout = 20

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            way, size = self.rfile.readline().split()
            if way == b"get":
                self.wfile.write(TEXT[: int(size)])
            else:
                self.wfile.write(b"ok\n" if len(self.rfile.read(int(size))) == int(size) else b"short\n")


class Server(ThreadingTCPServer):
    """The origin."""

    allow_reuse_address = daemon_threads = True
    request_queue_size = 64


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def connect(via: tuple[str, int], target: tuple[str, int] | None, user: str, password: str) -> socket.socket:
    """Connect directly, or through SOCKS5 (RFC 1928, RFC 1929) when there is a target."""
    sock = socket.create_connection(via, timeout=TIMEOUT)
    if target is None:
        return sock
    sock.sendall(b"\x05\x01" + (b"\x02" if user else b"\x00"))
    _exactly(sock, 2)
    if user:
        name, secret = user.encode(), password.encode() or b"\0"
        sock.sendall(b"\x01" + bytes([len(name)]) + name + bytes([len(secret)]) + secret)
        _exactly(sock, 2)
    sock.sendall(b"\x05\x01\x00\x01" + socket.inet_aton(target[0]) + struct.pack(">H", target[1]))
    reply = _exactly(sock, 10)
    if reply[1]:
        raise ConnectionError(f"SOCKS answer {reply[1]}")
    return sock


def session(sock: socket.socket, way: str, size: int) -> bool:
    """Transfer once; True when all of it arrived."""
    sock.sendall(f"{way} {size}\n".encode())
    if way == "put":
        sock.sendall(TEXT[:size])
        return _exactly(sock, 3) == b"ok\n"
    return _exactly(sock, size) == TEXT[:size]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("end", choices=("server", "client"))
    parser.add_argument("port", type=int)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--target", help="ADDRESS:PORT behind a SOCKS5 proxy")
    parser.add_argument("--user", default="")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    if options.end == "server":
        with Server(("", options.port), Answer) as server:
            print("ready", flush=True)
            server.serve_forever()
    target = None
    if options.target:
        host, port = options.target.rsplit(":", 1)
        target = host, int(port)
    user, password = options.user[:255], options.user[255:]
    for size in SIZES * options.rounds:
        for way in ("get", "put"):
            whole = False
            with contextlib.suppress(OSError), connect((options.address, options.port), target, user, password) as sock:
                whole = session(sock, way, size)
            print(json.dumps({"size": size, "way": way, "whole": whole}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
