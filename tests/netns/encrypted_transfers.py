"""Both ends of the transfers of test_encrypted_flows.py, run in namespaces.

``server``: each sort of transfer has the port PORT + its place in SORTS; a client's connection gets what the sort says.
``client ADDRESS ROUNDS``: one line of JSON a sort, with the number of transfers that arrived whole.
``--files`` makes files of all shapes of transfer_files.py instead of the few that need nothing but Python.
"""

from __future__ import annotations

import argparse
import base64
import bz2
import contextlib
import gzip
import json
import lzma
import os
import random
import socket
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

PORT = 7000
SIZE = 160 * 1024
VARIANTS = 5
"""Different files of a shape; made before the first transfer."""

Pieces = Callable[[], Iterator[bytes]]


def pad(size: int) -> bytes:
    """Ciphertext of an unknown key cannot be told from this."""
    return os.urandom(size)


def cipher(name: str) -> bytes:
    """SIZE bytes of text under a real cipher, with a fresh key."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    text = b"The quick brown fox jumps over the lazy dog. " * (SIZE // 45 + 1)
    algorithm = algorithms.AES(pad(32)) if name == "aes" else algorithms.ChaCha20(pad(32), pad(16))
    encryptor = Cipher(algorithm, modes.CTR(pad(16)) if name == "aes" else None).encryptor()
    return encryptor.update(text[:SIZE])


def salted() -> Iterator[bytes]:
    """A salt, then sealed lengths and chunks, as shadowsocks' AEAD streams have it."""
    yield pad(32)
    for _ in range(SIZE // 800):
        yield pad(18 + random.randint(200, 1400) + 16)


def framed(size: int) -> Iterator[bytes]:
    """A length in clear text before each piece of ciphertext."""
    for _ in range(SIZE // size):
        yield struct.pack("!H", size) + pad(size)


def behind(*heads: bytes) -> Iterator[bytes]:
    """Ciphertext with something in clear text in front."""
    yield random.choice(heads)
    yield pad(SIZE)


MAGICS = (
    b"\x1f\x8b\x08\0\0\0\0\0\0\3",
    b"PK\3\4\x14\0\0\0\x08\0",
    b"BZh91AY&SY",
    b"\xfd7zXZ\0\0\4",
    b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    b"GIF89a",
    b"ID3\4\0\0",
    b"\xff\xfb\x90\x64",
    b"%PDF-1.5\n",
    b"OggS\0\2",
    b"fLaC\0\0\0\x22",
    b"\x1a\x45\xdf\xa3",
    b"RIFF",
    b"7z\xbc\xaf\x27\x1c",
)
NOISE: dict[str, tuple[bool, Pieces]] = {
    "AES, client sends": (True, lambda: iter([cipher("aes")])),
    "AES, server sends": (False, lambda: iter([cipher("aes")])),
    "ChaCha20, client sends": (True, lambda: iter([cipher("chacha20")])),
    "ChaCha20, server sends": (False, lambda: iter([cipher("chacha20")])),
    "salted chunks": (True, salted),
    "lengths and ciphertext": (False, lambda: framed(900)),
    "ciphertext behind a magic number": (False, lambda: behind(*MAGICS)),
    "ciphertext behind a greeting": (True, lambda: behind(b"HELLO 1.0 " + b"name=value;" * 40 + b"\r\n")),
    "ciphertext behind a small file": (
        False,
        lambda: behind(
            gzip.compress(b"small file " * 30), zlib.compress(bytes(range(200))), lzma.compress(b"abc" * 99)
        ),
    ),
}
"""Sort -> client sends it, and its pieces. None of these must arrive."""
DATAGRAMS = {"AES in datagrams": (1200, 1200), "small datagrams": (200, 300), "mixed datagrams": (200, 1400)}
"""Sort -> shortest and longest datagram. None of these must arrive either."""


def contents(seed: int) -> bytes:
    """Something to compress: words and numbers, some bytes of little order."""
    random_ = random.Random(seed)
    words = [bytes(random_.choices(b"abcdefghijklmnopqrstuvwxyz", k=random_.randint(2, 11))) for _ in range(900)]
    return b" ".join(random_.choices(words, k=60_000)) + random_.randbytes(20_000)


def png(data: bytes) -> bytes:
    rows = b"".join(b"\0" + data[n * 1200 : n * 1200 + 1200] for n in range(300))
    chunks = (
        (b"IHDR", struct.pack("!IIBBBBB", 400, 300, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    body = (struct.pack("!I", len(d)) + n + d + struct.pack("!I", zlib.crc32(n + d)) for n, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


SIMPLE: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "png": png,
    "text": lambda data: data[:SIZE],
    "base64 of noise": lambda data: base64.encodebytes(pad(SIZE * 3 // 4)),
}
WAYS = ("server sends", "client sends", "first byte alone", "in small segments")
"""How a file goes over: a file's sort is its shape, and each of its transfers takes the next way."""


@cache
def file_of(shape: str, seed: int) -> bytes:
    if shape in SIMPLE:
        return SIMPLE[shape](contents(seed))
    import transfer_files

    return transfer_files.SHAPES[shape](seed)


def shapes(every: bool) -> tuple[str, ...]:
    if not every:
        return tuple(SIMPLE)
    import transfer_files

    return (*SIMPLE, *(shape for shape in transfer_files.SHAPES if shape not in SIMPLE))


def in_pieces(data: bytes, way: str) -> Iterator[bytes]:
    if way == "first byte alone":
        yield data[:1]
        time.sleep(0.02)
        yield data[1:]
    elif way == "in small segments":
        for at in range(0, 20_000, 100):
            yield data[at : at + 100]
        yield data[20_000:]
    else:
        yield data


def send(connection: socket.socket, pieces: Iterator[bytes]) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for piece in pieces:
        connection.sendall(piece)


def receive(connection: socket.socket, size: float) -> int:
    got = 0
    while got < size and (data := connection.recv(65536)):
        got += len(data)
    return got


def answer(sort: str, connection: socket.socket) -> None:
    """The server's end. The client's first line says the seed and the way of a file; noise comes without a word."""
    connection.settimeout(4)
    if sort in NOISE:
        by_client, pieces = NOISE[sort]
        if by_client:
            connection.sendall(b"ok" if receive(connection, SIZE * 0.9) >= SIZE * 0.9 else b"no")
        else:
            send(connection, pieces())
        return
    line = b""
    while not line.endswith(b"\n") and (byte := connection.recv(1)):
        line += byte
    seed, way = line.decode().strip().split(" ", 1)
    if way == "client sends":  # to its end: encoders with threads do not make the same file twice
        connection.sendall(b"ok" if receive(connection, 1 << 30) else b"no")
    else:
        send(connection, in_pieces(file_of(sort, int(seed)), way))


def accept(listener: socket.socket, sort: str) -> None:
    while True:
        connection, _ = listener.accept()

        def handle(connection: socket.socket = connection) -> None:
            with contextlib.suppress(OSError), connection:
                answer(sort, connection)

        threading.Thread(target=handle, daemon=True).start()


def sink(sock: socket.socket) -> None:
    counts: dict[object, int] = {}
    while True:
        data, sender = sock.recvfrom(2000)
        counts[sender] = counts.get(sender, 0) + len(data)
        if counts[sender] >= SIZE * 0.9:
            sock.sendto(b"ok", sender)


def serve(sorts: tuple[str, ...]) -> None:
    for number, sort in enumerate(sorts):
        if sort in DATAGRAMS:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
            sock.bind(("", PORT + number))
            threading.Thread(target=sink, args=(sock,), daemon=True).start()
        else:
            if sort not in NOISE:
                for seed in range(VARIANTS):
                    file_of(sort, seed)
            listener = socket.create_server(("", PORT + number), backlog=64)
            threading.Thread(target=accept, args=(listener, sort), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


def transfer(sort: str, address: str, port: int, number: int) -> bool:
    """One transfer; True when it arrived whole."""
    if sort in DATAGRAMS:
        shortest, longest = DATAGRAMS[sort]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(1)
            sock.connect((address, port))
            sent = 0
            while sent < SIZE:
                sent += sock.send(pad(random.randint(shortest, longest)))
                time.sleep(0.0004)
            return sock.recv(10) == b"ok"
    seed, way = number % VARIANTS, WAYS[number % len(WAYS)]
    upload = file_of(sort, seed) if sort not in NOISE and way == "client sends" else b""
    with socket.create_connection((address, port), timeout=3) as sock:
        if sort in NOISE:
            by_client, pieces = NOISE[sort]
            if not by_client:
                return receive(sock, SIZE * 0.9) >= SIZE * 0.9
            send(sock, pieces())
            return sock.recv(10) == b"ok"
        sock.sendall(f"{seed} {way}\n".encode())
        if upload:
            send(sock, iter([upload]))
            sock.shutdown(socket.SHUT_WR)
            return sock.recv(10) == b"ok"
        return receive(sock, 1 << 30) > 0  # to its end: of a flow that is dropped none comes


def use(sorts: tuple[str, ...], address: str, rounds: int) -> None:
    arrived = dict.fromkeys(sorts, 0)

    def one(task: tuple[int, str, int]) -> None:
        number, sort, port = task
        with contextlib.suppress(OSError):
            arrived[sort] += transfer(sort, address, port, number)

    tasks = [(number, sort, PORT + place) for number in range(rounds) for place, sort in enumerate(sorts)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(one, tasks))
    for sort in sorts:
        print(json.dumps({"sort": sort, "arrived": arrived[sort], "of": rounds}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("end", choices=("server", "client"))
    parser.add_argument("address", nargs="?", default="")
    parser.add_argument("rounds", nargs="?", type=int, default=0)
    parser.add_argument("--files", action="store_true")
    options = parser.parse_args()
    sorts = (*NOISE, *DATAGRAMS, *shapes(options.files))
    if options.end == "server":
        serve(sorts)
    else:
        use(sorts, options.address, options.rounds)


if __name__ == "__main__":
    sys.exit(main())
