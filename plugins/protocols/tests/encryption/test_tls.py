"""TLS: real handshakes of Python's ssl module, look-alikes, mid-stream records, SSLv2-style hellos."""

import contextlib
import datetime
import re
import ssl
import tempfile
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from pywall_protocols.encryption import tls

from pywall_core.api import MORE, NO, YES, Match
from pywall_core.plugins.docstrings import docstring
from pywall_core.testing import client_hello, conversation, detector_contract, engine, make_flow, server_hello

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 8


def _certificate() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "AT"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Prüfstelle"),
            x509.NameAttribute(NameOID.COMMON_NAME, "www.example.org"),
        ]
    )
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return signed.public_bytes(pem), private


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder) / "chain.pem"
        chain.write_bytes(b"".join(_certificate()))
        context.load_cert_chain(chain)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def _handshake(version: ssl.TLSVersion, context: ssl.SSLContext) -> tuple[bytes, bytes]:
    """What both sides send in a handshake with one message of application data each."""
    mine = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    mine.check_hostname, mine.verify_mode = False, ssl.CERT_NONE
    mine.minimum_version = mine.maximum_version = version
    mine.set_alpn_protocols(["h2"])
    client_in, client_out, server_in, server_out = (ssl.MemoryBIO() for _ in range(4))
    client = mine.wrap_bio(client_in, client_out, server_hostname="www.example.org")
    server = context.wrap_bio(server_in, server_out, server_side=True)
    sent, received = b"", b""
    for _ in range(6):
        for side in (client, server):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
        said, answered = client_out.read(), server_out.read()
        server_in.write(said)
        client_in.write(answered)
        sent, received = sent + said, received + answered
    client.write(b"question")
    server.write(b"answer")
    return sent + client_out.read(), received + server_out.read()


SERVER = _server_context()
TLS12 = _handshake(ssl.TLSVersion.TLSv1_2, SERVER)
TLS13 = _handshake(ssl.TLSVersion.TLSv1_3, SERVER)
SSLV2_HELLO = bytes.fromhex("802e 01 0301 0015 0000 0010".replace(" ", "")) + bytes(range(21)) + bytes(range(16))


def fragmented(stream: bytes, size: int) -> bytes:
    """The first record of ``stream`` cut into records of ``size`` bytes."""
    length = int.from_bytes(stream[3:5], "big")
    body = stream[5 : 5 + length]
    pieces = [body[at : at + size] for at in range(0, length, size)]
    return b"".join(stream[:3] + len(piece).to_bytes(2, "big") + piece for piece in pieces) + stream[5 + length :]


def record(kind: int, body: bytes, version: bytes = b"\3\3") -> bytes:
    return bytes([kind]) + version + len(body).to_bytes(2, "big") + body


MIDSTREAM = record(23, NOISE[:40]) + record(23, NOISE[:90])

DRAFT_HELLO = record(22, b"\2\0\0\x26\x7f\x13" + bytes(range(32)) + b"\x13\2\0\0", b"\3\1")

