"""What port tables and short patterns get wrong, through the engine and the whole bundle."""

import struct

import pytest

from pywall_core.testing import conversation, engine

pytest.importorskip("pywall_stream")

POLICY = "version: 1\nplugins: [stream, protocols]\ndefault: ACCEPT\n"
NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12
MINE, THEIRS = bytes.fromhex("3545a0c89687d99b"), bytes.fromhex("8a4b48bdb5fde3cf")
REPLAY = struct.pack("!II", 1, 1_795_344_000)
ECHO = b"\1" + bytes(4) + MINE + bytes(4)

PLAIN = (b"\x38" + MINE + bytes(5), b"\x40" + THEIRS + ECHO)
TLS_AUTH = (b"\x38" + MINE + NOISE[:20] + REPLAY + bytes(5), b"\x40" + THEIRS + NOISE[:20] + REPLAY + ECHO)
TLS_CRYPT = (b"\x38" + MINE + REPLAY + NOISE[:37], b"\x40" + THEIRS + REPLAY + NOISE[:49])
TLS_CRYPT_V2 = (b"\x50" + MINE + REPLAY + NOISE[:37] + NOISE[:297] + b"\x01\x2b", TLS_CRYPT[1])
MODES = {"plain": PLAIN, "tls-auth": TLS_AUTH, "tls-crypt": TLS_CRYPT, "tls-crypt-v2": TLS_CRYPT_V2}

REQUEST = b"GET /index.html HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
SSH = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"


def named(port, client, server, transport="tcp", size=1500):
    said = conversation(transport, server=("198.51.100.2", port))
    for to_server, data in ((True, client), (False, server)):
        if data:
            said = said.client(data) if to_server else said.server(data)
    lab = engine(POLICY)
    lab.send(said.split(size).close() if transport == "tcp" else said)
    (event,) = lab.close()
    return event["app_proto"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("transport", "port"), [("udp", 9999), ("udp", 53), ("udp", 443), ("tcp", 443), ("tcp", 25)])
def test_openvpn_on_other_services_ports(mode, transport, port):
    client, server = MODES[mode]
    if transport == "tcp":
        client, server = (len(packet).to_bytes(2, "big") + packet for packet in (client, server))
    assert named(port, client, server, transport) == "openvpn"


@pytest.mark.parametrize("port", [80, 22, 1194, 40001])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_http_a_few_bytes_a_segment_on_any_port(port, size):
    assert named(port, REQUEST, RESPONSE, size=size) == "http"


@pytest.mark.parametrize("port", [22, 80, 443, 1194])
def test_ssh_on_any_port(port):
    assert named(port, SSH, SSH) == "ssh"


@pytest.mark.parametrize("size", [1, 1500])
@pytest.mark.parametrize("server", [b"", b"what?\r\n", NOISE[:90]])
@pytest.mark.parametrize(
    ("port", "said"),
    [
        (80, b"HEAD of the table\r\n"),
        (80, b"PUT that down HTTP\r\n"),
        (80, b"GET the milk please\r\nand eggs\r\n"),
        (22, b"hello SSH-2.0 is a protocol\r\n"),
        (443, b"\x14\x03\x03\0\1\1" + NOISE[:200]),
        (443, b"\x16\x03\x01\x01\x2c" + NOISE[:300]),
        (443, b"\x17\x03\x03\0\x20" + NOISE[:300]),
        (443, b"\x15\x03\x03\0\2\2\x28" + NOISE[:100]),
        (1194, b"\0\x2a\x38" + NOISE[:300]),
        (25, NOISE[:120]),
    ],
)
def test_what_only_looks_like_it(port, said, server, size):
    assert named(port, said, server, size=size) == "unknown"


@pytest.mark.parametrize("port", [53, 443, 1194, 51820])
@pytest.mark.parametrize("said", [NOISE[:14], NOISE[:100], b"\x38" + NOISE[:99], b"8" * 14, b"\x38" + NOISE[1:14]])
def test_noise_on_well_known_ports(port, said):
    assert named(port, said, NOISE[:60], "udp") == "unknown"
