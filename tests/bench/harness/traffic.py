"""Both ends of the measured traffic: ``serve`` on the server's host, the others on the client's print one JSON line.

Ports: 7000/udp is counted, 7001/udp echoed, 53/udp answers a question of DNS; those of :data:`CONVERSATIONS` hold one
conversation each and close. TLS is a real handshake that was held before (:mod:`.flights`), without its arithmetic: its
file is the environment's ``BENCH_FLIGHTS``.
"""

from __future__ import annotations

import json
import os
import random
import selectors
import socket
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: payloads in turn, the client's first
Conversation = tuple[bytes, ...]

REQUEST = b"GET / HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\nConnection: close\r\n\r\n"
BODY = bytes(960)
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
NOISE = random.Random(1).randbytes(1024)
QUESTION = bytes.fromhex("00000100000100000000000003777777076578616d706c65036f7267000001 0001")
ANSWER = b"\0\0\x81\x80\0\1\0\1" + QUESTION[8:] + bytes.fromhex("c00c000100010000003c0004c6336401")
IN_PARALLEL = 64
#: seconds after which a question without an answer is given up
PATIENCE = 1.0


def flights() -> Conversation:
    """What the two sides of a TLS handshake have said, empty where none was held."""
    file = os.environ.get("BENCH_FLIGHTS")
    return tuple(bytes.fromhex(flight) for flight in json.loads(Path(file).read_text())) if file else ()


#: by port
CONVERSATIONS: dict[int, Conversation] = {
    8000: (REQUEST, RESPONSE),
    8001: (REQUEST, b"y" * 1024),
    8002: (NOISE[:100], NOISE),
    8003: flights(),
    8100: (REQUEST, RESPONSE),
}


def serve() -> None:
    """Until SIGTERM. A datagram ``?`` to 7000 is answered by the number of datagrams since the last one."""
    selector = selectors.DefaultSelector()
    for port in CONVERSATIONS:
        listener = socket.create_server(("0.0.0.0", port), backlog=1024)
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ, (_accept, port))
    for port, answer in ((53, _answer), (7000, Counter()), (7001, _echo)):
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        datagrams.bind(("0.0.0.0", port))
        datagrams.setblocking(False)
        selector.register(datagrams, selectors.EVENT_READ, (_receive, answer))
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            handle, what = key.data
            handle(selector, key.fileobj, what)


def _accept(selector: selectors.BaseSelector, listener: socket.socket, port: int) -> None:
    try:
        connection, _ = listener.accept()
    except OSError:
        return
    connection.setblocking(False)
    selector.register(connection, selectors.EVENT_READ, (_talk, [CONVERSATIONS[port], 0, 0]))


def _talk(selector: selectors.BaseSelector, connection: socket.socket, state: list[Any]) -> None:
    """``state``: the conversation, which of its payloads is awaited, and how much of it has come."""
    said, turn, come = state
    try:
        data = connection.recv(65536)
        state[2] = come = come + len(data)
        if data and come < len(said[turn]):
            return
        if data and turn + 1 < len(said):
            connection.sendall(said[turn + 1])
            state[1:] = turn + 2, 0
            if turn + 2 < len(said):
                return
    except OSError:
        pass
    selector.unregister(connection)
    connection.close()


def _receive(_: selectors.BaseSelector, receiver: socket.socket, answer: Callable[[bytes], bytes | None]) -> None:
    for _ in range(64):
        try:
            data, sender = receiver.recvfrom(2048)
            reply = answer(data)
            if reply is not None:
                receiver.sendto(reply, sender)
        except OSError:
            break


def _echo(data: bytes) -> bytes:
    return data


def _answer(data: bytes) -> bytes:
    return data[:2] + ANSWER[2:]


class Counter:
    """Counts datagrams, and says how many to who asks ``?``."""

    def __init__(self) -> None:
        self.counted = 0

    def __call__(self, data: bytes) -> bytes | None:
        if data != b"?":
            self.counted += 1
            return None
        counted, self.counted = self.counted, 0
        return str(counted).encode()