TestContract = detector_contract(
    tls,
    positives=[
        (TLS13[0], DRAFT_HELLO),
        TLS12,
        TLS13,
        (TLS13[0], b""),
        (b"", TLS12[1]),
        (fragmented(TLS12[0], 11), fragmented(TLS12[1], 100)),
        (SSLV2_HELLO, TLS12[1]),
        (MIDSTREAM, MIDSTREAM),
        (record(23, NOISE[:40]), record(23, NOISE[:50])),
        (TLS12[0], record(21, b"\2\x28")),
    ],
    negatives=[
        (b"\x16\x03\x01" + NOISE, NOISE),
        (b"\x16\x03\xff\x00\x10" + NOISE, NOISE),
        (b"\x16\x03\x01\x00\x00", NOISE),
        (b"\x14\x03\x03\x00\x01\x01" + NOISE, NOISE),
        (b"\x17\x03\x03\x00\x05" + NOISE, NOISE),
        (b"\x15" * 60, NOISE),
        (b"\x80\x2e\x01\x03\x01" + NOISE, NOISE),
        (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
        (NOISE, b""),
    ],
)


def test_tls_1_2_facts(ask):
    match = ask(tls, *TLS12)
    assert (match.confirmed, match.done) == (True, True)
    facts = match.facts
    assert facts["version"] == "TLS 1.2"
    assert facts["sni"] == "www.example.org"
    assert facts["client_alpns"] == ["h2"]
    assert facts["server_alpns"] == ["h2"]
    assert facts["subject"] == "C=AT, O=Prüfstelle, CN=www.example.org"
    assert facts["issuerdn"] == "CN=Test CA"
    assert facts["ja4"].startswith("t12d")


def test_tls_1_3_facts_and_no_certificate(ask):
    facts = ask(tls, *TLS13).facts
    assert facts["version"] == "TLS 1.3"
    assert facts["cipher"] in ("0x1301", "0x1302", "0x1303")
    assert facts["ja4"].startswith("t13d")
    assert "subject" not in facts


@pytest.mark.parametrize("size", [1, 4, 5, 11, 64])
def test_fragmented_records_have_the_same_facts(ask, size):
    whole, cut = ask(tls, *TLS12), ask(tls, fragmented(TLS12[0], size), fragmented(TLS12[1], size))
    assert cut.facts == whole.facts


def test_a_client_hello_alone_is_a_match_that_waits(ask):
    match = ask(tls, TLS13[0][:200])
    assert isinstance(match, Match)
    assert not match.confirmed
    assert not match.done


def test_what_a_server_says_first_does_not_hide_the_client(ask):
    banner = b"220 mail.example ESMTP\r\n"
    assert ask(tls, b"", banner) is MORE
    assert isinstance(ask(tls, TLS13[0], banner), Match)
    assert ask(tls, b"EHLO me\r\n", banner) is NO


def test_every_fact_is_declared(ask):
    declared = re.search(r":facts: ((?:.|\n)*?)\n\Z", docstring(tls) + "\n")[1].replace("\n", " ").split(", ")
    assert set(ask(tls, *TLS12).facts) <= {name.strip() for name in declared}


def test_only_a_server_hello_confirms(ask):
    assert ask(tls, *TLS12).confirmed
    assert not ask(tls, TLS12[0], record(21, b"\2\x28")).confirmed
    assert not ask(tls, TLS12[0], record(23, NOISE[:40]) + record(23, NOISE[:40])).confirmed
    assert not ask(tls, TLS12[0], TLS12[0]).confirmed


def test_a_warning_before_the_server_s_hello_is_no_end(ask):
    client, server = TLS12
    warning = record(21, b"\1\x70")
    assert ask(tls, client, warning + server).confirmed
    assert not ask(tls, client, warning + record(23, NOISE[:64])).confirmed


def test_the_sides_may_be_turned(ask):
    match = ask(tls, TLS12[1], TLS12[0])
    assert isinstance(match, Match)
    assert match.confirmed


def test_sslv2_style_hello(ask):
    assert ask(tls, SSLV2_HELLO).facts == {"version": "TLSv1"}


@pytest.mark.parametrize(
    "said", [record(23, NOISE[:19]), record(21, NOISE[:26]), record(21, b"\2\x46", b"\3\1"), record(22, NOISE[:40])]
)
def test_one_record_is_enough_where_the_start_was_not_seen(ask, said):
    assert not isinstance(ask(tls, said), Match)
    assert isinstance(ask(tls, said, midstream=True), Match)
    assert isinstance(ask(tls, b"", said, midstream=True), Match)
    assert isinstance(ask(tls, said + NOISE[:9], midstream=True), Match)
    assert not isinstance(ask(tls, said[:-1], midstream=True), Match)


@pytest.mark.parametrize(
    "said", [record(20, b"\1"), record(21, b"\3\x28"), record(23, NOISE[:5]), b"\x17\x03\x09\0\x20"]
)
def test_other_records_are_not(ask, said):
    assert not isinstance(ask(tls, said + NOISE, midstream=True), Match)


def test_a_server_of_a_draft_s_time(ask):
    match = ask(tls, TLS13[0], DRAFT_HELLO)
    assert (match.confirmed, match.done) == (True, True)
    assert (match.facts["version"], match.facts["cipher"]) == ("TLS 1.3 draft-19", "0x1302")


POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: fact, name: tls.sni, is: bad.example, action: DROP}]}
default: ACCEPT
"""


@pytest.mark.parametrize("between", [b"", b"\x14\3\3\0\1\1"], ids=["alone", "behind a ChangeCipherSpec"])
@pytest.mark.parametrize("size", [1, 1500])
def test_the_name_of_the_second_hello_counts(between, size):
    """RFC 8446 section 4.1.4: a HelloRetryRequest lets the client send another ClientHello, which names the server."""
    lab = engine(POLICY, live=True)
    talk = conversation().client(client_hello("good.example")).server(server_hello(retry=True))
    talk = talk.client(between + client_hello("bad.example"))
    verdicts = lab.send(talk.split(size))
    assert verdicts[-1].action.value == "drop"
    assert not any(
        verdict.final and verdict.action.value == "accept" for verdict in verdicts if verdict.chain == "INPUT"
    )
    lab.close()
    assert [e["anomaly"]["event"] for e in lab.of_type("anomaly")] == ["tls.sni_changed"]
    (event,) = lab.of_type("tls")
    assert (event["tls"]["sni"], event["tls"]["sni_changed"]) == ("bad.example", True)


def test_a_second_hello_that_names_the_same_server_is_no_anomaly(ask):
    hello = client_hello("a.example")
    match = ask(tls, hello + hello, server_hello(retry=True) + server_hello())
    assert (match.facts["sni"], match.anomaly, match.done) == ("a.example", "", True)
    assert not ask(tls, hello, server_hello(retry=True)).done
    assert ask(tls, hello, server_hello()).done


@given(st.integers(0, 60), st.integers(0, 255), st.integers(0, 600))
def test_the_quick_look_takes_only_what_the_closer_one_takes(at, value, size):
    hello = bytearray(client_hello("example.org"))
    if at:
        hello[at] = value
    data = bytes(hello[:size])
    if len(data) >= 6 and tls._header_fits(data, 0) and tls._is_whole_client_hello(data):
        assert tls._look_message(data) is YES


def test_a_hello_in_one_record_needs_no_closer_look():
    assert tls._is_whole_client_hello(client_hello("example.org"))


def test_a_retry_is_found_in_one_record_and_in_many():
    retry = b"\2\0\0\x26\3\3" + tls.RETRY_RANDOM + b"\0\x13\1\0"
    other = retry.replace(tls.RETRY_RANDOM, bytes(32))
    for message, asks in ((retry, True), (other, False)):
        assert tls._asks_again(b"\x16\3\3" + len(message).to_bytes(2, "big") + message) is asks
        assert tls._asks_again(b"".join(b"\x16\3\3\0\1" + bytes([byte]) for byte in message)) is asks


def test_a_resumed_session_is_confirmed_by_the_client_s_change_of_the_cipher():
    body = b"\3\3" + NOISE[:32] + b"\0\xc0\x2f\0\0\0"
    hello = b"\2" + len(body).to_bytes(3, "big") + body
    sealed = b"\x16\3\3\0\x28" + NOISE[:40]
    server = b"\x16\3\3" + len(hello).to_bytes(2, "big") + hello + b"\x14\3\3\0\1\1" + sealed
    data = b"\x17\3\3\0\x40" + NOISE[:64]
    asked = client_hello("www.example.org")
    for client, confirmed in (
        (asked, False),
        (asked + b"\x14\3\3\0\1\1" + sealed + data, True),
        (asked + data, False),  # looks like TLS and keeps none of its order
    ):
        answer = tls.pywall_detect(make_flow(), client, server)
        assert isinstance(answer, Match)
        assert answer.confirmed is confirmed


def test_a_hello_sent_back_from_the_middle_is_no_answer(ask):
    hello = b"\x16\x03\x01\0\x2f\1\0\0\x2b\3\3" + bytes(range(32)) + b"\0\0\2\x13\1\1\0\0\0"
    answer = b"\x16\x03\x03\0\x2c\2\0\0\x28\3\3" + bytes(range(32, 64)) + b"\0\x13\1\0\0\0"
    assert ask(tls, hello, answer, midstream=True).confirmed
    assert not ask(tls, hello, hello, midstream=True).confirmed
    assert not ask(tls, hello, hello[:20] + b"\x55" + hello[21:], midstream=True).confirmed
