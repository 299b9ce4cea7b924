"""Openings that a few bytes, a length and what the answer repeats tell."""

from binascii import crc32, crc_hqx

import pytest
from pywall_protocols.misc import openings
from pywall_protocols.misc._openings import DATAGRAMS, TCP

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract, udp_packet

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12
#: those of which a check sees more than fixed bytes
RAFT = b"\1" + bytes(7) + b"\1" + bytes(7) + b"\x10" + bytes(7) + b"127.0.0.1:9001\0\0"
SBUS = b"\0\0\0\x0f\0\0" + bytes(7)
TRDP = b"\0\0\0\1\1\0Pd" + bytes(28)
OLSR = b"\0\x14\0\1" + b"\1\x86\0\x10\xc0\0\2\1\1\0\0\1" + bytes(4)
UFTP = bytearray(b"\x40\3" + NOISE[:13] + b"\0\3" + NOISE[:20])
FLUTE = (
    b"\x10\0\x08\0" + bytes(28) + b"\0\0\0\0" + b'<?xml version="1.0" encoding="UTF-8"?>\n<FDT-Instance>' + bytes(80)
)
GLBP = b"\1\0\0\1\0\0\0\7\xb4\0\1\1" + b"\1\x1c" + bytes(26)
PING = NOISE[:97] + b"\1" + b"\xc9\x84\x01\x02\x03\x04\x84\5\6\7\x08"[:2] + bytes(8)
BMP = bytes.fromhex("030000002a 04 00010006 372e342e3120 00020016") + b"router-of-the-recording"[:22]
CHECKED = {
    "bmp": BMP,
    "mndp": bytes.fromhex("0000a91d000100064c5e0cea038800050005344d4e4154000800084d696b726f54696b"),
    "bsap": bytes.fromhex("0e0001000600834b0000744b00000500 0c834b"),
    "cups": b"480b05e 3 ipp://192.0.2.10:631/printers/Brother",
    "hasp": b"HT9GUMQDAABKRUJfSUZJWF81NV9WTTEAaXRBbWUA",
    "raft": RAFT,
    "ethersbus": SBUS + crc_hqx(SBUS, 0).to_bytes(2, "big"),
    "trdp": TRDP + crc32(TRDP).to_bytes(4, "little"),
    "olsr": OLSR,
    "uftp": bytes(UFTP),
    "flute": FLUTE,
    "mpegts": (b"\x47" + NOISE[:187]) * 7,
    "glbp": GLBP,
    "ethereum": NOISE[:96] + b"\0\1" + b"\xc9" + bytes(9),
    "mqtt-sn": b"\x0a\4\4\1\0\x3cnode",
    "statsd": b"api.requests:1|c|@0.1\napi.time:320|ms|#host:a",
}


LONG_TRDP = b"\0\0\0\1\1\0Mr" + bytes(104)
CHECKED_TCP = {
    "trdp": LONG_TRDP + crc32(LONG_TRDP).to_bytes(4, "little"),
    "tes-online": b"\0\0\0\x40\0\1\0\1\0\0\0\x38" + NOISE[:56],
}
CHECKED_UDP = {
    "gre": b"\0\0\x08\0" + udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"inner"),
    "gaijinentertainment": b"app.start,env=production,circuit=production,application=client,version=2",
}


def opening_bytes(each, *, answer=False):
    """Return the bytes that a table entry describes for a side, with noise elsewhere."""
    checked = CHECKED | (CHECKED_TCP if each in TCP else CHECKED_UDP if each.check else {})
    if not answer and each.name in checked:
        return checked[each.name]
    parts = each.server if answer else each.client
    size = max([each.needs(), *(at + len(value) for at, value in parts)])
    size = max(size, each.length.least if each.length else 0)
    data = bytearray(NOISE[: min(size, each.most)])
    if each.length is not None:
        data[each.length.at : each.length.at + each.length.width] = (size - each.length.extra).to_bytes(
            each.length.width, "big"
        )
    for at, value in parts:
        data[at : at + len(value)] = value
    if answer:
        begin, end = each.echo
        data[begin:end] = opening_bytes(each)[begin:end]
    return bytes(data)


def id_of(each):
    return each.name


SURE = [each for each in TCP if not each.needs_answer]
TestOverTcp = detector_contract(
    openings,
    [
        *(conversation().client(opening_bytes(each)) for each in SURE),
        *(
            conversation().client(opening_bytes(each)).server(opening_bytes(each, answer=True))
            for each in TCP
            if each.server is not None
        ),
    ],
    [
        conversation().client(b"VERY nice MSNP"),
        conversation().client(b"fox b 1 -1"),
        conversation().client(NOISE[:200]).server(NOISE[:200]),
        conversation().client(b"HIDDEN").server(b"GOODBYE"),
    ],
)
TestOverUdp = detector_contract(
    openings,
    [
        *(conversation("udp").client(opening_bytes(each)) for each in DATAGRAMS if not each.needs_answer),
        *(
            conversation("udp").client(opening_bytes(each)).server(opening_bytes(each, answer=True))
            for each in DATAGRAMS
            if each.server and each.name not in ("olsr", "ethereum")
        ),
    ],
    [
        conversation("udp").client(CHECKED["ethersbus"][:-1] + b"\0"),
        conversation("udp").client(CHECKED["trdp"][:-1] + b"\0"),
        conversation("udp").client(OLSR + b"\0"),
        conversation("udp").client(b"\x47" + NOISE[:375]),
        conversation("udp").client(b"a:b|c"),
        conversation("udp").client(CHECKED["mndp"] + b"\0"),
        conversation("udp").client(CHECKED["mqtt-sn"]).server(b"\3\4\0"),
        conversation("udp").client(NOISE[:120]),
        conversation("udp").client(b"\x80\0" + NOISE[:14] + b"\xff" * 32 + NOISE),  # silence in RTP
        conversation("udp").client(b"\x80\0" + NOISE[:11] + b"\xff" * 15 + NOISE),
    ],
    transport="udp",
)


