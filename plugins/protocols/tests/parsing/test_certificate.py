"""Names of a hand-made certificate and of damaged ones."""

from hypothesis import given
from hypothesis import strategies as st
from pywall_protocols.parsing.certificate import names


def der(tag: int, contents: bytes) -> bytes:
    size = len(contents)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + contents


def name(*attributes: tuple[bytes, int, bytes]) -> bytes:
    return der(0x30, b"".join(der(0x31, der(0x30, der(6, oid) + der(tag, value))) for oid, tag, value in attributes))


ISSUER = name((b"\x55\x04\x0a", 0x1E, "Zürich".encode("utf-16-be")))
SUBJECT = name((b"\x55\x04\x03", 0x0C, b"a\r\nb"), (b"\x2a\x03", 0x13, b"odd"))
BODY = der(0xA0, der(2, b"\2")) + der(2, b"\1") + der(0x30, b"") + ISSUER + der(0x30, b"") + SUBJECT
CERTIFICATE = der(0x30, der(0x30, BODY) + der(0x30, b"") + der(3, bytes(64)))


def test_names_are_read_in_their_order():
    assert names(CERTIFICATE) == {"subject": "CN=a..b, OID=odd", "issuerdn": "O=Zürich"}


@given(st.integers(0, len(CERTIFICATE)), st.binary(max_size=8))
def test_damage_is_survived(at, replacement):
    damaged = CERTIFICATE[:at] + replacement + CERTIFICATE[at + len(replacement) :]
    assert set(names(damaged)) in (set(), {"subject", "issuerdn"})
    assert set(names(CERTIFICATE[:at])) in (set(), {"subject", "issuerdn"})
