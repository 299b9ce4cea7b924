"""pcap and pcapng as other programs write them, and as nobody should."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from struct import pack
from threading import Thread

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.sources.pcap import CaptureError, Record, read
from pywall_core.testing import conversation, udp_packet, write_pcap

IP = udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"hello")
ETHERNET = bytes(12) + b"\x08\x00" + IP


def read_all(path: Path) -> tuple[list[Record], str | None]:
    """What could be read, and the error's text."""
    records: list[Record] = []
    try:
        for record in read(path):
            records.append(record)
    except CaptureError as error:
        return records, str(error)
    return records, None


def pcap(order: str, magic: int, *, linktype: int = 101, records: tuple[tuple[int, int], ...] = ((10, 5),)) -> bytes:
    data = pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, linktype)
    for seconds, fraction in records:
        data += pack(order + "IIII", seconds, fraction, len(IP), len(IP)) + IP
    return data


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return pack(order + "II", kind, 12 + len(body)) + body + pack(order + "I", 12 + len(body))


def section(order: str) -> bytes:
    return block(order, 0x0A0D0D0A, pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order: str, linktype: int, options: bytes = b"", snaplen: int = 0) -> bytes:
    return block(order, 1, pack(order + "HHI", linktype, 0, snaplen) + options)


def option(order: str, code: int, value: bytes) -> bytes:
    return pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def enhanced(order: str, number: int, stamp: int, data: bytes) -> bytes:
    head = pack(order + "IIIII", number, stamp >> 32, stamp & 0xFFFFFFFF, len(data), len(data))
    return block(order, 6, head + data)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "unit"), [(0xA1B2C3D4, 1e-6), (0xA1B23C4D, 1e-9)])
def test_pcap_byte_orders_and_units(tmp_path: Path, order: str, magic: int, unit: float) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(order, magic, records=((10, 5), (4_000_000_000, 999_999))))
    records, error = read_all(path)
    assert error is None
    assert [(number, ip, why) for number, _, ip, why in records] == [(1, IP, ""), (2, IP, "")]
    assert [time for _, time, _, _ in records] == pytest.approx([10 + 5 * unit, 4e9 + 999_999 * unit], rel=1e-15)


def test_reserved_bits_of_the_link_type_are_masked(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap("<", 0xA1B2C3D4, linktype=0xF4000000 | 0x00010000 | 101))
    assert read_all(path) == ([(1, pytest.approx(10.000005), IP, "")], None)


def test_an_unknown_link_type_is_a_reason_and_no_error(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap("<", 0xA1B2C3D4, linktype=777))
    assert read_all(path) == ([(1, pytest.approx(10.000005), None, "link type 777")], None)


@given(st.lists(st.tuples(st.integers(0, 2**31), st.integers(0, 999_999), st.binary(max_size=80)), max_size=6))
def test_what_dpkt_writes_we_read(packets: list[tuple[int, int, bytes]]) -> None:
    out = io.BytesIO()
    writer = dpkt.pcap.Writer(out, linktype=101)
    for seconds, micro, data in packets:
        writer.writepkt_time(data, seconds + micro / 1e6)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.pcap")
        path.write_bytes(out.getvalue())
        records, error = read_all(path)
    assert error is None
    assert [ip or b"" for _, _, ip, _ in records] == [data for _, _, data in packets]
    for (_, time, _, _), (seconds, micro, _) in zip(records, packets, strict=True):
        assert time == pytest.approx(seconds + micro / 1e6, abs=2e-6)


def behind_each_other() -> list[bytes]:
    """Return captures of other byte orders, clocks and sizes, and one of no packet."""
    return [
        pcap("<", 0xA1B2C3D4, records=((10, 5), (11, 5))),
        pcap("<", 0xA1B2C3D4, records=()),
        pcap(">", 0xA1B23C4D, records=((12, 5000),)),
        pcap("<", 0xA1B2C3D4, linktype=777, records=((13, 5),)),
        pcap(">", 0xA1B2C3D4, records=((14, 5),)),
    ]


def test_files_one_behind_the_other_are_one_capture(tmp_path: Path) -> None:
    path = tmp_path / "cat.pcap"
    path.write_bytes(b"".join(behind_each_other()))
    records, error = read_all(path)
    assert error is None
    assert [(number, time, ip, why) for number, time, ip, why in records] == [
        (1, pytest.approx(10.000005), IP, ""),
        (2, pytest.approx(11.000005), IP, ""),
        (3, pytest.approx(12.000005), IP, ""),
        (4, pytest.approx(13.000005), None, "link type 777"),
        (5, pytest.approx(14.000005), IP, ""),
    ]


