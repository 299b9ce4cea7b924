"""DLMS: HDLC frames with their checksums."""

from pywall_protocols.industrial import dlms

from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

#: SNRM with the public client's address, as the Green Book's examples have it
SNRM = bytes.fromhex("7ea0070321930f017e")
UA = b"\x7e\xa0\x07\x21\x03\x73\xb7\x32\x7e"

TestDlms = detector_contract(
    dlms,
    [(SNRM, b""), conversation().client(SNRM)],
    [(SNRM[:-3] + b"\0\0\x7e", b""), (b"~ is home", b""), (b"\x7e\xa0" + NOISE, NOISE)],
    transport="tcp",
)


def test_both_sides_confirm(ask):
    assert ask(dlms, SNRM, SNRM).confirmed
    assert not ask(dlms, SNRM, NOISE).confirmed
