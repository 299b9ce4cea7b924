"""Video in RTP: taken where packets, units and slices agree; noise behind RTP's header is noise."""

import random
import struct

import pytest
from pywall_hedge.following import Follower
from pywall_hedge.rtp_video import video_in_rtp

SPS, PPS = bytes.fromhex("67640015acd941e08feb011000000300100000030320f162d960"), bytes.fromhex("68efbcb0")
HEVC_SPS = bytes.fromhex("42010101600000030090000003000003005da0028080241f2594924632")
NOISE = random.Random(7)


def noise(size):
    """Bytes as arithmetic coding leaves them: random, without a start code."""
    data = bytearray(NOISE.randbytes(size))
    for at in range(2, size):
        if data[at - 2 : at] == b"\0\0" and data[at] < 3:
            data[at] = 3
    return bytes(data)


def rtp(number, time, payload, marker=False, kind=96):
    return struct.pack(">BBHII", 0x80, kind | marker << 7, number & 0xFFFF, time, 0x55A18E7D) + payload


def avc_fragments(unit, size):
    head, body = unit[0], unit[1:]
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    for at, part in enumerate(parts):
        mark = head & 31 | (at == 0) << 7 | (at == len(parts) - 1) << 6
        yield bytes([head & 0xE0 | 28, mark]) + part


def hevc_fragments(unit, size):
    kind, body = unit[0] >> 1 & 63, unit[2:]
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    for at, part in enumerate(parts):
        mark = kind | (at == 0) << 7 | (at == len(parts) - 1) << 6
        yield bytes([unit[0] & 0x81 | 49 << 1, unit[1], mark]) + part


def several(head, *units):
    return head + b"".join(struct.pack(">H", len(unit)) + unit for unit in units)


def avc(frames=5, *, sets=True, number=65530):
    """Packets of a stream: parameter sets, a picture of its own, then pictures that refer to it, one in one packet."""
    packets = [rtp(number, 9000, several(b"\x18", SPS, PPS, b"\x06" + b"x264 - core" * 50))] if sets else []
    for frame in range(frames):
        unit = (b"\x65\x88\x84" if frame == 0 else b"\x41\x9a\x24") + noise(4000 if frame == 0 else 2500)
        payloads = list(avc_fragments(unit, 1400)) if frame != 2 else [b"\x01\x9e\x61" + noise(700)]
        for at, payload in enumerate(payloads):
            packets.append(rtp(number + len(packets), 9000 + 3600 * frame, payload, at == len(payloads) - 1))
    return packets


def hevc():
    packets = [rtp(1, 5, several(b"\x60\x01", b"\x40\x01\x0c\x01\xff\xff", HEVC_SPS, b"\x44\x01\xc1\x72"))]
    for frame in range(4):
        unit = (b"\x26\x01\xaf" if frame == 0 else b"\x02\x01\xd0") + noise(3000)
        packets += [rtp(1 + len(packets) + at, 5 + frame, part) for at, part in enumerate(hevc_fragments(unit, 1200))]
    return [rtp(number, struct.unpack_from(">I", packet, 4)[0], packet[12:]) for number, packet in enumerate(packets)]


@pytest.mark.parametrize(
    "packets", [avc(), avc(sets=False), avc()[3:], hevc()], ids=["avc", "slices", "within", "hevc"]
)
def test_video_is_taken_from_its_beginning_and_from_within(packets):
    assert video_in_rtp(packets)
    for end in range(6, len(packets)):
        assert video_in_rtp(packets[:end])
    assert video_in_rtp([*packets[:-1], packets[-1][:-5]], cut=True)


def test_parameter_sets_alone_are_enough():
    assert video_in_rtp(avc()[:1])
    assert video_in_rtp([rtp(1, 1, SPS), rtp(2, 1, PPS)])


def changed(packets, at, **fields):
    packet = bytearray(packets[at])
    for place, value in fields.items():
        packet[int(place[1:])] ^= value
    return [*packets[:at], bytes(packet), *packets[at + 1 :]]


@pytest.mark.parametrize(
    ("at", "fields"),
    [
        (0, {"_0": 0x40}),  # another version
        (2, {"_8": 1}),  # another source
        (2, {"_3": 1}),  # its number counts not on
        (2, {"_1": 1}),  # another payload type
        (1, {"_1": 0x40}),  # a type with a fixed meaning
        (2, {"_7": 1}),  # another time within a unit
        (2, {"_13": 0x80}),  # a unit begins within one
        (2, {"_13": 2}),  # a part of a unit of another type
        (1, {"_12": 0x80}),  # the forbidden bit
        (1, {"_14": 0x80}),  # a picture that does not begin at its first macroblock
    ],
)
def test_what_contradicts_itself_is_none(at, fields):
    packets = avc()
    assert video_in_rtp(packets)
    assert not video_in_rtp(changed(packets, at, **fields))


def test_noise_behind_rtps_header_is_none():
    for _ in range(300):
        assert not video_in_rtp([rtp(number, 160 * number, noise(172)) for number in range(8)])
        assert not video_in_rtp([rtp(number, 160 * number, b"\x7c\x05" + noise(1400)) for number in range(3)])


def test_noise_that_is_packed_as_a_unit_must_begin_as_a_slice():
    taken = 0
    for _ in range(500):
        packets = []
        for frame in range(8):
            for payload in avc_fragments(b"\x65" + noise(2500), 1400):
                packets.append(rtp(len(packets), frame, payload))
        taken += video_in_rtp(packets)
    assert taken <= 2


def test_a_start_code_within_a_unit_is_none():
    packets = avc()
    packets[2] = packets[2][:300] + b"\0\0\1" + packets[2][303:]
    assert not video_in_rtp(packets)


@pytest.mark.parametrize("packets", [[], [b""], [b"\x80" * 14], [rtp(1, 1, b"")], [rtp(1, 1, b"\x7c\x85")]])
def test_nothing_and_little_is_none(packets):
    assert not video_in_rtp(packets)


def test_any_bytes_are_answered():
    for _ in range(3000):
        kind = NOISE.choice([24, 28, 48 << 1, 49 << 1, 7, 5])
        payload = bytes([kind]) + NOISE.randbytes(NOISE.randrange(2, 60))
        assert video_in_rtp([rtp(1, 1, payload)]) in (True, False)


def test_it_is_followed_as_a_structure():
    follower = Follower()
    for packet in avc(frames=20):
        follower.add(packet)
        if follower.due:
            assert not follower.look()
    assert follower.name == "rtp"
    follower.add(noise(30_000))
    assert follower.look()
    assert follower.name is None


def test_a_picture_met_within_is_taken_and_noise_behind_its_header_is_not():
    """One packet may be it until the second: it must be a fragment of the same unit at the same time."""
    unit = b"\x65\x88\x84" + noise(12000)
    fragments = [rtp(5 + at, 9000, part) for at, part in enumerate(avc_fragments(unit, 1186))][3:]
    for end in range(1, len(fragments)):
        assert video_in_rtp(fragments[:end])
    assert not video_in_rtp([fragments[0], rtp(9, 9000, b"\x7c\x01" + noise(1000))])
    assert not video_in_rtp([fragments[0], rtp(9, 9001, fragments[1][12:])])
    assert not video_in_rtp([rtp(7, 1, b"\x3b\x05" + noise(1000))])