def test_files_one_behind_the_other_cut_anywhere_give_what_is_there(tmp_path: Path) -> None:
    whole = b"".join(behind_each_other())
    path = tmp_path / "cat.pcap"
    path.write_bytes(whole)
    expected, _ = read_all(path)
    for end in range(24, len(whole)):
        path.write_bytes(whole[:end])
        records, error = read_all(path)
        assert records == expected[: len(records)]
        assert error is None or "cut off" in error


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_interfaces_sections_and_clocks(tmp_path: Path, order: str) -> None:
    nano = option(order, 9, b"\x09") + option(order, 2, b"eth0") + pack(order + "HH", 0, 0)
    binary = option(order, 9, bytes([0x80 | 10])) + option(order, 14, pack(order + "q", 100))
    other = "<" if order == ">" else ">"
    path = tmp_path / "a.pcapng"
    path.write_bytes(
        section(order)
        + interface(order, 101)
        + interface(order, 1, nano)
        + interface(order, 101, binary)
        + enhanced(order, 0, 7_000_001, IP)
        + block(order, 5, bytes(12))
        + enhanced(order, 1, 8_000_000_001, ETHERNET)
        + enhanced(order, 2, 1536, IP)
        + block(order, 3, pack(order + "I", len(IP)) + IP)
        + block(order, 2, pack(order + "HHIIII", 0, 0, 0, 9_000_000, len(IP), len(IP)) + IP)
        + enhanced(order, 3, 0, IP)
        + section(other)
        + interface(other, 1)
        + enhanced(other, 0, 10_000_000, ETHERNET)
    )
    records, error = read_all(path)
    assert error is None
    assert [(number, ip, why) for number, _, ip, why in records] == [
        *((number, IP, "") for number in range(1, 6)),
        (6, None, "undescribed interface"),
        (7, IP, ""),
    ]
    times = [7.000001, 8.000000001, 101.5, 101.5, 9.0, 9.0, 10.0]
    assert [time for _, time, _, _ in records] == pytest.approx(times, abs=1e-9)


def test_simple_packets_are_cut_at_the_snapshot_length(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    simple = block("<", 3, pack("<I", 1500) + IP[:20])
    path.write_bytes(section("<") + interface("<", 101, snaplen=20) + simple)
    assert read_all(path) == ([(1, 0.0, IP[:20], "")], None)


@pytest.mark.parametrize(
    ("whole", "edges"),
    [
        (pcap("<", 0xA1B2C3D4, records=((1, 0), (2, 0), (3, 0))), lambda n: n >= 24 and (n - 24) % (16 + len(IP)) == 0),
        (section(">") + interface(">", 101) + enhanced(">", 0, 1, IP) + enhanced(">", 0, 2, IP), None),
    ],
    ids=["pcap", "pcapng"],
)
def test_a_file_cut_anywhere_gives_what_is_there_and_one_line(
    tmp_path: Path, whole: bytes, edges: Callable[[int], bool] | None
) -> None:
    path = tmp_path / "cut"
    path.write_bytes(whole)
    everything, error = read_all(path)
    assert error is None
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        records, error = read_all(path)
        assert records == everything[: len(records)]
        if edges is not None:
            assert (error is None) == edges(size)
        if error is not None:
            assert error.startswith(f"{path}: ")
            assert "\n" not in error
        else:
            assert len(records) >= 0


@given(st.integers(0, 1), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), min_size=1, max_size=6))
def test_damage_never_raises_anything_else(kind: int, changes: list[tuple[int, int]]) -> None:
    data = bytearray(
        (pcap("<", 0xA1B2C3D4, records=((1, 0),) * 3),
         section("<") + interface("<", 1, option("<", 9, b"\x06")) + enhanced("<", 0, 1, ETHERNET) * 2)[kind]
    )  # fmt: skip
    for at, value in changes:
        data[at % len(data)] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x")
        path.write_bytes(data)
        records, _ = read_all(path)
    assert len(records) <= 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"GIF89a and more", "neither a pcap nor a pcapng file"),
        (b"\xd4\xc3\xb2\xa1", "cut off in the file header"),
        (pack("<IHHiIII", 0xA1B2C3D4, 9, 4, 0, 0, 65535, 1), "version 9.4"),
        (pcap("<", 0xA1B2C3D4)[:24] + pack("<IIII", 0, 0, 1 << 30, 1 << 30), "claims 1073741824 bytes"),
        (section("<") + pack("<II", 6, 7), "a block of 7 bytes"),
        (section("<") + pack("<II", 6, 1 << 31), "a block of 2147483648 bytes"),
        (section("<")[:-4] + bytes(4), "ends as one of 0"),
    ],
)
def test_what_is_no_capture_is_said_in_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    records, error = read_all(path)
    assert records == []
    assert error is not None
    assert says in error


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    assert read_all(tmp_path / "none") == ([], f"{tmp_path}/none: No such file or directory")
    assert read_all(tmp_path)[1] == f"{tmp_path}: Is a directory"


def test_a_pipe_is_read_as_it_comes(tmp_path: Path) -> None:
    source, target = tmp_path / "a.pcap", tmp_path / "pipe"
    conversation().client(b"x").pcap(source)
    os.mkfifo(target)
    writing = Thread(target=lambda: target.write_bytes(source.read_bytes()))
    writing.start()
    assert [ip for _, _, ip, _ in read(target)] == [ip for _, ip in conversation().client(b"x").frames()]
    writing.join()


def test_our_own_writer_agrees_with_dpkt(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    write_pcap(path, [(1.5, IP), (2.25, IP)])
    with path.open("rb") as file:
        assert list(dpkt.pcap.Reader(file)) == [(1.5, IP), (2.25, IP)]
