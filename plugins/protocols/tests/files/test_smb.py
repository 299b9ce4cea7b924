"""SMB 1, 2 and 3 over direct TCP."""

from pywall_protocols.files import smb

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract


def session(data):
    return len(data).to_bytes(4, "big") + data


SMB1 = session(b"\xffSMBr\0\0\0\0\x18\x53\xc8" + bytes(22) + b"\2NT LM 0.12\0")
SMB2 = session(b"\xfeSMB\x40\0\1\0" + bytes(56) + b"\x24\0\5\0\1\0\0\0" + bytes(28))
DIALECT = session(b"\xfeSMB\x40\0\1\0" + bytes(8) + b"\1" + bytes(47) + b"\x41\0\3\0\x11\3\2\0" + bytes(60))

KEEP_ALIVE = b"\x85\0\0\0"

TestContract = detector_contract(
    smb,
    positives=[
        (SMB2, DIALECT),
        (SMB1, DIALECT),
        (SMB1, SMB1),
        (SMB2, b""),
        (KEEP_ALIVE * 2 + SMB1, KEEP_ALIVE + SMB1),
        (session(b"\xfdSMB" + bytes(60)), b""),
    ],
    negatives=[
        (bytes(64), bytes(64)),
        (session(b"\xffXMB" + bytes(60)), b""),
        (b"\0\2\0\0\xffSMB", b""),
        (b"\0\0\0\x10SMB", b""),
        (KEEP_ALIVE + bytes(8), b""),
    ],
)


def test_facts(ask):
    assert ask(smb, SMB2, DIALECT) == Match("smb", {"version": 2, "dialect": "3.11"})


def test_the_length_alone_waits(ask):
    assert ask(smb, b"\0\0\0\x45") is MORE


def test_what_is_sealed_on_both_sides_confirms_nothing(ask):
    sealed = session(b"\xfdSMB" + bytes(60))
    for sent, received in ((sealed, sealed), (SMB2, sealed), (sealed, DIALECT)):
        assert not ask(smb, sent, received).confirmed
