"""Names of a hand-made certificate and of damaged ones."""

import subprocess
import sys
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from pywall_protocols.parsing.certificate import details


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
    found = details(CERTIFICATE)
    assert (found["subject"], found["issuerdn"]) == ("CN=a..b, OID=odd", "O=Zürich")


def test_the_facts_of_a_real_certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a.example")])
    begin, end = datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC), datetime(2051, 1, 2, tzinfo=UTC)
    made = x509.CertificateBuilder(own, own, key.public_key(), 0xABCDEF, begin, end).sign(key, hashes.SHA256())
    der = made.public_bytes(serialization.Encoding.DER)
    assert details(der) == {
        "subject": "CN=a.example",
        "issuerdn": "CN=a.example",
        "serial": "00:AB:CD:EF",
        "notbefore": "2024-02-03T04:05:06",
        "notafter": "2051-01-02T00:00:00",
        "self_issued": True,
        "self_signed": True,
        "fingerprint": made.fingerprint(hashes.SHA1()).hex(),
        "fingerprint_sha256": made.fingerprint(hashes.SHA256()).hex(),
    }


def test_one_that_another_key_has_signed_in_the_same_name_is_not_self_signed():
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a.example")])
    begin, end = datetime(2024, 2, 3, tzinfo=UTC), datetime(2051, 1, 2, tzinfo=UTC)
    made = x509.CertificateBuilder(own, own, key.public_key(), 1, begin, end).sign(other, hashes.SHA256())
    found = details(made.public_bytes(serialization.Encoding.DER))
    assert (found["self_issued"], found["self_signed"]) == (True, False)
    assert "self_signed" not in details(CERTIFICATE) or not details(CERTIFICATE)["self_signed"]


@given(st.integers(0, len(CERTIFICATE)), st.binary(max_size=8))
def test_damage_is_survived(at, replacement):
    damaged = CERTIFICATE[:at] + replacement + CERTIFICATE[at + len(replacement) :]
    for data in (damaged, CERTIFICATE[:at]):
        assert not details(data) or {"subject", "issuerdn", "serial", "fingerprint"} <= set(details(data))


def test_the_library_waits_for_a_certificate_that_names_itself():
    code = "import sys, pywall_protocols.encryption.tls; sys.exit('cryptography.x509' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
