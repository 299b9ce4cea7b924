"""Servers of HTTP, TLS and SSH that answer for as long as a session lasts, for tests of what cuts sessions."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pywall_core.testing.certificates import make_certificate

PORTS: Final = {"http": 8000, "tls": 8443, "ssh": 2222}
#: what is said to it last of all is kept in a file: eight bytes, or the number behind ``/at/`` of an HTTP request
_SERVER: Final = """
    import ssl, struct, threading
    host, port, kind, pem, told = sys.argv[1], int(sys.argv[2]), *sys.argv[3:6]
    listener = socket.create_server((host, port), backlog=256)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if kind == "tls":
        context.load_cert_chain(pem)
    out = open(told, "ab", buffering=0)
    def serve(c):
        try:
            if kind == "tls":
                c = context.wrap_socket(c, server_side=True)
            elif kind == "ssh":
                c.sendall(b"SSH-2.0-OpenSSH_9.6\\r\\n")
                c.recv(21)
                hello = c.recv(4096)
                c.sendall(hello[:6] + bytes(16) + hello[22:])  # a cookie of its own
            while data := c.recv(4096):
                if kind == "http":
                    if b"/at/" in data:
                        out.write(struct.pack("d", float(data.rpartition(b"/at/")[2].split()[0])))
                    c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
                else:
                    out.write(data[-8:])
                    c.sendall(data)
        except OSError:
            pass
    print("ready", flush=True)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
    """


def start_servers(lab: Any, told: Callable[[str], Path] = lambda _: Path(os.devnull)) -> None:
    """Start one of each kind on the firewall's host. ``told``: the file of a kind for what is said to it."""
    pem = make_certificate(lab.folder, "a.example").both
    for kind, port in PORTS.items():
        server = lab.fw.python(_SERVER, lab.FW, port, kind, pem, told(kind))
        assert server.stdout.readline() == "ready\n"


def key_exchange() -> bytes:
    """SSH_MSG_KEXINIT (RFC 4253 section 7.1)."""
    names = [
        b"curve25519-sha256",
        b"ssh-ed25519",
        *[b"aes128-ctr"] * 2,
        *[b"hmac-sha2-256"] * 2,
        *[b"none"] * 2,
        b"",
        b"",
    ]
    body = b"\x14" + bytes(range(16)) + b"".join(len(name).to_bytes(4, "big") + name for name in names) + bytes(5)
    padding = 4 + -(len(body) + 9) % 8
    return (len(body) + padding + 1).to_bytes(4, "big") + bytes([padding]) + body + bytes(padding)
