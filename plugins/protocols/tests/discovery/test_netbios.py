"""NetBIOS."""

from pywall_protocols.discovery import netbios

from pywall_core.testing import conversation, detector_contract


def encoded(name, kind=0x20):
    data = name.ljust(15).encode() + bytes([kind])
    return b"\x20" + bytes(65 + half for byte in data for half in (byte >> 4, byte & 15)) + b"\0"


QUERY = bytes.fromhex("84e70110 0001 0000 0000 0000") + encoded("FILESERVER") + b"\0\x20\0\1"
STATUS = bytes.fromhex("80f00010 0001 0000 0000 0000") + b"\x20CK" + b"A" * 30 + b"\0\0\x21\0\1"
ANSWER = (
    bytes.fromhex("84e78500 0000 0001 0000 0000")
    + encoded("FILESERVER")
    + bytes.fromhex("00200001000493e000060000c0000201")
)
REFUSAL = bytes.fromhex("84e78583 0000 0000 0000 0000") + encoded("FILESERVER") + b"\0\x0a\0\1" + bytes(6)
DATAGRAM = (
    bytes.fromhex("110e84ec c0000201 008a 00bb 0000")
    + encoded("CLIENT")
    + encoded("WORKGROUP", 0x1D)
    + b"\xffSMB"
    + bytes(60)
)
REQUEST = b"\x81\0\0\x44" + encoded("*SMBSERVER") + encoded("CLIENT", 0)
DNS = bytes.fromhex("84e70100 0001 0000 0000 0000") + b"\x20" + b"q" * 32 + b"\0\0\1\0\1"

TestNetbiosOverUdp = detector_contract(
    netbios,
    [
        conversation("udp").client(QUERY).server(ANSWER),
        conversation("udp").client(STATUS),
        conversation("udp").client(QUERY).server(REFUSAL),
        conversation("udp").client(ANSWER),
        conversation("udp").client(DATAGRAM),
        conversation("udp").client(QUERY[:20] + b"\xf5" + QUERY[21:30] + b"!" + QUERY[31:]),
        conversation("udp").client(QUERY[:12] + b"!" + QUERY[13:45] + b"5" + QUERY[46:]),
        conversation("udp").client(QUERY[:29] + b"\xaa" * 21),
        conversation("udp").client(DATAGRAM[:20] + b"\xb6" + DATAGRAM[21:]),
        conversation("udp").client(DATAGRAM[:14] + b"\xaa" * (14 + 0xBB - 14)),
    ],
    [
        conversation("udp").client(DATAGRAM[:14] + b"\xaa" * 100),
        conversation("udp").client(b"\0\3\0\1" + b"A" * 512),
        conversation("udp").client(QUERY[:13] + b"CONFIDENTIALREPORTOFTHEYEAR02026" + QUERY[45:]),
        conversation("udp").client(DNS),
        conversation("udp").client(b"\0\3\1\0\0\1" + bytes(6) + b"\x3f" + b"A" * 63 + b"\3com\0\0\1\0\1"),
        conversation("udp").client(DATAGRAM[:40]),
    ],
)
TestNetbiosOverTcp = detector_contract(
    netbios,
    [
        conversation().client(REQUEST).server(b"\x82\0\0\0"),
        conversation().client(REQUEST).server(b"\x83\0\0\1\x82"),
        conversation().client(REQUEST + b"\0\0\0\x55\xffSMB"),
    ],
    [
        conversation().client(b"\0\0\0\x55\xffSMB" + bytes(40)),
        conversation().client(b"\x81\0\0\x44" + b"\x20" + b"a" * 32 + bytes(40)),
        conversation().server(b"\x83\0\0\1\x01"),
    ],
)


def test_facts(ask):
    assert ask(netbios, [QUERY]).facts == {"service": "ns", "name": "FILESERVER"}
    assert ask(netbios, [DATAGRAM]).facts == {"service": "dgm", "name": "CLIENT"}
    assert ask(netbios, REQUEST).facts == {"service": "ssn", "name": "*SMBSERVER"}


def test_what_an_open_session_carries_begins_anew(ask):
    match = ask(netbios, REQUEST + b"\0\0\0\x55\xffSMB", b"\x82\0\0\0\0\0\0\x55\xffSMB")
    assert match.restart == (len(REQUEST), 4)
    assert ask(netbios, REQUEST, b"\x83\0\0\1\x82").restart is None


def test_reserved_flags_of_a_datagram_with_a_name(ask):
    assert ask(netbios, [DATAGRAM[:1] + b"\x1a" + DATAGRAM[2:]]).facts == {"service": "dgm", "name": "CLIENT"}
