"""From a packet's ends to the process: the kernel's answer, the search through /proc, and what a process says."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_process.answers import ProcessAnswers
from pywall_process.description import describe_process
from pywall_process.sock_diag import Owner, SockDiag, _owner

from pywall_core.api import ICMP, TCP, UDP

LOCAL4, LOCAL6 = socket.inet_aton("127.0.0.1"), socket.inet_pton(socket.AF_INET6, "::1")


@pytest.fixture
def kernel() -> Iterator[SockDiag]:
    try:
        made = SockDiag()
    except OSError as error:
        pytest.skip(f"no sock_diag here: {error}")
    yield made
    made.close()


def inode(a_socket: socket.socket) -> int:
    return os.fstat(a_socket.fileno()).st_ino


def test_whose_a_tcp_socket_is(kernel: SockDiag) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        listening = kernel.owner(TCP, LOCAL4, port, LOCAL4, 9)
        assert listening is not None
        assert (listening.uid, listening.inode) == (os.geteuid(), inode(server))
        with socket.create_connection(("127.0.0.1", port)) as client:
            owner = kernel.owner(TCP, LOCAL4, client.getsockname()[1], LOCAL4, port)
            assert owner is not None
            assert owner.inode == inode(client)
    assert kernel.owner(TCP, LOCAL4, port, LOCAL4, 9) is None


@pytest.mark.parametrize(
    ("family", "bound", "asked"),
    [
        (socket.AF_INET, "0.0.0.0", LOCAL4),
        (socket.AF_INET, "127.0.0.1", LOCAL4),
        (socket.AF_INET6, "::", LOCAL6),
        (socket.AF_INET6, "::", LOCAL4),  # one socket for both families
    ],
)
def test_whose_a_udp_socket_is_that_is_not_connected(
    kernel: SockDiag, family: socket.AddressFamily, bound: str, asked: bytes
) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.bind((bound, 0))
        owner = kernel.owner(UDP, asked, one.getsockname()[1], asked, 53)
        assert owner is not None
        assert owner.inode == inode(one)


def test_other_protocols_are_nobodys(kernel: SockDiag) -> None:
    assert kernel.owner(ICMP, LOCAL4, 7, LOCAL4, 0) is None


@given(st.binary(max_size=200))
def test_any_answer_is_read(answer: bytes) -> None:
    if len(answer) >= 16:
        assert _owner(answer) is None or isinstance(_owner(answer), Owner)


def test_the_process_of_a_socket_is_found(kernel: SockDiag) -> None:
    script = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    answers = ProcessAnswers()
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        owner = kernel.owner(TCP, LOCAL4, int(child.stdout.readline()), LOCAL4, 9)
        assert owner is not None
        (answer,) = answers.answer([owner._asdict()])
        assert answer["inode"] == owner.inode
        assert answer["facts"]["pid"] == child.pid
        assert answer["facts"]["path"] == os.path.realpath(sys.executable)
        assert "create_server" in answer["facts"]["command"]
        child.communicate("\n")
    (gone,) = answers.answer([owner._asdict()])
    assert "pid" not in gone["facts"]


def test_many_are_found_in_one_search() -> None:
    answers = ProcessAnswers()
    sockets = [socket.socket() for _ in range(50)]
    asked = [Owner(os.geteuid(), inode(one), 0)._asdict() for one in sockets]
    assert {answer["facts"]["pid"] for answer in answers.answer(asked)} == {os.getpid()}
    before = answers._index.scanned
    answers.answer(asked)
    assert answers._index.scanned == before + 1
    for one in sockets:
        one.close()


@pytest.mark.parametrize("question", [{}, {"uid": 0, "inode": "7", "cgroup": 0}, {"uid": -1, "inode": 7, "cgroup": 0}])
def test_questions_of_another_form_have_no_answer(question: dict[str, object]) -> None:
    assert ProcessAnswers().answer([question]) == []


def test_a_process_that_has_gone_says_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    assert describe_process(child.pid) == {}
