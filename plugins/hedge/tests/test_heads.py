"""A magic number counts only when the structure behind it holds."""

import bz2
import gzip
import io
import lzma
import random
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pywall_hedge import StreamClassifier, archives, classify, containers, films, heads, lz, pictures

from .conftest import make_mp3, make_png, make_text

MAGICS = [magic for module in (archives, pictures, containers, films) for magic in module.MAGIC]
LONGER = [  # as much of a real head as can be forged without decoding anything
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    b"BZh91AY&SY",
    b"\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46",
    b"\x28\xb5\x2f\xfd\x64",
    b"\x04\x22\x4d\x18\x64\x40\xa7",
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00",
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    b"GIF89a",
    b"PK\x03\x04\x14\x00\x00\x00\x08\x00",
    b"7z\xbc\xaf\x27\x1c\x00\x04",
    b"ID3\x04\x00\x00",
    b"\xff\xfb\x90\x64",
    b"OggS\x00\x02",
    b"fLaC\x00\x00\x00\x22",
    b"\x00\x00\x00\x18ftypisom",
    b"\x1a\x45\xdf\xa3",
    b"RIFF\x00\x00\x01\x00WEBPVP8 ",
    b"%PDF-1.5\n",
    b"\x78\x9c",
]


@pytest.mark.parametrize("size", [256, 1024, 4096, 100_000])
def test_real_heads_are_known(products, size):
    assert {
        name: heads.examine(data[:size]) for name, data in products.items() if size > 1000 or name != "mpeg-audio"
    } == {name: name for name in products if size > 1000 or name != "mpeg-audio"}


def test_short_heads_of_decodable_formats_are_known(products):
    for name in ("gzip", "zlib", "xz", "lzma", "zip", "png", "bzip2"):
        assert heads.examine(products[name][:64]) == name


@pytest.mark.parametrize("magic", [*MAGICS, *LONGER], ids=repr)
@pytest.mark.parametrize("size", [64, 512, 1460])
def test_a_magic_number_before_random_bytes_buys_nothing(magic, size):
    rng = random.Random(repr(magic))
    fooled = sum(heads.examine(magic + rng.randbytes(size)) is not None for _ in range(200))
    assert fooled <= (8 if size == 64 else 2)


@pytest.mark.parametrize("size", [256, 512, 1400])
def test_each_magic_before_encryption_is_encrypted_as_often_as_without(size):
    rng = random.Random(size)
    bodies = [rng.randbytes(size) for _ in range(60)]
    without = sum(classify(body).label == "encrypted" for body in bodies)
    for magic in {*LONGER, *MAGICS}:
        with_magic = sum(classify(magic + body).label == "encrypted" for body in bodies)
        assert with_magic >= without - 5, magic


@pytest.mark.parametrize("cut", [200, 3000])
def test_a_head_that_is_continued_by_something_else_is_given_up(products, cut):
    noise = random.Random(3).randbytes(60_000)
    for name in ("gzip", "zlib", "xz", "png", "zip"):
        if len(products[name]) > cut:
            assert heads.examine(products[name][:cut] + noise) is None, name


def small_files():
    text, out = make_text(600), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", text)
    return {
        "zip": out.getvalue(),
        "gzip": gzip.compress(text),
        "zlib": zlib.compress(text),
        "bzip2": bz2.compress(text),
        "xz": lzma.compress(text),
        "lzma": lzma.compress(text, lzma.FORMAT_ALONE),
        "png": make_png(40),
    }


@pytest.mark.parametrize("name", small_files())
def test_what_stands_behind_a_whole_file_must_fit_too(name):
    data, noise = small_files()[name], random.Random(5).randbytes(70_000)
    assert heads.examine(data) == name
    assert heads.examine(data + bytes(200)) == name
    assert heads.examine(data + data) == name
    assert heads.examine(data + noise) is None
    stream = StreamClassifier()
    for at in range(0, 66_000, 1448):
        stream.update((data + noise)[at : at + 1448])
    assert stream.result().label == "encrypted"


def test_gzip_members_follow_each_other():
    data = b"".join(gzip.compress(make_text(500 + 100 * n)) for n in range(100))
    assert heads.examine(data[:65_536]) == "gzip"


