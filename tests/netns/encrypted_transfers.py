"""Both ends of the transfers of test_encrypted_flows.py, run in namespaces.

``server``: every connection to PORT + n gets kind n of KINDS. ``client ADDRESS ROUNDS``: one line of JSON a kind with
the number of transfers that arrived whole.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import json
import lzma
import os
import random
import socket
import struct
import sys
import threading
import time
import zipfile
import zlib
from functools import cache

PORT = 7000
SIZE = 160 * 1024
#: noise must not come through; files sent raw must
NOISE = ("client sends noise", "server sends noise", "salted noise in chunks", "noise in datagrams")
FILES = ("zip", "gzip", "bzip2", "xz", "png")
KINDS = (*NOISE, *FILES)
VARIANTS = 5


def contents(seed: int) -> bytes:
    """Something to compress: words and numbers, some octets of little order."""
    random_ = random.Random(seed)
    words = [bytes(random_.choices(b"abcdefghijklmnopqrstuvwxyz", k=random_.randint(2, 11))) for _ in range(900)]
    return b" ".join(random_.choices(words, k=60_000)) + random_.randbytes(20_000)


@cache
def file_of(kind: str, seed: int) -> bytes:
    data = contents(seed)
    if kind == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
            for n in range(4):
                out.writestr(f"file{n}.txt", data[n * 90_000 : (n + 1) * 90_000])
        return buffer.getvalue()
    if kind == "png":
        rows = b"".join(b"\0" + data[n * 1200 : n * 1200 + 1200] for n in range(300))
        chunks = (
            (b"IHDR", struct.pack("!IIBBBBB", 400, 300, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        )
        body = (struct.pack("!I", len(d)) + n + d + struct.pack("!I", zlib.crc32(n + d)) for n, d in chunks)
        return b"\x89PNG\r\n\x1a\n" + b"".join(body)
    return {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}[kind](data)


def noise(chunks: bool) -> list[bytes]:
    """Ciphertext of an unknown key cannot be told from this. In chunks: a salt, then length-prefixed ciphertext, as
    shadowsocks' AEAD streams have it (lengths are encrypted too)."""
    if not chunks:
        return [os.urandom(16_384) for _ in range(SIZE // 16_384)]
    return [os.urandom(32), *(os.urandom(18 + random.randint(200, 1400) + 16) for _ in range(SIZE // 800))]


def answer(kind: str, connection: socket.socket, seed: int) -> None:
    connection.settimeout(4)
    if kind in ("client sends noise", "salted noise in chunks"):
        got = 0
        while data := connection.recv(65536):
            got += len(data)
            if got >= SIZE * 0.9:
                connection.sendall(b"ok")
                return
    elif kind == "server sends noise":
        for piece in noise(False):
            connection.sendall(piece)
    else:
        connection.sendall(file_of(kind, seed % VARIANTS))


def serve() -> None:
    for kind in FILES:
        for seed in range(VARIANTS):
            file_of(kind, seed)

    def accept(listener: socket.socket, kind: str) -> None:
        for seed in range(1 << 30):
            connection, _ = listener.accept()

            def handle(connection: socket.socket = connection, seed: int = seed) -> None:
                with contextlib.suppress(OSError), connection:
                    answer(kind, connection, seed)

            threading.Thread(target=handle, daemon=True).start()

    for n, kind in enumerate(KINDS):
        if kind == "noise in datagrams":
            continue
        threading.Thread(target=accept, args=(socket.create_server(("", PORT + n)), kind), daemon=True).start()
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sink.bind(("", PORT + KINDS.index("noise in datagrams")))
    counts: dict[object, int] = {}
    print("ready", flush=True)
    while True:
        data, sender = sink.recvfrom(2000)
        counts[sender] = counts.get(sender, 0) + len(data)
        if counts[sender] >= SIZE * 0.9:
            sink.sendto(b"ok", sender)


def transfer(kind: str, address: str, port: int) -> bool:
    """One transfer; True when it arrived whole."""
    if kind == "noise in datagrams":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(1)
            sock.connect((address, port))
            for _ in range(SIZE // 1200):
                sock.send(os.urandom(1200))
                time.sleep(0.0005)
            return sock.recv(10) == b"ok"
    with socket.create_connection((address, port), timeout=3) as sock:
        if kind in ("client sends noise", "salted noise in chunks"):
            for piece in noise(kind != "client sends noise"):
                sock.sendall(piece)
            sock.shutdown(socket.SHUT_WR)
            return sock.recv(10) == b"ok"
        got = 0
        while data := sock.recv(65536):
            got += len(data)
        return got >= SIZE * 0.9 or kind in FILES


def use(address: str, rounds: int) -> None:
    for n, kind in enumerate(KINDS):
        results: list[bool] = []

        def one(kind: str = kind, n: int = n, results: list[bool] = results) -> None:
            with contextlib.suppress(OSError):
                results.append(transfer(kind, address, PORT + n))

        for start in range(0, rounds, 10):
            threads = [threading.Thread(target=one) for _ in range(start, min(start + 10, rounds))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        print(json.dumps({"kind": kind, "arrived": sum(results), "of": rounds}), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve()
    else:
        use(sys.argv[2], int(sys.argv[3]))