def connections(host: str, port: int, seconds: float) -> dict[str, float]:
    """Whole conversations, 64 in parallel: how many, how many a second, and quantiles of their times."""
    selector = selectors.DefaultSelector()
    said = CONVERSATIONS[port]
    times = []

    def begin() -> None:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        connection.connect_ex((host, port))
        selector.register(connection, selectors.EVENT_WRITE, [0, 0, time.monotonic()])

    for _ in range(IN_PARALLEL):
        begin()
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        for key, _ in selector.select(0.1):
            assert isinstance(key.fileobj, socket.socket)
            state = key.data
            try:
                if key.events == selectors.EVENT_WRITE:
                    key.fileobj.send(said[0])
                    state[0] = 1
                    selector.modify(key.fileobj, selectors.EVENT_READ, state)
                    continue
                data = key.fileobj.recv(65536)
                state[1] += len(data)
                if data and state[1] >= len(said[state[0]]) and state[0] + 1 < len(said):
                    key.fileobj.send(said[state[0] + 1])
                    state[:2] = state[0] + 2, 0
                if data:
                    continue
                if state[:2] == [len(said) - 1, len(said[-1])]:
                    times.append(time.monotonic() - state[2])
            except OSError:
                pass
            selector.unregister(key.fileobj)
            key.fileobj.close()
            begin()
    return _summary(times, time.monotonic() - started)


def questions(host: str, seconds: float) -> dict[str, float]:
    """The same of questions of DNS, each from a port of its own."""
    selector = selectors.DefaultSelector()
    times = []

    def begin() -> None:
        asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        asker.connect((host, 53))
        asker.send(random.randbytes(2) + QUESTION[2:])
        selector.register(asker, selectors.EVENT_READ, time.monotonic())

    for _ in range(IN_PARALLEL):
        begin()
    started = looked = time.monotonic()
    while (now := time.monotonic()) - started < seconds:
        for key, _ in selector.select(0.1):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.recv(2048)
            times.append(time.monotonic() - key.data)
            _end(selector, key.fileobj)
            begin()
        if now - looked > PATIENCE:
            looked = now
            for key in [key for key in selector.get_map().values() if now - key.data > PATIENCE]:
                _end(selector, key.fileobj)
                begin()
    return _summary(times, time.monotonic() - started)


def _end(selector: selectors.BaseSelector, asker: Any) -> None:
    selector.unregister(asker)
    asker.close()


def _summary(times: list[float], elapsed: float) -> dict[str, float]:
    quantiles = statistics.quantiles(times, n=100) if len(times) > 1 else [0.0] * 99
    return {"count": len(times), "rate": len(times) / elapsed, "p50": quantiles[49] * 1e3, "p99": quantiles[98] * 1e3}


def datagrams(host: str, seconds: float) -> dict[str, float]:
    """64-byte datagrams of 64 flows that arrive in a second when they are sent as fast as one process can."""
    senders = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(64)]
    for sender in senders:
        sender.connect((host, 7000))
    payload = b"x" * 64
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        for sender in senders:
            try:
                sender.send(payload)
            except OSError:
                continue
    elapsed = time.monotonic() - started
    time.sleep(0.3)
    return {"rate": _asked(senders[0]) / elapsed}


def _asked(sender: socket.socket) -> int:
    sender.settimeout(1)
    for _ in range(5):
        sender.send(b"?")
        try:
            return int(sender.recv(64))
        except TimeoutError:
            continue
    return 0


def round_trip(host: str, seconds: float) -> dict[str, float]:
    """Median round trip of one datagram at a time, microseconds."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.connect((host, 7001))
    sender.settimeout(0.2)
    times = []
    end = time.monotonic() + seconds
    while (before := time.perf_counter()) and time.monotonic() < end:
        sender.send(b"x" * 64)
        try:
            sender.recv(64)
        except TimeoutError:
            continue
        times.append(time.perf_counter() - before)
        time.sleep(0.0003)
    return {"rate": statistics.median(times) * 1e6}


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "serve":
        serve()
    elif what == "connections":
        print(json.dumps(connections(rest[0], int(rest[1]), float(rest[2]))))
    else:
        kinds = {"questions": questions, "datagrams": datagrams, "round_trip": round_trip}
        print(json.dumps(kinds[what](rest[0], float(rest[1]))))
