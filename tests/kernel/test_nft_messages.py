"""Requests to nf_tables go in one transaction: all between the same two marks, the last one acknowledged."""

from __future__ import annotations

import struct

import pytest

from pywall_core.kernel import nft_messages
from pywall_core.kernel.netlink import ACK, CREATE, REQUEST, attribute, messages
from pywall_core.kernel.nft_messages import DELTABLE, GETGEN, NEWRULE, NEWTABLE, batch, name, text


class Wire:
    """Keeps the messages of a batch, and the sequence number that is waited for."""

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None: ...

    def batch(self, parts: list[bytes], last: int) -> None:
        self.parts = parts
        self.last = last


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    made = Wire()
    monkeypatch.setattr(nft_messages, "Netlink", lambda: made)
    return made


def test_the_numbers_are_those_of_the_header() -> None:
    """``NFT_MSG_*`` of linux/netfilter/nf_tables.h, in the subsystem NFNL_SUBSYS_NFTABLES."""
    assert (NEWTABLE, DELTABLE, NEWRULE, GETGEN) == (0xA00, 0xA02, 0xA06, 0xA10)


def test_requests_stand_between_begin_and_end(wire: Wire) -> None:
    table = attribute(1, text("mine"))
    batch(1, [(NEWTABLE, CREATE, table), (DELTABLE, 0, table)])
    found = list(messages(b"".join(wire.parts)))
    assert [(kind, sequence) for kind, sequence, _ in found] == [(16, 1), (NEWTABLE, 2), (DELTABLE, 3), (17, 4)]
    assert wire.last == 3, "the end of a batch has no answer of its own"
    flags = [struct.unpack_from("=H", part, 6)[0] for part in wire.parts]
    assert flags == [REQUEST, REQUEST | ACK | CREATE, REQUEST | ACK, REQUEST]
    families = [body[0] for _, _, body in found]
    assert families == [0, 1, 1, 0]
    assert [body[2:4] for kind, _, body in found if kind in (16, 17)] == [b"\x00\x0a"] * 2, "whose batch it is"
    assert found[1][2][4:] == table


def test_names_end_with_a_zero() -> None:
    assert text("pywall") == b"pywall\0"
    assert name(text("pywall")) == "pywall"
    assert name(b"\xff\0") == "\ufffd"
