"""Both ends of the measured traffic: ``serve`` on the server's host, the others on the client's print one JSON line.

Ports: 7000/udp is counted, 7001/udp echoed, 8000/tcp and 8100/tcp answer HTTP, 8001/tcp answers text of no protocol.
"""

from __future__ import annotations

import json
import selectors
import socket
import statistics
import sys
import time

REQUEST = b"GET / HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\nConnection: close\r\n\r\n"
BODY = bytes(960)
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
TEXT = b"y" * 1024
IN_PARALLEL = 64


def serve() -> None:
    """Until SIGTERM. A datagram ``?`` to 7000 is answered by the number of datagrams since the last one."""
    selector = selectors.DefaultSelector()
    for port in (8000, 8001, 8100):
        listener = socket.create_server(("0.0.0.0", port), backlog=1024)
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ, "listener")
    for port in (7000, 7001):
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        datagrams.bind(("0.0.0.0", port))
        datagrams.setblocking(False)
        selector.register(datagrams, selectors.EVENT_READ, "sink" if port == 7000 else "echo")
    counted = 0
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            assert isinstance(key.fileobj, socket.socket)
            if key.data == "listener":
                try:
                    accepted, _ = key.fileobj.accept()
                except OSError:
                    continue
                selector.register(accepted, selectors.EVENT_READ, "connection")
            elif key.data == "connection":
                try:
                    if key.fileobj.recv(4096):
                        key.fileobj.sendall(TEXT if key.fileobj.getsockname()[1] == 8001 else RESPONSE)
                except OSError:
                    pass
                selector.unregister(key.fileobj)
                key.fileobj.close()
            else:
                counted = _datagrams(key.fileobj, key.data, counted)


def _datagrams(receiver: socket.socket, what: str, counted: int) -> int:
    for _ in range(64):
        try:
            data, sender = receiver.recvfrom(2048)
        except BlockingIOError:
            break
        if what == "echo":
            receiver.sendto(data, sender)
        elif data == b"?":
            receiver.sendto(str(counted).encode(), sender)
            counted = 0
        else:
            counted += 1
    return counted


def connections(host: str, port: int, seconds: float) -> dict[str, float]:
    """Connections (connect, request, whole answer, close; 64 in parallel): how many, how many a second, and the 99th
    percentile of their times in milliseconds.
    """
    selector = selectors.DefaultSelector()
    whole = len(TEXT) if port == 8001 else len(RESPONSE)
    times = []

    def begin() -> None:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        connection.connect_ex((host, port))
        selector.register(connection, selectors.EVENT_WRITE, [0, time.monotonic()])

    for _ in range(IN_PARALLEL):
        begin()
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        for key, _ in selector.select(0.1):
            assert isinstance(key.fileobj, socket.socket)
            try:
                if key.events == selectors.EVENT_WRITE:
                    key.fileobj.send(REQUEST)
                    selector.modify(key.fileobj, selectors.EVENT_READ, key.data)
                    continue
                data = key.fileobj.recv(4096)
                key.data[0] += len(data)
                if data:
                    continue
                if key.data[0] == whole:
                    times.append(time.monotonic() - key.data[1])
            except OSError:
                pass
            selector.unregister(key.fileobj)
            key.fileobj.close()
            begin()
    rate = len(times) / (time.monotonic() - started)
    return {"count": len(times), "rate": rate, "p99": statistics.quantiles(times, n=100)[-1] * 1e3}


def datagrams(host: str, seconds: float) -> float:
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
    return _asked(senders[0]) / elapsed


def _asked(sender: socket.socket) -> int:
    sender.settimeout(1)
    for _ in range(5):
        sender.send(b"?")
        try:
            return int(sender.recv(64))
        except TimeoutError:
            continue
    return 0


def round_trip(host: str, seconds: float) -> float:
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
    return statistics.median(times) * 1e6


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "serve":
        serve()
    elif what == "connections":
        print(json.dumps(connections(rest[0], int(rest[1]), float(rest[2]))))
    else:
        print(json.dumps({"datagrams": datagrams, "round_trip": round_trip}[what](rest[0], float(rest[1]))))
