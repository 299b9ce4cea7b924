"""SNMP."""

from pywall_protocols.management import snmp

from pywall_core.testing import conversation, detector_contract

VALUES = bytes.fromhex("300e300c06082b060102010101000500")
PDU = bytes.fromhex("020101 020100 020100") + VALUES
GET = bytes([0xA0, len(PDU)]) + PDU
V2C = b"\x02\x01\x01\x04\x06public" + GET
REQUEST = bytes([0x30, len(V2C)]) + V2C
RESPONSE = REQUEST.replace(b"\xa0", b"\xa2")
LONG = b"\x30\x82\0" + bytes([len(V2C)]) + V2C
TRAP = bytes.fromhex("3027 020100 0406 7075626c6963 a41a 06042b060104 4004c0000201 020106 020101 430100 3003 020100")
V3 = bytes.fromhex("301c 020103 300d 020101 020205c0 040104 020103") + bytes.fromhex("0403 300104 3003 020100")

TestSnmp = detector_contract(
    snmp,
    [
        conversation("udp").client(REQUEST).server(RESPONSE),
        conversation("udp").client(LONG),
        conversation("udp").client(TRAP),
        conversation("udp").client(V3),
        conversation("udp").client(REQUEST.replace(b"\x02\x01\x01\x04", b"\x02\x01\x02\x04")),
        conversation("udp").client(REQUEST[:-1]),
        conversation("udp").client(REQUEST.replace(b"\xa0", b"\xaf")),
        conversation("udp").client(bytes.fromhex("3011 020100 0406 7075626c6963 0204 0000002a")),
    ],
    [
        conversation("udp").client(REQUEST[:-1].replace(b"\xa0", b"\xaf")),
        conversation("udp").client(REQUEST[:-1].replace(b"public", b"pub\xffic")),
        conversation("udp").client(bytes.fromhex("300c020101600702010304008000")),
    ],
)


def test_facts(ask):
    assert ask(snmp, [REQUEST], [RESPONSE]).facts == {"version": 2, "community": "public", "pdu_type": "get_request"}
    assert ask(snmp, [TRAP]).facts["pdu_type"] == "trap_v1"
    assert ask(snmp, [V3]).facts == {"version": 3}
