"""A forbidden request of which one half comes before a reload, a kill or a restart and the other half behind it.

The test holds both ends of each connection: sockets that it has made in the namespaces. What counts is what the
server's socket has read.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

PORT: Final = 8000
POLICY: Final = """
    version: 1
    queue: {number: 7}
    plugins: [rules, stream, protocols]
    chains:
      INPUT:
        - {rule: fact, name: http.path, is: /secret, action: DROP}
        - {rule: fact, name: smtp.mail_from, is: bad@x.example, action: DROP}
      OUTPUT:
        - {rule: fact, name: http.path, is: /secret, action: DROP}
        - {rule: fact, name: smtp.mail_from, is: bad@x.example, action: DROP}
    default: ACCEPT
    """
OK: Final = b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"
SECRET: Final = b"GET /secret HTTP/1.1\r\nHost: a\r\n\r\n"
ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_CLONE_NEWNET: Final = 0x40000000


def inside(namespace: Any, make: Callable[[], socket.socket]) -> socket.socket:
    """Return a socket that is made in a namespace; the thread that has entered it ends."""

    def enter() -> socket.socket:
        with open(f"/run/netns/{namespace.name}") as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        return make()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(enter).result()


class Pair:
    """Both ends of a connection; ``read`` is what the server has read."""

    def __init__(self, lab: Any, listener: socket.socket) -> None:
        self.client = inside(lab.peer, lambda: socket.create_connection((lab.FW, PORT), timeout=60))
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server, _ = listener.accept()
        self.server.settimeout(60)
        self.read = b""

    def ask(self, data: bytes) -> None:
        """Have the client send what the server is to read."""
        self.client.sendall(data)
        end = len(self.read) + len(data)
        while len(self.read) < end:
            self.read += self.server.recv(65536)

    def tell(self, data: bytes) -> None:
        """Have the server send what the client is to read."""
        self.server.sendall(data)
        left = len(data)
        while left > 0:
            left -= len(self.client.recv(65536))

    def take(self) -> bytes:
        """Return all that the server has read, with what waits in its socket."""
        self.server.setblocking(False)
        try:
            while data := self.server.recv(65536):
                self.read += data
        except OSError:
            pass
        return self.read

    def close(self) -> None:
        self.client.close()
        self.server.close()


class Split:
    """The firewall and connections through it."""

    def __init__(self, lab: Any, until: Callable[..., None]) -> None:
        self.lab, self.until = lab, until
        self.firewall = lab.run(POLICY)
        self.listener = inside(lab.fw, lambda: socket.create_server((lab.FW, PORT), backlog=128))
        self.listener.settimeout(60)
        self.pairs: list[Pair] = []

    def pair(self) -> Pair:
        self.pairs.append(Pair(self.lab, self.listener))
        return self.pairs[-1]

    def reload(self) -> None:
        assert self.firewall.ask("reload")["ok"] is True

    def restart(self) -> None:
        assert self.firewall.stop() == 0
        self.firewall = self.lab.start_with(self.firewall.config).ready()

    def kill_worker(self) -> None:
        (pid,) = self.firewall.workers()
        os.kill(pid, signal.SIGKILL)
        self.until(lambda: self.firewall.workers() not in ([], [pid]), 20, "another worker")

    def kill_worker_that_has_told(self) -> None:
        self.wait_until_told()
        self.kill_worker()

    def wait_until_told(self) -> None:
        inode = self.lab.fw.run("stat -Lc %i /proc/self/ns/net").strip()
        path = Path(f"/run/pywall/{inode}/handover.jsonl")
        for _ in range(2):
            before = path.stat().st_mtime_ns if path.exists() else 0
            self.until(
                lambda last=before: path.exists() and path.stat().st_mtime_ns > last, 30, "what is known is kept"
            )
        self.kill_worker()

    def kill_all_that_have_told(self) -> None:
        self.wait_until_told()
        os.kill(self.firewall.pid, signal.SIGKILL)
        self.firewall.wait(5)
        self.firewall = self.lab.start_with(self.firewall.config).ready()

    def settle(self, pairs: list[Pair], rests: list[bytes]) -> None:
        """Send what is left, and wait until the firewall has seen more packets of each: a refused one comes again."""
        for pair, rest in zip(pairs, rests, strict=True):
            pair.client.sendall(rest)
        ports = {pair.client.getsockname()[1] for pair in pairs}

        def seen() -> bool:
            flows = self.firewall.ask("flows", "--limit", "1000").get("flows", [])  # none yet where it starts
            return ports <= {flow["src_port"] for flow in flows if flow["verdict"] == "drop"}

        self.until(seen, 40, "each is refused")

    def close(self) -> None:
        for pair in self.pairs:
            pair.close()
        self.listener.close()


@pytest.fixture
def split(lab: Any, until: Callable[..., None]) -> Any:
    made = Split(lab, until)
    yield made
    made.close()


CHANGES: Final = [
    Split.reload,
    Split.restart,
    Split.kill_worker,
    Split.kill_worker_that_has_told,
    Split.kill_all_that_have_told,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_head_in_two_halves_at_any_byte(split: Split, change: Callable[[Split], None]) -> None:
    cuts = range(1, len(SECRET))
    for cut in cuts:
        pair = split.pair()
        pair.ask(OK)
        pair.tell(ANSWER)
        pair.ask(SECRET[:cut])
    change(split)
    split.settle(split.pairs, [SECRET[cut:] for cut in cuts])
    assert [cut for cut, pair in zip(cuts, split.pairs, strict=True) if pair.take().endswith(SECRET)] == []


def server_has_closed(split: Split, pair: Pair, head: bytes) -> None:
    """The server's half is closed, and it reads on."""
    pair.server.shutdown(socket.SHUT_WR)
    pair.ask(head)


