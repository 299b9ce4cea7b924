"""Tables and chains that iptables-nft leaves behind: what is listed, and in which order they are deleted."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from pywall_core.kernel import nft_messages, nftables
from pywall_core.kernel.netlink import attribute, attributes, messages

DELTABLE, DELCHAIN = 0xA02, 0xA05
GETTABLE, GETCHAIN = 0xA01, 0xA04


class FakeKernel:
    """Lists what ``tables`` and ``chains`` say, and takes deletions of what is not ``used``."""

    def __init__(self) -> None:
        self.tables: list[str] = []
        self.chains: list[tuple[str, str]] = []
        self.used: set[str] = set()
        self.deleted: list[tuple[int, str, str]] = []
        self.absent = False

    def __enter__(self) -> FakeKernel:
        if self.absent:
            raise OSError(93, "protocol not supported")
        return self

    def __exit__(self, *_: object) -> None: ...

    def dump(self, kind: int, family: int, body: bytes = b"") -> Any:
        if kind == GETTABLE:
            yield from ((family, attribute(1, name.encode() + b"\0")) for name in self.tables)
        for table, chain in self.chains if kind == GETCHAIN else ():
            yield family, attribute(1, table.encode() + b"\0") + attribute(3, chain.encode() + b"\0")

    def batch(self, parts: list[bytes], last: int) -> None:
        kind, sequence, body = list(messages(b"".join(parts)))[1]
        assert sequence == last == 2
        table, chain = (attributes(body[4:]).get(key, b"").rstrip(b"\0").decode() for key in (1, 3))
        if table in self.used or chain in self.used:
            raise OSError(16, "busy")
        self.deleted.append((kind, table, chain))

    def get(self, kind: int, family: int, body: bytes = b"") -> bytes:
        return attribute(1, struct.pack(">I", 4711))


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    fake = FakeKernel()
    for module in (nftables, nft_messages):
        monkeypatch.setattr(module, "Netlink", lambda: fake)
    return fake


def test_tables_and_their_chains_are_listed(kernel: FakeKernel) -> None:
    kernel.tables, kernel.chains = ["mangle", "nat"], [("mangle", "INPUT")]
    assert nftables.places(4) == {("mangle", ""), ("nat", ""), ("mangle", "INPUT")}


def test_chains_go_before_their_tables_and_what_is_in_use_stays(kernel: FakeKernel) -> None:
    kernel.used = {"nat"}
    nftables.delete_empty(6, {("mangle", ""), ("mangle", "INPUT"), ("nat", "")})
    assert kernel.deleted == [(DELCHAIN, "mangle", "INPUT"), (DELTABLE, "mangle", "")]


def test_a_change_of_any_rule_changes_the_number(kernel: FakeKernel) -> None:
    assert nftables.generation() == 4711


def test_a_kernel_without_nf_tables_has_nothing(kernel: FakeKernel) -> None:
    kernel.absent = True
    assert nftables.places(4) == set()
    assert nftables.generation() == 0
    nftables.delete_empty(4, {("mangle", "")})
