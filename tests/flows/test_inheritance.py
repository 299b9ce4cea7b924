"""Descriptions wait for their flows: the last of a flow counts, the oldest make room, a SYN begins another."""

from __future__ import annotations

import pytest

from pywall_core.flows import inheritance as module
from pywall_core.flows.handover import MAX_SIZE, describe
from pywall_core.flows.inheritance import MAX_WAITING, Inheritance
from pywall_core.packet.decode import decode
from pywall_core.packet.flow_key import reverse_key
from pywall_core.testing import make_flow, tcp_packet

FLOW = make_flow(app_proto="tls")
#: a packet of the flow, its handshake's first one, and one of its server
LATER = decode(tcp_packet("192.0.2.1", 40000, "198.51.100.2", 443, seq=1, ack=1, flags=16, data=b"x"), 5.0)
SYN = decode(tcp_packet("192.0.2.1", 40000, "198.51.100.2", 443, seq=1, flags=2), 5.0)
BACK = decode(tcp_packet("198.51.100.2", 443, "192.0.2.1", 40000, seq=1, ack=1, flags=16, data=b"x"), 5.0)


def knows(*names: str) -> Inheritance:
    made = Inheritance()
    for name in names:
        made.add(describe(make_flow(app_proto=name), exact=True) or b"", exact=True)
    return made


def test_the_last_description_of_a_flow_counts_and_is_used_up() -> None:
    inheritance = knows("ssh", "tls")
    known = inheritance.take(FLOW, LATER)
    assert known is not None
    assert (known.app_proto, known.exact, len(inheritance)) == ("tls", True, 0)
    assert inheritance.take(FLOW, LATER) is None


def test_a_syn_begins_another_connection() -> None:
    assert knows("tls").take(FLOW, SYN) is None


def test_one_that_has_ended_is_forgotten() -> None:
    inheritance = knows("tls")
    inheritance.forget(FLOW.key)
    assert inheritance.take(FLOW, LATER) is None


def test_who_began_it_is_known_from_either_side() -> None:
    assert [knows("tls").client_is_receiver(packet) for packet in (LATER, BACK)] == [False, True]
    inheritance = Inheritance()
    inheritance.originals = frozenset({LATER.key})
    assert [inheritance.client_is_receiver(packet) for packet in (LATER, BACK)] == [False, True]
    assert reverse_key(LATER.key) == BACK.key


def test_the_oldest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FLOWS", 1)
    inheritance = knows("tls")
    line = (describe(FLOW) or b"").replace(FLOW.key.hex().encode(), BACK.key.hex().encode())
    inheritance.add(line, exact=True)
    assert [entry[2:28] for entry in inheritance.entries()] == [BACK.key.hex().encode()]


def test_all_descriptions_together_are_bounded() -> None:
    """A worker that was taken over says what it likes; the oldest make room."""
    inheritance = Inheritance()
    for number in range(2 * MAX_WAITING // MAX_SIZE):
        head = b'["' + (b"\x06" + number.to_bytes(12, "big")).hex().encode() + b'",'
        inheritance.add(head.ljust(MAX_SIZE - 7) + b",false]", exact=False)
    assert len(inheritance) == MAX_WAITING // MAX_SIZE
    assert inheritance.refused == 0
    for line in inheritance.entries():
        inheritance.forget(bytes.fromhex(line[2:28].decode()))
    assert len(inheritance) == 0