def test_zip_entries_with_sizes_behind_them():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    text, out = make_text(100_000), Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            archive.writestr(f"part{number}.txt", text[number * 20_000 :][:20_000])
    data = out.getvalue()
    assert {heads.examine(data[:size]) for size in range(200, len(data), 997)} == {"zip"}


def id3(cover):
    body = b"\0image/png\0\3\0" + cover
    frames = b"APIC" + struct.pack(">IH", len(body), 0) + body + bytes(300)
    return b"ID3\3\0\0" + bytes(len(frames) >> shift & 127 for shift in (21, 14, 7, 0)) + frames + make_mp3()


def test_a_cover_in_front_of_sound_must_be_a_picture():
    assert heads.examine(id3(make_png())) == "mp3"
    assert heads.examine(id3(make_png())[:2000]) == "mp3"
    assert heads.examine(id3(random.Random(1).randbytes(20_000))[:8000]) is None


def test_lines_of_text_may_introduce_a_file(products):
    assert heads.introduced(b"PUT file\r\nLength: 1000\r\n\r\n" + products["xz"][:2000]) == "xz"
    assert heads.introduced(products["xz"][:2000]) == "xz"
    assert heads.introduced(b"PUT file\n" + random.Random(1).randbytes(2000)) is None


@given(st.binary(max_size=300), st.sampled_from([b"", *MAGICS, *LONGER]))
@settings(max_examples=600, deadline=None)
def test_no_bytes_make_it_raise(data, magic):
    heads.examine(magic + data)


def test_truncated_and_mutated_heads_never_raise(products):
    rng = random.Random(9)
    for data in products.values():
        for size in range(120):
            heads.examine(data[:size])
        for _ in range(200):
            mutated = bytearray(data[:400])
            mutated[rng.randrange(60)] = rng.randrange(256)
            heads.examine(bytes(mutated))


def test_random_bytes_are_no_format():
    rng = random.Random(12)
    assert sum(heads.examine(rng.randbytes(size)) is not None for size in (32, 64, 256, 1460) for _ in range(2000)) <= 2


def test_lz4_and_snappy_by_structure_alone():
    sequence = bytes([0x44]) + b"abcd" + (4).to_bytes(2, "little")  # four literals, then eight bytes from four back
    assert lz.lz4_sequences(sequence * 5) == 5
    assert lz.lz4_sequences(bytes([0x44]) + b"abcd" + (9).to_bytes(2, "little")) is None
    element = (
        bytes([3 << 2]) + b"abcd" + bytes([(4 - 4) << 2 | 1, 4])
    )  # a literal of four, a copy of four from four back
    assert lz.snappy_tags(bytes([40]) + element * 5) == 5
    assert lz.snappy_tags(bytes([40, 3 << 2]) + b"abcd" + bytes([1, 9])) is None


