"""Data on a SYN: live the SYN goes on without them; captures count them once acknowledged."""

from __future__ import annotations

from typing import Any

import pytest
from pywall_stream.checksum import checksum_valid
from pywall_stream.plugin import Stream

from pywall_core.api import ACK, FIN, SYN, Flow, decode, hookimpl
from pywall_core.testing import engine, fragment, tcp_packet

C, S = ("192.0.2.1", 1000), ("192.0.2.2", 80)


class Listener:
    def __init__(self) -> None:
        self.heard: dict[bool, bytes] = {True: b"", False: b""}

    @hookimpl
    def pywall_segment(self, flow: Flow, to_server: bool, offset: int, data: bytes, gap: int) -> None:
        assert offset == len(self.heard[to_server])
        self.heard[to_server] += data


def client(seq: int, ack: int, flags: int, data: bytes = b"") -> Any:
    return decode(tcp_packet(*C, *S, seq=seq, ack=ack, flags=flags, data=data), 1.0, 1)


def server(seq: int, ack: int, flags: int, data: bytes = b"") -> Any:
    return decode(tcp_packet(*S, *C, seq=seq, ack=ack, flags=flags, data=data), 1.0, 3)


def heard(*packets: Any, live: bool = False) -> Listener:
    listener = Listener()
    lab = engine({"version": 1, "detection": {"all": True}}, plugins={"stream": Stream(), "l": listener}, live=live)
    lab.send(packets)
    return listener


SYN_WITH_DATA = (client(10, 0, SYN, b"hello"), server(50, 16, SYN | ACK), client(16, 51, ACK, b" you"))
REFUSED = (client(10, 0, SYN, b"hello"), server(50, 11, SYN | ACK), client(11, 51, ACK, b"hello you"))
SYN_ACK_WITH_DATA = (
    client(10, 0, SYN),
    server(50, 11, SYN | ACK, b"hello"),
    client(11, 56, ACK),
    server(56, 11, ACK | FIN, b" you"),
)


@pytest.mark.parametrize("packets", [SYN_WITH_DATA, REFUSED])
def test_acknowledged_or_sent_again_it_is_read_once(packets: Any) -> None:
    assert heard(*packets).heard[True] == b"hello you"


def test_on_a_syn_ack_likewise() -> None:
    assert heard(*SYN_ACK_WITH_DATA).heard[False] == b"hello you"


def test_live_a_syn_ack_with_data_is_refused() -> None:
    assert heard(*SYN_ACK_WITH_DATA, live=True).heard[False] == b""


COOKIE = bytes([34, 10]) + bytes(8)
EXPERIMENTAL = bytes([254, 12, 0xF9, 0x89]) + bytes(8)
V6 = ("2001:db8::1", 1000), ("2001:db8::2", 80)


@pytest.mark.parametrize("options", [COOKIE, EXPERIMENTAL, bytes([34, 2, 1, 1]), b""])
@pytest.mark.parametrize("ends", [(C, S), V6])
def test_live_a_syn_goes_on_without_its_data(ends: Any, options: bytes) -> None:
    lab = engine({"version": 1, "detection": {"all": True}}, plugins={"stream": Stream()}, live=True)
    options += bytes(-len(options) % 4)
    packet = decode(tcp_packet(*ends[0], *ends[1], seq=10, flags=SYN, data=b"hello", options=options), 1.0, 1)
    (verdict,) = lab.send([packet])
    assert verdict.action == "accept"
    plain = tcp_packet(*ends[0], *ends[1], seq=10, flags=SYN, options=options)
    assert packet.rewritten == plain
    assert checksum_valid(decode(packet.rewritten))


def test_live_the_data_are_read_once_the_handshake_is_done() -> None:
    again = (client(10, 0, SYN, b"hello"), server(50, 11, SYN | ACK), client(11, 51, ACK, b"hello you"))
    assert heard(*again, live=True).heard[True] == b"hello you"


def test_observe_mode_changes_no_packet() -> None:
    lab = engine({"version": 1, "mode": "observe"}, plugins={"stream": Stream()}, live=True)
    packet = decode(tcp_packet(*C, *S, seq=10, flags=SYN, data=b"hello", options=COOKIE + b"\1\1"), 1.0, 1)
    assert lab.send([packet])[0].action == "accept"
    assert packet.rewritten is None


def test_fragments_of_a_syn_with_data_do_not_pass_whole() -> None:
    lab = engine({"version": 1, "detection": {"all": True}}, plugins={"stream": Stream()}, live=True)
    whole = tcp_packet(*C, *S, seq=10, flags=SYN, data=bytes(60), options=COOKIE + b"\1\1")
    verdicts = lab.send([decode(part, 1.0, 1) for part in fragment(whole, 40)])
    assert verdicts[-1].reason == "fragment.rewritten"