def nobody_has_acknowledged(split: Split, pair: Pair, head: bytes) -> None:
    """More than 8 KiB that the server has read, and whose acknowledgements the firewall has not seen."""
    split.lab.fw.run(f"iptables -t raw -A OUTPUT -p tcp --sport {PORT} -j DROP")
    pair.ask(b"POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n" + b"x" * 10000 + head)
    split.lab.fw.run(f"iptables -t raw -D OUTPUT -p tcp --sport {PORT} -j DROP")


@pytest.mark.parametrize("how", [server_has_closed, nobody_has_acknowledged])
@pytest.mark.parametrize("change", [Split.reload, Split.restart, Split.kill_worker_that_has_told])
def test_streams_that_are_not_handed_over(
    split: Split, change: Callable[[Split], None], how: Callable[[Split, Pair, bytes], None]
) -> None:
    pair = split.pair()
    pair.ask(OK)
    pair.tell(ANSWER)
    how(split, pair, SECRET[:9])
    change(split)
    split.settle([pair], [SECRET[9:]])
    assert not pair.take().endswith(SECRET)


@pytest.mark.parametrize("answer", [b"354 go ahead\r\n", b"503 no\r\n"])
@pytest.mark.parametrize("change", [Split.reload, Split.kill_worker, Split.kill_worker_that_has_told])
def test_data_and_its_answer(split: Split, change: Callable[[Split], None], answer: bytes) -> None:
    """What comes behind DATA is a mail or commands, as the server says."""
    pair = split.pair()
    pair.tell(b"220 mail.example ESMTP\r\n")
    for said in (b"EHLO a", b"MAIL FROM:<ok@x.example>", b"RCPT TO:<b@x.example>"):
        pair.ask(said + b"\r\n")
        pair.tell(b"250 ok\r\n")
    pair.ask(b"DATA\r\n")
    change(split)
    pair.server.sendall(answer)
    mail = b"Subject: a\r\n\r\nhello\r\n.\r\n" if answer.startswith(b"3") else b""
    bad = b"MAIL FROM:<bad@x.example>\r\n"
    split.settle([pair], [mail + bad])
    assert bad not in pair.take()
