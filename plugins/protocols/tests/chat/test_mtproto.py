"""MTProto: its transports in the clear, and obfuscated."""

import pytest
from pywall_protocols.chat import mtproto

from pywall_core.api import Match
from pywall_core.testing import detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

pytest.importorskip("cryptography")
from cryptography.hazmat.primitives.ciphers import Cipher  # noqa: E402
from cryptography.hazmat.primitives.ciphers.algorithms import AES  # noqa: E402
from cryptography.hazmat.primitives.ciphers.modes import CTR  # noqa: E402

REQ = bytes(8) + NOISE[:8] + b"\x14\0\0\0" + b"\xf1\x8e\x7e\xbe" + NOISE[:16]
RES = bytes(8) + NOISE[:8] + b"\x40\0\0\0" + b"\x63\x24\x16\x05" + NOISE[:60]
ABRIDGED = (b"\xef" + bytes([len(REQ) // 4]) + REQ, bytes([len(RES) // 4]) + RES)
INTERMEDIATE = (b"\xee" * 4 + len(REQ).to_bytes(4, "little") + REQ, len(RES).to_bytes(4, "little") + RES)


def obfuscated(tag):
    """As core.telegram.org/mtproto/mtproto-transports describes it: 64 random bytes, the last 8 ciphered."""
    init = bytearray(NOISE[1:57] + tag + NOISE[60:64])
    client = Cipher(AES(bytes(init[8:40])), CTR(bytes(init[40:56]))).encryptor()
    init[56:64] = client.update(bytes(init))[56:64]
    turned = bytes(init[8:56])[::-1]
    server = Cipher(AES(turned[:32]), CTR(turned[32:])).encryptor()
    frame = len(REQ).to_bytes(4, "little") + REQ
    return bytes(init) + client.update(frame), server.update(len(RES).to_bytes(4, "little") + RES)


TestMtproto = detector_contract(
    mtproto,
    [ABRIDGED, INTERMEDIATE, (ABRIDGED[0], b""), obfuscated(b"\xee" * 4), obfuscated(b"\xef" * 4)],
    [
        (b"\xef\x0a" + NOISE, NOISE),
        (NOISE, NOISE),
        (b"\xee" * 4 + NOISE, NOISE),
        (b"GET / HTTP/1.1\r\n\r\n" + NOISE, NOISE),
    ],
)


def test_facts(ask):
    assert ask(mtproto, *ABRIDGED) == Match("mtproto", {"transport": "abridged"})
    assert ask(mtproto, *obfuscated(b"\xee" * 4)) == Match("mtproto", {"transport": "obfuscated intermediate"})
    assert not ask(mtproto, *obfuscated(b"\xef" * 4)).confirmed
