"""SSH: identifications, lines before them, key exchanges, HASSH."""

import struct
from hashlib import md5
from zlib import crc32

import pytest
from pywall_protocols.remote import ssh

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract

LISTS = [b"curve25519-sha256,ecdh-sha2-nistp256", b"ssh-ed25519", b"aes256-ctr", b"aes128-gcm@openssh.com",
         b"hmac-sha2-256", b"hmac-sha2-512", b"none", b"zlib@openssh.com", b"", b""]  # fmt: skip


def kexinit(cookie: bytes = bytes(range(16))) -> bytes:
    body = b"\x14" + cookie + b"".join(struct.pack("!I", len(each)) + each for each in LISTS) + bytes(5)
    padding = 8 - (5 + len(body)) % 8 + 4
    return struct.pack("!IB", 1 + len(body) + padding, padding) + body + bytes(padding)


CLIENT = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n" + kexinit()
ANSWER = kexinit(b"another 16 bytes")
SERVER = b"SSH-2.0-dropbear_2022.83\r\n" + ANSWER


def packet(kind: int, body: bytes) -> bytes:
    """A packet of SSH 1, with its padding and sum."""
    length = 1 + len(body) + 4
    padded = bytes(8 - length % 8) + bytes([kind]) + body
    return struct.pack("!I", length) + padded + struct.pack("!I", crc32(padded, 0xFFFFFFFF) ^ 0xFFFFFFFF)


ONE = b"SSH-1.5-1.2.27\n"
KEYS = packet(2, b"cookie8!" + bytes(250))
SESSION = packet(3, b"\3cookie8!" + bytes(130))

TestContract = detector_contract(
    ssh,
    positives=[
        (CLIENT, SERVER),
        (CLIENT, b"Welcome, stranger!\r\nNo logins on Sunday.\r\nSSH-1.99-Cisco-1.25\n" + ANSWER),
        (CLIENT, b"*****\r\n* 24 h watched *\r\n2024: no guests\r\n" + SERVER),
        (b"SSH-1.5-1.2.26\n" + bytes(40), b"SSH-1.5-1.2.26\n" + bytes(40)),
        (ONE + SESSION, ONE + KEYS),
        (b"", SERVER),
        (kexinit(), ANSWER),
        (SERVER, CLIENT),
    ],
    negatives=[
        (b"hello SSH-2.0 is a protocol\r\n", b"\x8f" * 40),
        (b"a1 NOOP\r\n", b"* OK IMAP4rev1\r\n* OK\r\nSSH-2.0-x\r\n"),
        (b"SSH\r\nnot it", b"\x01\x02\x03"),
        (b"SSH-keygen is a program\r\n", b"yes\r\n"),
        (b"USER me\r\n", b"220 SSH-2.0-not\r\n"),
        (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
        (b"\0\0\1\x14\x04\x14" + b"\xff" * 60, b"\0" * 9),
    ],
)


def test_facts_and_hassh(ask):
    match = ask(ssh, CLIENT, SERVER)
    assert (match.confirmed, match.done) == (True, True)
    facts = match.facts
    assert facts["client.proto_version"] == "2.0"
    assert facts["client.software_version"] == "OpenSSH_9.2p1"
    assert facts["server.software_version"] == "dropbear_2022.83"
    sent = b";".join((LISTS[0], LISTS[2], LISTS[4], LISTS[6]))
    answered = b";".join((LISTS[0], LISTS[3], LISTS[5], LISTS[7]))
    assert facts["client.hassh.string"] == sent.decode()
    assert facts["client.hassh.hash"] == md5(sent).hexdigest()
    assert facts["server.hassh.hash"] == md5(answered).hexdigest()


@pytest.mark.parametrize("behind", [b"", kexinit()[:30], bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e20377")])
def test_two_identifications_prove_nothing(ask, behind):
    assert not ask(ssh, CLIENT, SERVER[: SERVER.index(b"\n") + 1] + behind).confirmed


def test_lines_before_the_server_s_identification(ask):
    assert ask(ssh, b"", b"Welcome\r\n") is MORE
    assert ask(ssh, b"", b"Welcome\r\nSS") is MORE
    match = ask(ssh, b"", b"Welcome\r\nSSH-2.0-x\r\n")
    assert match.facts["server.software_version"] == "x"
    assert ask(ssh, b"", b"220 ftp.example ready\r\n") is NO
    assert ask(ssh, b"", b"Welcome\r\n" * 500) is NO


@pytest.mark.parametrize("cut", range(8))
def test_a_beginning_waits(ask, cut):
    assert ask(ssh, b"SSH-2.0-"[:cut]) is MORE


def test_one_side_is_a_match_but_not_confirmed(ask):
    match = ask(ssh, CLIENT)
    assert isinstance(match, Match)
    assert not match.confirmed


@pytest.mark.parametrize(
    ("client", "server", "confirmed", "done"),
    [
        (ONE + SESSION, ONE + KEYS, True, True),
        (ONE + SESSION, b"Hello\r\nSSH-1.99-OpenSSH_3.4\n" + KEYS, True, True),
        (ONE, ONE + KEYS, False, False),
        (ONE + SESSION[:-1], ONE + KEYS, False, False),
        (ONE + packet(3, b"\3another!" + bytes(130)), ONE + KEYS, False, True),
        (ONE + SESSION, ONE + KEYS[:-1] + b"x", False, True),
        (ONE + SESSION, ONE + KEYS.replace(b"\2cookie", b"\5cookie"), False, True),
        (ONE + bytes(64), ONE + KEYS, False, True),
        (ONE + SESSION, b"SSH-2.0-OpenSSH_9.2\r\n" + KEYS, False, True),
    ],
)
def test_ssh_1_is_proved_by_the_cookie_of_the_servers_keys(
    ask, client: bytes, server: bytes, confirmed: bool, done: bool
) -> None:
    match = ask(ssh, client, server)
    assert (match.confirmed, match.done) == (confirmed, done)


def test_one_key_exchange_of_both_sides_proves_it_unless_the_rest_is_a_changed_copy(ask):
    assert ask(ssh, CLIENT, b"SSH-2.0-dropbear_2022.83\r\n" + kexinit()).confirmed
    assert ask(ssh, CLIENT, CLIENT).confirmed, "an echo is the core's matter"
    assert not ask(ssh, CLIENT, CLIENT.replace(b"OpenSSH", b"OpenSSX")).confirmed
    assert not ask(ssh, CLIENT, CLIENT.replace(b"curve", b"curvX")).confirmed
