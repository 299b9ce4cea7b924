"""``python murphy_traffic.py serve HOST PEM`` and ``... probe FILE NAME KIND HOST PORT ...``: steady mixed traffic.

A prober repeats each probe in a thread of its own and writes a line of JSON for each attempt: when it began and ended
(CLOCK_MONOTONIC, the same in all processes), its name, and whether a whole exchange came about.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

#: seconds that an exchange may take, and pause between two
PATIENCE: Final = 3.0
PAUSE: Final = 0.25
BANNER: Final = b"SSH-2.0-OpenSSH_9.6\r\n"
#: SSH_MSG_KEXINIT (RFC 4253 section 7.1): ten lists of names
_NAMES: Final = (b"curve25519-sha256", b"ssh-ed25519", b"aes128-ctr", b"aes128-ctr", b"hmac-sha2-256", b"hmac-sha2-256")
_LISTS: Final = b"".join(len(name).to_bytes(4, "big") + name for name in (*_NAMES, b"none", b"none", b"", b""))
_BODY: Final = b"\x14" + bytes(range(16)) + _LISTS + bytes(5)
_PADDING: Final = 4 + -(len(_BODY) + 9) % 8
KEXINIT: Final = (len(_BODY) + _PADDING + 1).to_bytes(4, "big") + bytes([_PADDING]) + _BODY + bytes(_PADDING)
#: a DNS question for a.example, and the head of its answer
QUERY: Final = bytes.fromhex("1234 0100 0001 0000 0000 0000 0161 076578616d706c65 00 0001 0001")
ANSWER: Final = bytes.fromhex("1234 8180 0001 0001 0000 0000 0161 076578616d706c65 00 0001 0001")
RECORD: Final = bytes.fromhex("c00c 0001 0001 0000003c 0004 c0000201")


# --- servers ------------------------------------------------------------------------------------------------------


def serve(host: str, pem: str, ports: dict[str, str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    talk: dict[str, Callable[[socket.socket], None]] = {
        "http": _answer_http,
        "tls": lambda c: _echo(context.wrap_socket(c, server_side=True)),
        "ssh": _answer_ssh,
        "tcp": _echo,
    }
    for port, kind in ports.items():
        if kind in talk:
            listener = socket.create_server((host, int(port)), backlog=64)
            threading.Thread(target=_accept, args=(listener, talk[kind]), daemon=True).start()
        else:
            datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            datagrams.bind((host, int(port)))
            threading.Thread(target=_answer_datagrams, args=(datagrams, kind), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


def _accept(listener: socket.socket, talk: Callable[[socket.socket], None]) -> None:
    while True:
        connection, _ = listener.accept()
        connection.settimeout(60)
        threading.Thread(target=_guarded, args=(talk, connection), daemon=True).start()


def _guarded(talk: Callable[[socket.socket], None], connection: socket.socket) -> None:
    try:
        talk(connection)
    except OSError:
        pass
    finally:
        connection.close()


def _echo(connection: socket.socket) -> None:
    while data := connection.recv(65536):
        connection.sendall(data)


def _answer_http(connection: socket.socket) -> None:
    while b"\r\n\r\n" in connection.recv(65536):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def _answer_ssh(connection: socket.socket) -> None:
    connection.sendall(BANNER)
    _read(connection, len(BANNER))
    _echo(connection)


def _answer_datagrams(datagrams: socket.socket, kind: str) -> None:
    while True:
        data, peer = datagrams.recvfrom(65536)
        with suppress(OSError):  # the interface has gone
            datagrams.sendto(ANSWER + RECORD if kind == "dns" else data, peer)


# --- probes -------------------------------------------------------------------------------------------------------


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise OSError("closed")
        data += piece
    return data


def _expect(connection: socket.socket, sent: bytes, answer: bytes) -> None:
    connection.sendall(sent)
    if _read(connection, len(answer)) != answer:
        raise OSError("another answer")


def _probe_http(connection: socket.socket) -> None:
    for _ in range(3):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        _read(connection, 40)


def _probe_tls(connection: socket.socket) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(connection, server_hostname="a.example") as inside:
        for _ in range(3):
            _expect(inside, b"0123456789", b"0123456789")


def _probe_ssh(connection: socket.socket) -> None:
    _expect(connection, BANNER, BANNER)
    for _ in range(4):
        _expect(connection, KEXINIT, KEXINIT)


def _probe_tcp(connection: socket.socket) -> None:
    for _ in range(3):
        _expect(connection, b"plain text\n", b"plain text\n")


STREAMS: Final = {"http": _probe_http, "tls": _probe_tls, "ssh": _probe_ssh, "tcp": _probe_tcp}


def _ping(host: str) -> bool:
    """Return whether an echo request is answered (RFC 792)."""
    head = bytes([8, 0, 0, 0]) + time.monotonic_ns().to_bytes(8, "big")[-4:]
    total = sum(int.from_bytes(head[at : at + 2], "big") for at in range(0, 8, 2))
    total = (total & 0xFFFF) + (total >> 16)
    request = head[:2] + (0xFFFF - (total & 0xFFFF) - (total >> 16)).to_bytes(2, "big") + head[4:]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.settimeout(1.0)
        raw.sendto(request, (host, 0))
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            answer = raw.recv(1500)
            if answer[20] == 0 and answer[24:28] == request[4:8]:
                return True
    return False


def attempt(kind: str, host: str, port: int) -> bool:
    """Return whether one whole exchange came about."""
    try:
        if kind == "icmp":
            return _ping(host)
        if kind in STREAMS:
            with socket.create_connection((host, port), PATIENCE) as connection:
                connection.settimeout(PATIENCE)
                STREAMS[kind](connection)
            return True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(1.0)
            datagrams.connect((host, port))
            datagrams.send(QUERY if kind == "dns" else b"a datagram")
            return len(datagrams.recv(65536)) > 0
    except OSError:
        return False


def probe(path: str, probes: list[list[str]]) -> None:
    """Repeat the probes until this process is ended."""
    lock = threading.Lock()
    with open(path, "w", buffering=1) as out:

        def repeat(name: str, kind: str, host: str, port: int) -> None:
            while True:
                begun = time.monotonic()
                ok = attempt(kind, host, port)
                with lock:
                    print(json.dumps([name, begun, time.monotonic(), ok]), file=out)
                time.sleep(PAUSE)

        for name, kind, host, port in probes:
            threading.Thread(target=repeat, args=(name, kind, host, int(port)), daemon=True).start()
        print("ready", flush=True)
        threading.Event().wait()


def main(words: list[str]) -> Any:
    if words[1] == "serve":
        return serve(words[2], words[3], json.loads(words[4]))
    return probe(words[2], json.loads(words[3]))


if __name__ == "__main__":
    main(sys.argv)