@pytest.mark.parametrize("each", TCP, ids=id_of)
def test_streams(ask, each):
    sent = opening_bytes(each)
    if each.server is None:
        assert ask(openings, sent).protocol == each.name
        assert not ask(openings, sent, NOISE).confirmed
        return
    match = ask(openings, sent, opening_bytes(each, answer=True))
    assert (match.protocol, match.confirmed) == (each.name, each.proof)
    other = ask(openings, sent + NOISE[: 0 if each.length else 32], NOISE)  # so long that no other opening may come
    assert other is NO if each.needs_answer else not other.confirmed


@pytest.mark.parametrize("each", DATAGRAMS, ids=id_of)
def test_datagrams(ask, each):
    sent = opening_bytes(each)
    if each.needs_answer:
        assert ask(openings, [sent]) is MORE
    else:
        assert ask(openings, [sent]).protocol == each.name
        assert not ask(openings, [sent]).confirmed


def test_an_answer_repeats_what_was_asked(ask):
    dicom = next(each for each in TCP if each.name == "dicom")
    answer = bytearray(opening_bytes(dicom, answer=True))
    answer[20] ^= 1
    assert not ask(openings, opening_bytes(dicom), bytes(answer)).confirmed


#: first messages of both sides as others have recorded them, and whether they prove the name
RECORDED = [
    ("rpcap", "00080000000000080000000000000000", "0088000000000000", True),
    ("bmp", BMP.hex(), "", False),
    ("bmp", "040000003b0203800000000000000000000000000000000000000000000000000000006402020202", "", False),
    ("gsm-ipa", "0001fe00", "0001fe01", True),
    ("oscar", "2a01000101350000000100060100c02f614c19c4a8a0" + "00" * 289, "2a01198a000400000001", True),
    ("tencentgames", "3366000b000b100100000000010000004c00000000", "3366000b000b1002010000000100000030000000", True),
    ("msmms", "01000000cefa0bb0580000004d4d53200b00000000000000", "0100004acefa0bb0800000004d4d532010000000", True),
    ("msnp", b"PNG\r\n".hex(), b"QNG 48\r\n".hex(), True),
    ("codemeter", "73616d63e10200004000010000000000a0fc08f0", "73616d63200000004100010000000000 27a89ace", True),
    ("cisco-mdt", "0001000200010000000001bc7b226e6f64655f69", "", False),
]
RECORDED_DATAGRAMS = [
    (
        "roblox",
        "7b00ffff00fefefefefdfdfdfd1234567805" + "00" * 40,
        "7e00ffff00fefefefefdfdfdfd1234567898d5573af066c4",
        True,
    ),
    ("mndp", CHECKED["mndp"].hex(), "", False),
    ("bsap", "0e0001000600834b0000744b00000500 0c834b", "0e0002000500754b0000844b000005000c834b 000000", True),
    ("bsap", "0e000000000000000000754b0000", "0e0001000600834b0000744b00000500 0c834b", True),
    ("udp-notif", "210c0010010303f7000000007b222222", "", False),
    ("zep", "455802010bfffe00ef00000000000000000000074b00000000000000000000050200adec08", "", False),
    ("cups", CHECKED["cups"].hex(), "", False),
    ("hasp", CHECKED["hasp"].hex(), "", False),
]


@pytest.mark.parametrize(("name", "client", "server", "proved"), RECORDED)
def test_recorded_streams(ask, name, client, server, proved):
    match = ask(openings, bytes.fromhex(client), bytes.fromhex(server))
    assert (match.protocol, match.confirmed) == (name, proved)


@pytest.mark.parametrize(("name", "client", "server", "proved"), RECORDED_DATAGRAMS)
def test_recorded_datagrams(ask, name, client, server, proved):
    match = ask(openings, [bytes.fromhex(client)], [bytes.fromhex(server)] if server else [])
    assert (match.protocol, match.confirmed) == (name, proved)


def test_text_of_forty_characters_is_no_license_search(ask):
    hashed, capitals, not_ended = b"0123456789abcdef" * 2 + b"01234567", b"H" * 39 + b"A", CHECKED["hasp"][:-1] + b"B"
    for data in (hashed, capitals, not_ended):
        assert ask(openings, [data]) is NO


def test_names_that_nobody_has_recorded_are_listed():
    assert {"drda", "tacacs", "spice"} <= set(openings.unseen)
    assert not {"dicom", "fox", "atg", "raft"} & set(openings.unseen)
