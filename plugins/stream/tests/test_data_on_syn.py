"""Data on a SYN: refused live, where no receiver takes it without Fast Open; captures count it once acknowledged."""

from __future__ import annotations

from typing import Any

import pytest
from pywall_stream.plugin import Stream

from pywall_core.api import ACK, FIN, SYN, Flow, decode, hookimpl
from pywall_core.testing import engine, tcp_packet

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
