"""Both ends of what carries something, with real libraries: ``server`` and ``client PORT WHAT``.

The client prints how many bytes came back. Port 8080 is HTTP (files, CONNECT), port 8081 is WebSocket, which echoes.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import json
import os
import socket
import sys
import threading
import urllib.request
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

TEXT = Path(socket.__file__).read_bytes() * 2
SIZE = 40_000
TIMEOUT = 3.0


def _zip() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("socket.py", TEXT * 4)
    return held.getvalue()


def _picture() -> bytes:
    from PIL import Image

    held = io.BytesIO()
    Image.effect_noise((400, 300), 60).convert("RGB").save(held, "JPEG", quality=80)
    return held.getvalue()


FILES = {
    "/noise": lambda: os.urandom(SIZE),
    "/text": lambda: TEXT,
    "/gzip": lambda: gzip.compress(TEXT * 4),
    "/zip": _zip,
    "/jpeg": _picture,
}


class Files(BaseHTTPRequestHandler):
    """Files, and CONNECT to an echo."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        data = FILES[self.path]()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_CONNECT(self) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while data := self.connection.recv(65536):
                self.connection.sendall(data)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


async def _server() -> None:
    async def echo(ws: object) -> None:
        async for message in ws:  # type: ignore[attr-defined]
            await ws.send(message)  # type: ignore[attr-defined]

    threading.Thread(target=ThreadingHTTPServer(("0.0.0.0", 8080), Files).serve_forever, daemon=True).start()
    async with serve(echo, "0.0.0.0", 8081):
        print("ready", flush=True)
        await asyncio.Future()


def _download(host: str, name: str) -> int:
    with urllib.request.urlopen(f"http://{host}:8080/{name}", timeout=TIMEOUT) as response:
        return len(response.read())


def _connect(host: str) -> int:
    with socket.create_connection((host, 8080), timeout=TIMEOUT) as sock:
        sock.sendall(b"CONNECT inside.example:443 HTTP/1.1\r\nHost: inside.example:443\r\n\r\n")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += sock.recv(1)
        came = 0
        while came < SIZE:
            sock.sendall(os.urandom(1000))
            came += len(sock.recv(65536))
        return came


async def _websocket(host: str, what: str) -> int:
    came = 0
    lines = TEXT.decode("latin-1").splitlines()
    async with connect(f"ws://{host}:8081", compression=None if what == "ws-noise" else "deflate") as ws:
        for number in range(SIZE // 1000):
            chat = json.dumps({"from": "me", "text": lines[number : number + 20]})
            await ws.send(chat if what == "ws-chat" else os.urandom(1000))
            came += len(await asyncio.wait_for(ws.recv(), TIMEOUT))
    return came


def main() -> None:
    """Command line."""
    if sys.argv[1] == "server":
        asyncio.run(_server())
    host, what = sys.argv[2:4]
    came = 0
    with contextlib.suppress(Exception):
        if what == "connect":
            came = _connect(host)
        elif what.startswith("ws"):
            came = asyncio.run(_websocket(host, what))
        else:
            came = _download(host, what)
    print(came)


if __name__ == "__main__":
    main()
