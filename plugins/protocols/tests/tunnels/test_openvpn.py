"""OpenVPN: resets of every mode over UDP and TCP, look-alikes, sessions whose beginning is missing."""

import struct

import pytest
from pywall_protocols.tunnels import openvpn

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import conversation, detector_contract

MINE, THEIRS = bytes.fromhex("3545a0c89687d99b"), bytes.fromhex("8a4b48bdb5fde3cf")
NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 20
TIME = 1_795_344_000


def replay(number: int) -> bytes:
    return struct.pack("!II", number, TIME)


def client_reset(hmac: int = 0, number: int = 1) -> bytes:
    protected = NOISE[:hmac] + replay(number) if hmac else b""
    return b"\x38" + MINE + protected + bytes(5)


def server_reset(hmac: int = 0, echoed: bytes = MINE) -> bytes:
    protected = NOISE[:hmac] + replay(1) if hmac else b""
    return b"\x40" + THEIRS + protected + b"\1" + bytes(4) + echoed + bytes(4)


def crypt(opcode: int, session: bytes, body: int, number: int = 1) -> bytes:
    return bytes([opcode]) + session + replay(number) + NOISE[: 32 + body]


def crypt_v2(wrapped: int = 299) -> bytes:
    return crypt(0x50, MINE, 5, 0x0F000001) + NOISE[: wrapped - 2] + struct.pack("!H", wrapped)


def framed(*packets: bytes) -> bytes:
    return b"".join(struct.pack("!H", len(packet)) + packet for packet in packets)


def udp(client: list[bytes], server: list[bytes]):
    talk = conversation("udp")
    for packet in client:
        talk = talk.client(packet)
    for packet in server:
        talk = talk.server(packet)
    return talk


HELLO = b"\x20" + MINE + b"\1" + bytes(4) + THEIRS + struct.pack("!I", 1) + b"\x16\x03\x01\x01\x10\x01" + NOISE[:100]
ANSWER = b"\x20" + THEIRS + b"\1" + struct.pack("!I", 1) + MINE + struct.pack("!I", 1) + b"\x16\x03\x03" + NOISE[:100]
DATA = [b"\x48\0\0\1" + struct.pack("!I", 900 + n) + NOISE[:60] for n in range(3)]

TestOverUdp = detector_contract(
    openvpn,
    transport="udp",
    positives=[
        (client_reset(), server_reset()),
        (client_reset(20), server_reset(20)),
        (client_reset(64), b""),
        (crypt(0x38, MINE, 5), crypt(0x40, THEIRS, 17)),
        (crypt_v2(), crypt(0x40, THEIRS, 23)),
        (b"", server_reset(32)),
        udp([HELLO], [ANSWER]),
        udp(DATA, []),
    ],
    negatives=[
        (NOISE[:100], NOISE[:100]),
        (b"8" * 14, NOISE[:14]),
        (b"\x38" + NOISE[:13], NOISE[:14]),
        (b"\x38" + bytes(13), NOISE[:26]),
        (crypt(0x38, MINE, 5, number=NOISE[0] << 24), b""),
        (crypt_v2()[:-1] + b"\0", b""),
        (bytes.fromhex("28da01000001000000000000") + b"\3www\7example\3org\0\0\1\0\1", b""),
    ],
)
TestOverTcp = detector_contract(
    openvpn,
    transport="tcp",
    positives=[
        (framed(client_reset(), HELLO), framed(server_reset(), ANSWER)),
        (framed(client_reset(48)), framed(server_reset(48))),
        (framed(crypt_v2()), framed(crypt(0x40, THEIRS, 17))),
    ],
    negatives=[
        (b"\0\x0e\x38" + bytes(13), NOISE[:20]),
        (b"\0\x2a\x38" + NOISE[:300], NOISE[:20]),
        (b"\0\x1e\x00\x06\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\3www\7example\3org\0\0\1\0\1", b""),
    ],
)


@pytest.mark.parametrize(
    ("client", "server", "mode"),
    [
        (client_reset(), server_reset(), "tls"),
        *((client_reset(hmac), server_reset(hmac), "tls-auth") for hmac in openvpn.HMACS),
        (crypt(0x38, MINE, 5), crypt(0x40, THEIRS, 17), "tls-crypt"),
        (crypt_v2(), crypt(0x40, THEIRS, 17), "tls-crypt-v2"),
    ],
)
def test_mode_and_sessions(ask, client, server, mode):
    facts = {"mode": mode, "client.session_id": MINE.hex(), "server.session_id": THEIRS.hex()}
    assert ask(openvpn, [client], [server]) == Match("openvpn", facts)
    assert ask(openvpn, framed(client), framed(server)) == Match("openvpn", facts)


def test_a_reply_to_another_session_confirms_nothing(ask):
    match = ask(openvpn, [client_reset()], [server_reset(echoed=THEIRS)])
    assert isinstance(match, Match)
    assert not match.confirmed


def test_a_repeated_reset_is_still_one(ask):
    assert isinstance(ask(openvpn, [client_reset(20, number=7)]), Match)


@pytest.mark.parametrize("cut", range(16))
def test_a_packet_over_tcp_is_awaited(ask, cut):
    assert ask(openvpn, framed(client_reset())[:cut]) is MORE


def test_data_packets_need_one_peer_and_rising_numbers(ask):
    assert ask(openvpn, DATA[:2]) is MORE
    assert isinstance(ask(openvpn, DATA), Match)
    assert ask(openvpn, [DATA[0], b"\x48\0\0\2" + DATA[1][4:], DATA[2]]) is NO
    assert not isinstance(ask(openvpn, [DATA[2], DATA[1], DATA[0]]), Match)


def test_packets_of_two_interfaces_count_once(ask):
    assert isinstance(ask(openvpn, [each for each in DATA for _ in range(2)]), Match)
    assert ask(openvpn, [DATA[0]] * 3) is MORE


def over_tcp(*packets):
    return b"".join(len(packet).to_bytes(2, "big") + packet for packet in packets)


def test_data_of_one_key_over_tcp_from_the_middle_is_a_guess(ask):
    """As client and server send it for hours; data of version 1 has nothing but its first byte in clear."""
    ping, data = b"\x30" + NOISE[:80], b"\x30" + NOISE[:600]
    answer = ask(openvpn, over_tcp(data, ping), over_tcp(ping), midstream=True)
    assert (answer.protocol, answer.confirmed) == ("openvpn", False)
    assert ask(openvpn, over_tcp(data, ping, data), midstream=True) is MORE, "one side alone"
    assert ask(openvpn, over_tcp(data, b"\x31" + NOISE[:80]), over_tcp(ping), midstream=True) is NO, "two keys"
    assert ask(openvpn, over_tcp(data) + b"\0\x51" + NOISE[:40], over_tcp(ping), midstream=True) is NO
    assert ask(openvpn, over_tcp(data, ping), over_tcp(ping)) is NO, "its beginning was seen"


def test_data_of_version_2_over_tcp_from_the_middle_counts(ask):
    def data(number):
        return b"\x48\0\0\1" + number.to_bytes(4, "big") + NOISE[:80]

    said, told = (over_tcp(*(data(first + n) for n in range(3))) for first in (700, 900))
    assert ask(openvpn, said, told, midstream=True).confirmed
    assert not ask(openvpn, said, midstream=True).confirmed
