"""What the kernel is asked to do with its sets: few messages for many entries, times to live within its range."""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.kernel import ipset, netlink
from pywall_core.kernel.command import CommandError

COMMANDS = {0x602: "create", 0x603: "destroy", 0x604: "flush", 0x609: "add", 0x60A: "del"}


def listed(data: bytes) -> Iterator[bytes]:
    """Yield the values of a list of attributes of one type."""
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from("=H", data, at)
        yield data[at + 4 : at + size]
        at += (size + 3) & ~3


def entry_of(data: bytes) -> tuple[str, int]:
    """Return an entry as people write it, and its time to live."""
    fields = netlink.attributes(data)
    (address,) = netlink.attributes(fields[1]).values()
    length = f"/{fields[3][0]}" if 3 in fields else ""
    return f"{ip_address(address)}{length}", int.from_bytes(fields[6])


class Kernel:
    """Takes the place of the socket: notes each request as (command, set, what is asked)."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.sets: list[str] = []
        self.refuses: dict[str, int] = {}
        self.refuses_once: dict[str, int] = {}

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _refuse(self, command: str) -> None:
        if number := self.refuses.get(command) or self.refuses_once.pop(command, 0):
            raise OSError(number, "refused")

    def request(self, kind: int, family: int, body: bytes = b"") -> None:
        command, fields = COMMANDS[kind], netlink.attributes(body)
        self._refuse(command)
        assert len(body) < 65536
        assert fields[1] == b"\6"
        what: Any = None
        if 8 in fields:
            what = [entry_of(data) for data in listed(fields[8])]
        elif 7 in fields:
            limits = netlink.attributes(fields[7])
            what = fields[3], fields[5][0], int.from_bytes(limits[6]), int.from_bytes(limits[19])
        self.asked.append((command, fields[2].rstrip(b"\0").decode(), what))

    def get(self, kind: int, family: int, body: bytes = b"") -> bytes:
        self._refuse("protocol")
        return body

    def dump(self, kind: int, family: int, body: bytes = b"") -> Iterator[tuple[int, bytes]]:
        self._refuse("list")
        for name in self.sets:
            yield 2, netlink.attribute(1, b"\6") + netlink.attribute(2, name.encode() + b"\0")


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    monkeypatch.setattr(ipset, "Netlink", lambda: made)
    monkeypatch.setattr(ipset.privileges, "has", lambda capability: True)
    return made


def test_a_set_is_made_for_both_families_and_emptied(kernel: Kernel) -> None:
    ipset.create("blocked", 1000)
    assert kernel.asked == [
        ("create", "PYWALL_blocked_4", (b"hash:net\0", 2, 0, 1000)),
        ("flush", "PYWALL_blocked_4", None),
        ("create", "PYWALL_blocked_6", (b"hash:net\0", 10, 0, 1000)),
        ("flush", "PYWALL_blocked_6", None),
    ]


def test_a_set_of_another_size_or_type_is_made_again(kernel: Kernel) -> None:
    kernel.refuses_once["create"] = errno.EEXIST
    ipset.create("blocked", 1000)
    assert [command for command, name, _ in kernel.asked if name == "PYWALL_blocked_4"] == [
        "destroy",
        "create",
        "flush",
    ]
    assert [command for command, name, _ in kernel.asked if name == "PYWALL_blocked_6"] == ["create", "flush"]


def test_a_set_of_another_size_that_a_rule_asks_for_is_told(kernel: Kernel) -> None:
    kernel.refuses = {"create": errno.EEXIST, "destroy": 4101}
    with pytest.raises(ipset.SetInUseError, match="PYWALL_blocked_4 of the kernel: a rule asks for it"):
        ipset.create("blocked", 1000)


@pytest.mark.parametrize(
    ("seconds", "timeout"), [(inf, 0), (0.2, 1), (59.6, 60), (10.0, 10), (1e12, 2_147_483)], ids=str
)
def test_times_to_live_are_whole_seconds_that_the_kernel_takes(kernel: Kernel, seconds: float, timeout: int) -> None:
    ipset.add("blocked", [("192.0.2.7", seconds)])
    assert kernel.asked == [("add", "PYWALL_blocked_4", [("192.0.2.7", timeout)])]


def test_entries_go_to_the_set_of_their_family_and_everything_is_two_halves(kernel: Kernel) -> None:
    ipset.add("all", [("0.0.0.0/0", inf), ("::/0", inf), ("2001:db8::/32", inf)])
    assert kernel.asked == [
        ("add", "PYWALL_all_4", [("0.0.0.0/1", 0), ("128.0.0.0/1", 0)]),
        ("add", "PYWALL_all_6", [("::/1", 0), ("8000::/1", 0), ("2001:db8::/32", 0)]),
    ]


def test_many_entries_are_a_few_messages(kernel: Kernel) -> None:
    ipset.add("many", ((f"2001:db8:{n:x}::/48", 60.0) for n in range(2500)))
    assert [len(what) for _, _, what in kernel.asked] == [1000, 1000, 500]
    ipset.add("many", [])
    ipset.delete("many", [])
    assert len(kernel.asked) == 3, "nothing to do is no message"


@given(st.lists(st.one_of(st.ip_addresses(), st.tuples(st.ip_addresses(), st.integers(1, 32)))))
def test_every_entry_arrives_as_it_was_given(entries: list[Any]) -> None:
    texts = [
        str(entry) if not isinstance(entry, tuple) else str(ip_network(f"{entry[0]}/{entry[1]}", strict=False))
        for entry in entries
    ]
    kernel = Kernel()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ipset, "Netlink", lambda: kernel)
        ipset.add("any", ((text, inf) for text in texts))
    assert sorted(entry for _, _, what in kernel.asked for entry, _ in what) == sorted(texts)


def test_entries_are_taken_out(kernel: Kernel) -> None:
    ipset.delete("blocked", ["192.0.2.7", "2001:db8::1"])
    assert kernel.asked == [
        ("del", "PYWALL_blocked_4", [("192.0.2.7", 0)]),
        ("del", "PYWALL_blocked_6", [("2001:db8::1", 0)]),
    ]


def test_a_set_that_is_gone_is_passed_over(kernel: Kernel) -> None:
    kernel.refuses = {"destroy": errno.ENOENT}
    ipset.destroy(["a", "b"])
    kernel.refuses = {}
    ipset.destroy(["a"])
    assert kernel.asked == [("destroy", "PYWALL_a_4", None), ("destroy", "PYWALL_a_6", None)]


def test_our_sets_are_known_by_their_names(kernel: Kernel) -> None:
    kernel.sets = ["docker_4", "PYWALL_blocked_4", "PYWALL_blocked_6", "PYWALL_else"]
    assert ipset.left_over() == ["blocked"]
    kernel.refuses = {"list": errno.EPERM}
    assert ipset.left_over() == []


def test_a_kernel_without_sets_is_seen(kernel: Kernel) -> None:
    assert ipset.available()
    kernel.refuses = {"protocol": errno.EINVAL}
    assert not ipset.available()


def test_without_a_raw_socket_iptables_could_match_no_set(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ipset.privileges, "has", lambda capability: capability != ipset.privileges.CAP_NET_RAW)
    assert not ipset.available()


@pytest.mark.parametrize(
    ("number", "words"),
    [(4352, "set PYWALL_a_4 of the kernel: it is full"), (errno.EPERM, "Operation not permitted"), (4098, "no module")],
)
def test_what_the_kernel_refuses_is_told(kernel: Kernel, number: int, words: str) -> None:
    kernel.refuses = {"create": number, "add": number}
    calls: list[Callable[[], None]] = [lambda: ipset.create("a", 1), lambda: ipset.add("a", [("192.0.2.7", inf)])]
    for call in calls:
        with pytest.raises(CommandError, match=words):
            call()
