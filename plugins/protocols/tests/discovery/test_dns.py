"""DNS, mDNS and LLMNR: queries, answers, updates, damage, and what only looks like them."""

import struct

import pytest
from pywall_protocols.discovery import dns

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract


def name(*labels: bytes) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def message(flags: int, counts: tuple[int, int, int, int], body: bytes, ident: int = 0x4D2C) -> bytes:
    return struct.pack("!HHHHHH", ident, flags, *counts) + body


QUESTION = name(b"www", b"example", b"org") + b"\0\1\0\1"
RECORD = b"\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xc6\x33\x64\x07"
OPT = b"\0\0\x29\x10\0\0\0\0\0\0\0"
QUERY = message(0x0100, (1, 0, 0, 1), QUESTION + OPT)
ANSWER = message(0x8180, (1, 1, 0, 0), QUESTION + RECORD)
MDNS = message(0x8400, (0, 1, 0, 0), name(b"printer", b"local") + b"\0\1\x80\1\0\0\0\x78\0\4\xc6\x33\x64\x07", ident=0)
NETBIOS = message(0x0110, (1, 0, 0, 0), name(b"CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") + b"\0\x21\0\1")
NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 4


def framed(*messages: bytes) -> bytes:
    return b"".join(struct.pack("!H", len(each)) + each for each in messages)


TestOverUdp = detector_contract(
    dns,
    transport="udp",
    positives=[
        (QUERY, ANSWER),
        (QUERY, b""),
        (b"", ANSWER),
        (QUERY, message(0x8105, (0, 0, 0, 0), b"")),
        (MDNS, b""),
        (message(0x2800, (1, 0, 1, 0), name(b"example", b"org") + b"\0\6\0\1" + b"\xc0\x0c\0\1\0\xff" + bytes(6)), b""),
        (message(0x0100, (1, 0, 0, 0), b"\0\0\2\0\1"), b""),
    ],
    negatives=[
        (NETBIOS, b""),
        (NOISE, NOISE),
        (NOISE[:12], NOISE),
        (message(0x0000, (1, 0, 0, 0), b"\xff" + NOISE[:40]), b""),
        (b"\x38" + NOISE[:8] + bytes(5), b""),
        (b"\x30\xff\1\0\0\1\0\0\x45\0\1\0" + (NOISE * 2)[:252], b""),
    ],
)
TestOverTcp = detector_contract(
    dns,
    transport="tcp",
    positives=[(framed(QUERY, QUERY), framed(ANSWER)), (b"", framed(ANSWER))],
    negatives=[(framed(NETBIOS), b""), (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"), (NOISE, NOISE)],
)


def test_facts(ask):
    named = {"rrname": "www.example.org", "name_length": 15, "name_entropy": 3.18}
    facts = {**named, "rrtype": "A", "rcode": "NOERROR", "answers": 1}
    assert ask(dns, [QUERY], [ANSWER]) == Match("dns", facts)
    assert ask(dns, framed(QUERY), framed(ANSWER)) == Match("dns", facts)


@pytest.mark.parametrize(
    ("group", "protocol"),
    [
        ("e00000fb", "mdns"),
        ("ff0200000000000000000000000000fb", "mdns"),
        ("e00000fc", "llmnr"),
        ("ff020000000000000000000000010003", "llmnr"),
        ("c6336402", "dns"),
    ],
)
def test_the_group_tells_the_protocol(ask, group, protocol):
    match = ask(dns, [QUERY], dst=bytes.fromhex(group))
    assert match.protocol == protocol
    assert not match.confirmed


def test_what_is_sent_to_a_group_may_be_damaged(ask):
    damaged = message(0x0000, (1, 0, 0, 0), b"\xf3wpad\0\0\1\0\1\0")
    assert ask(dns, [damaged], dst=bytes([224, 0, 0, 252])).protocol == "llmnr"
    assert ask(dns, [damaged]) is MORE
    assert ask(dns, [NOISE], dst=bytes([224, 0, 0, 252])) is NO


def test_only_an_answer_to_the_question_confirms(ask):
    answer = message(0x8180, (1, 1, 0, 0), QUESTION + RECORD)
    assert ask(dns, [QUERY], [answer]).confirmed
    assert ask(dns, [QUERY], [answer[:12] + QUESTION.upper() + RECORD]).confirmed
    assert not ask(dns, [QUERY], [b"\xff\xff" + answer[2:]]).confirmed
    assert not ask(dns, [QUERY], [answer.replace(b"example", b"exampla")]).confirmed
    assert not ask(dns, [QUERY], [QUERY]).confirmed
    assert ask(dns, [QUERY], [b"\xff\xff" + answer[2:], answer]).confirmed


def test_mdns_by_its_content(ask):
    match = ask(dns, [MDNS])
    assert (match.protocol, match.facts["rrname"], match.confirmed) == ("mdns", "printer.local", False)


@pytest.mark.parametrize(
    "damaged",
    [
        message(0x7900, (1, 0, 0, 0), QUESTION),
        message(0x0100, (1, 0x8000, 0, 0), QUESTION),
        message(0x0100, (1, 0, 0, 0), QUESTION[:-2]),
        message(0x0100, (1, 0, 0, 0), QUESTION[:-4] + b"\0\1\x7f\x01"),
        message(0x0100, (1, 0x8000, 0, 0x52), QUESTION.replace(b"example", b"ex\xecmple")),
        message(0x0000, (1, 0, 0, 0), b"\x41" + QUESTION[1:]),
        message(0x8180, (1, 1, 0, 0), b"\x83" + QUESTION[1:] + RECORD),
        message(0x8180, (0x6400, 1, 0, 0), b"\x03ww" + QUESTION[3:9] + b"\x7f" + QUESTION[9:] + RECORD),
    ],
)
def test_damage_is_survived_where_the_rest_can_be_nothing_else(ask, damaged):
    assert isinstance(ask(dns, [damaged]), Match)


def test_a_bare_header_refuses_only_what_was_asked(ask):
    refusal = message(0x8105, (0, 0, 0, 0), b"")
    assert ask(dns, [QUERY], [refusal]).confirmed
    assert not ask(dns, [QUERY], [b"\xff" + refusal[1:]]).confirmed
    assert ask(dns, [], [refusal]) is MORE


def test_over_tcp_the_whole_message_is_awaited(ask):
    assert ask(dns, framed(QUERY)[:-1]) is MORE
    assert ask(dns, framed(QUERY)[:-1] + b"\xff\xff") is not MORE


@pytest.mark.parametrize(
    "damaged",
    [
        message(0x0120, (1, 0, 0, 0x2587), b"\0" + QUESTION[1:]),
        message(0x8180, (1, 0, 0, 0), b"\xc0\x0c\0\1\0\1"),
        message(0x0000, (1, 0x59, 0xAAAA, 0xAAAA), b"\xaa" * 28),
    ],
)
def test_behind_a_damaged_message_its_repetition_counts(ask, damaged):
    assert ask(dns, [damaged]) is MORE
    assert isinstance(ask(dns, [damaged, QUERY]), Match)
    assert ask(dns, [damaged, NOISE]) is NO
    assert ask(dns, [damaged] * 3) is NO
    assert ask(dns, [damaged], [ANSWER]).facts["rrname"] == "www.example.org"


def test_a_long_answer_over_tcp_counts_before_it_is_all_there(ask):
    transfer = message(0x8180, (1, 3000, 0, 0), QUESTION + RECORD * 3000)
    assert ask(dns, b"", framed(transfer)[:4000]) is MORE
    assert isinstance(ask(dns, b"", framed(transfer)[:5000]), Match)
