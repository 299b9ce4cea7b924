"""The rule that takes foreign marks off: read back from its bytes, and run for every mark that somebody may set."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.kernel import mark_guard, nft_messages
from pywall_core.kernel.mark_guard import PRIORITY, TABLE
from pywall_core.kernel.marks import DEFAULT_MASK, Marks
from pywall_core.kernel.netlink import attributes, messages

MARKS = Marks(DEFAULT_MASK, 17, 99)
NEWTABLE, DELTABLE, NEWCHAIN, NEWRULE, DELRULE = 0xA00, 0xA02, 0xA03, 0xA06, 0xA08


@dataclass
class FakeKernel:
    """Takes the messages of a batch. ``refuses``: it answers with an error, those in ``refused`` alone or all of them.
    ``holds``: what it lists.
    """

    sent: list[tuple[int, dict[int, bytes]]] = field(default_factory=list)
    last: int = 0
    refuses: bool = False
    refused: frozenset[int] = frozenset()
    holds: list[tuple[int, bytes]] = field(default_factory=list)

    def __enter__(self) -> FakeKernel:
        return self

    def __exit__(self, *_: object) -> None: ...

    def batch(self, parts: list[bytes], last: int) -> None:
        self.sent = [(kind, attributes(body[4:])) for kind, _, body in messages(b"".join(parts))][1:-1]
        if self.refuses or self.refused & {kind for kind, _ in self.sent}:
            raise OSError(95, "not supported")
        self.last = last

    def dump(self, kind: int, family: int, body: bytes = b"") -> Any:
        if self.refuses:
            raise OSError(95, "not supported")
        yield from self.holds


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    fake = FakeKernel()
    for module in (mark_guard, nft_messages):
        monkeypatch.setattr(module, "Netlink", lambda: fake)
    return fake


def number(data: bytes) -> int:
    return int(struct.unpack(">I", data)[0])


def host_number(data: bytes) -> int:
    return int(struct.unpack("=I", attributes(data)[1])[0])


def expressions(rule: bytes) -> list[tuple[str, dict[int, bytes]]]:
    """The expressions of a rule: ``struct nlattr`` lists in lists, as linux/netfilter/nf_tables.h names them."""
    found, at = [], 0
    while at < len(rule):
        size = struct.unpack_from("=H", rule, at)[0]
        parts = attributes(rule[at + 4 : at + size])
        found.append((parts[1].rstrip(b"\0").decode(), attributes(parts[2])))
        at += (size + 3) & ~3
    return found


def mark_after(rule: bytes, mark: int) -> int:
    """What the kernel makes of a packet's mark: one register, and a comparison that ends the rule."""
    register = 0
    for name, parts in expressions(rule):
        if name == "meta" and 3 in parts:  # NFTA_META_SREG
            mark = register
        elif name == "meta":
            assert number(parts[2]) == 3, "NFT_META_MARK"
            register = mark
        elif name == "bitwise":
            register = register & host_number(parts[4]) ^ host_number(parts[5])
        elif name == "cmp":
            assert number(parts[2]) == 0, "NFT_CMP_EQ"
            if register != host_number(parts[3]):
                return mark
    return mark


def rules(kernel: FakeKernel) -> dict[str, bytes]:
    return {body[2].rstrip(b"\0").decode(): body[4] for kind, body in kernel.sent if kind == NEWRULE}


def test_one_chain_a_hook_before_our_own_gets_its_rule_and_no_chain_goes(kernel: FakeKernel) -> None:
    mark_guard.install(MARKS, ("INPUT", "FORWARD"))
    kinds = [kind for kind, _ in kernel.sent]
    assert kinds == [NEWTABLE, DELRULE, NEWCHAIN, NEWRULE, NEWCHAIN, NEWRULE]
    assert kernel.last == 1 + len(kinds), "the last change is waited for"
    places = [attributes(body[4]) for kind, body in kernel.sent if kind == NEWCHAIN]
    assert [number(place[1]) for place in places] == [1, 2], "NF_INET_LOCAL_IN, NF_INET_FORWARD"
    assert {struct.unpack(">i", place[2])[0] for place in places} == {PRIORITY} == {-151}


def test_a_table_of_another_form_is_replaced(kernel: FakeKernel) -> None:
    kernel.refused = frozenset({DELRULE})
    mark_guard.install(MARKS, ("INPUT",))
    assert [kind for kind, _ in kernel.sent] == [NEWTABLE, DELTABLE, NEWTABLE, NEWCHAIN, NEWRULE]
    kernel.refuses = True
    with pytest.raises(OSError, match="not supported"):
        mark_guard.install(MARKS, ("INPUT",))


@given(st.integers(0, (1 << 32) - 1))
def test_only_marks_with_our_tag_lose_our_bits(mark: int) -> None:
    rule = mark_guard._rule(MARKS)
    decided = mark & MARKS.packet_ours.mask == MARKS.packet_ours.value  # as a worker marks what it decides
    assert mark_after(rule, mark) == (mark & ~MARKS.mask if decided else mark)


def test_every_verdict_is_taken_off_and_foreign_bits_stay() -> None:
    rule = mark_guard._rule(MARKS)
    foreign = 0xCA6C & ~MARKS.mask
    for verdict in (MARKS.accept, MARKS.accept_both, MARKS.drop, MARKS.reject, MARKS.reject_all):
        assert mark_after(rule, verdict | foreign) == foreign


def test_it_is_taken_out_and_that_nothing_was_there_is_no_error(kernel: FakeKernel) -> None:
    mark_guard.remove()
    assert [kind for kind, _ in kernel.sent] == [NEWTABLE, DELTABLE]
    kernel.refuses = True  # a kernel without nf_tables
    mark_guard.remove()


def test_a_table_that_the_kernel_does_not_give_up_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(FakeKernel):
        def batch(self, parts: list[bytes], last: int) -> None:
            raise OSError(16, "busy")

    name = b"\x0b\0\1\0pywall\0\0" + b"\x0a\0\2\0input\0\0\0"
    for module in (mark_guard, nft_messages):
        monkeypatch.setattr(module, "Netlink", lambda: Refusing(holds=[(1, name)]))
    assert list(mark_guard.present()) == ["input"]
    with pytest.raises(OSError, match="busy"):
        mark_guard.remove()


def test_tables_of_others_are_not_ours(kernel: FakeKernel) -> None:
    theirs = b"\x0b\0\1\0filter\0\0" + b"\x0a\0\2\0input\0\0\0"
    kernel.holds = [(1, theirs), (2, theirs.replace(b"filter", TABLE.encode()))]
    assert mark_guard.present() == {}
