"""BitTorrent."""

import pytest
from pywall_protocols.peers import bittorrent

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

HANDSHAKE = b"\x13BitTorrent protocol" + bytes(8) + b"h" * 20 + b"-XX0001-123456789012"
PING = b"d1:ad2:id20:" + b"i" * 20 + b"e1:q4:ping1:t2:aa1:y1:qe"
PONG = b"d1:rd2:id20:" + b"j" * 20 + b"e1:t2:aa1:y1:re"
SEARCH = b"BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\n\r\n"
CONNECTED = bytes.fromhex("00000000 12345678 0102030405060708")
CONNECT = bytes.fromhex("0000041727101980 00000000 12345678")

TestBittorrentOverTcp = detector_contract(
    bittorrent,
    [conversation().client(HANDSHAKE).server(HANDSHAKE), conversation().server(HANDSHAKE)],
    [conversation().client(b"\x13BitTorrent protocols"[:19] + b"x" * 40), conversation().client(b"d1:ade1:y1:qe")],
)
TestBittorrentOverUdp = detector_contract(
    bittorrent,
    [
        conversation("udp").client(PING).server(PONG),
        conversation("udp").client(PONG),
        conversation("udp").client(SEARCH),
        conversation("udp").client(CONNECT).server(CONNECTED),
        conversation("udp").client(CONNECT),
    ],
    [
        conversation("udp").client(PING[:-1]),
        conversation("udp").client(b"d1:ad2:id20:e"),
        conversation("udp").client(SEARCH.replace(b"BT-", b"BX-")),
        conversation("udp").client(CONNECT[:12]),
        conversation("udp").client(CONNECT.replace(b"\0\0\0\0\x12", b"\0\0\0\1\x12")),
    ],
)


def test_facts(ask):
    assert ask(bittorrent, HANDSHAKE, HANDSHAKE).facts == {"message": "peer"}
    assert ask(bittorrent, [PING]).facts == {"message": "dht"}
    assert ask(bittorrent, [CONNECT]).protocol == "bt-tracker"


@pytest.mark.parametrize(("data", "answer"), [(b"\x13BitT", MORE), (b"\x13Bitt", NO)])
def test_the_beginning_of_a_stream(ask, data, answer):
    assert ask(bittorrent, data) is answer


def test_confirmed_by_both_sides(ask):
    assert ask(bittorrent, [CONNECT], [CONNECTED]).confirmed
    assert not ask(bittorrent, [CONNECT], [CONNECTED.replace(b"\x12", b"\x13")]).confirmed
    assert ask(bittorrent, [PING], [PONG]).confirmed
    assert not ask(bittorrent, [PING]).confirmed