def test_an_ogg_page_that_goes_on_beyond_the_bytes_seen():
    """The page's end is not there yet: neither is the next page's name."""

    def page(number, flags, body):
        lacing = bytes([255] * (len(body) // 255) + [len(body) % 255])
        return struct.pack("<4sBBQIIIB", b"OggS", 0, flags, 0, 1, number, 0, len(lacing)) + lacing + body

    first, second = page(0, 2, b"OpusHead\x01\x02" + bytes(9)), page(1, 0, bytes(range(256)) * 30)
    for seen in (600, 601, 3000, 7000):
        assert heads.examine((first + second)[:seen]) == "ogg"


def test_text_without_a_line_s_end_and_a_header_may_introduce_a_file(products):
    front = b"MATLAB 5.0 MAT-file, created by a program".ljust(116) + bytes(8) + b"\0\1IM\x0f\0\0\0\0\1\0\0"
    assert heads.introduced(front + zlib.compress(make_text(9000))) == "zlib"
    assert heads.introduced(front + random.Random(1).randbytes(3000)) is None


def test_jpeg_2000_keeps_markers_out_of_its_data():
    size = struct.pack(">HHHIIIIIIIIHBBB", 0xFF51, 41, 0, 64, 64, 0, 0, 64, 64, 0, 0, 1, 7, 1, 1)
    noise = random.Random(3).randbytes(6000)
    data = bytes(b & 0x7F if a == 0xFF else b for a, b in zip(b"\0" + noise, noise, strict=False))
    for body, name in ((data, "jpeg-2000"), (noise, None)):
        tile = struct.pack(">HHHIBB", 0xFF90, 10, 0, len(body) + 14, 0, 1) + b"\xff\x93" + body
        stream = b"\xff\x4f" + size + tile
        assert heads.examine(stream[:5000]) == name
        boxes = b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 \0\0\0\0jp2 \0\0\0\0jp2c"
        assert heads.examine((boxes + stream)[:5000]) == name


def test_the_picture_of_an_avif_file_is_units_of_av1():
    noise = random.Random(4).randbytes(9000)
    start = b"\0\0\0\x18ftypavif\0\0\0\0avifmif1\0\0\0\x10meta" + bytes(8)
    units = b"\x12\0\x0a\x04" + bytes(4) + b"\x32\xa8\x46" + noise
    for body, name in ((units, "mp4"), (noise, None)):
        assert heads.examine(start + struct.pack(">I", len(body) + 8) + b"mdat" + body) == name


def transport_packets(noise):
    return b"".join(b"\x47\x41\0\x10" + noise[at : at + 184] for at in range(0, len(noise) - 184, 184))


def adts_frames(noise):
    head = (0xFFF1_5080_0000_00 | 307 << 13 | 0x1FFC).to_bytes(7, "big")
    return b"".join(head + noise[at : at + 300] for at in range(0, len(noise) - 300, 300))


def flv_tags(noise):
    out = b"FLV\1\5\0\0\0\x09\0\0\0\0"
    for at in range(0, len(noise) - 1000, 1000):
        body = b"\x27\1\0\0\0" + noise[at : at + 1000]
        out += b"\x09" + len(body).to_bytes(3, "big") + bytes(7) + body + (len(body) + 11).to_bytes(4, "big")
    return out


@pytest.mark.parametrize("wrap", [transport_packets, adts_frames, flv_tags])
def test_media_of_noise_are_no_media(wrap):
    assert heads.examine(wrap(random.Random(8).randbytes(8000))) is None


def lz4_of(parts):
    frames = [b"\x04\x22\x4d\x18\x60\x40\x82" + struct.pack("<I", 1 << 31 | len(part)) + part for part in parts]
    return b"".join(frame + bytes(4) for frame in frames)


def zip_of(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number, part in enumerate(parts):
            archive.writestr(f"{number}.bin", part)
    return out.getvalue()


@pytest.mark.parametrize("wrap", [lz4_of, zip_of])
def test_what_is_stored_in_pieces_must_be_no_noise(wrap):
    """Pieces too small to tell are told together."""
    noise, text = random.Random(6).randbytes(4000), make_text(4000)
    pieces = [noise[at : at + 150] for at in range(0, 4000, 150)]
    assert heads.examine(wrap(pieces[:1])) is not None
    assert heads.examine(wrap(pieces)) is None
    assert heads.hidden()[:150] == pieces[0]
    assert heads.examine(wrap([text[at : at + 150] for at in range(0, 4000, 150)])) is not None
    assert heads.examine(wrap([make_png(20)] * 20)) is not None


def test_films_may_follow_each_other_behind_a_header_each():
    noise = random.Random(3).randbytes(3024)
    one = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x10moov" + bytes(8) + b"\0\0\4\x08mdat" + noise[:1024]
    assert heads.examine(one + b"PIC\0\1" + one) == "mp4"
    assert heads.examine(one + b"PIC\0\1" + noise[1024:]) is None


def test_media_without_a_word_on_it_is_one_box_or_two():
    start = b"\0\0\0\x14ftypisom\0\0\2\0isom"
    media = b"\0\0\1\0mdat" + bytes(range(248))
    assert heads.examine(start + 2 * media) == "mp4"
    assert heads.examine(start + 3 * media) is None
    assert heads.examine(start + 5 * (b"\0\0\0\x18moof\0\0\0\x10mfhd\0\0\0\0\0\0\0\1" + media)) == "mp4"


@pytest.mark.parametrize("width", [16, 5, 300])
def test_the_filters_of_a_png_s_rows_gain_nothing(width):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rng = random.Random(width)
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, 400, 8, 0, 0, 0, 0))
    for row, name in ((lambda: rng.randbytes(width), None), (lambda: b"AB" * width, "png")):
        rows = b"".join(b"\0" + row()[:width] for _ in range(400))
        assert heads.examine(head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")) == name
