"""Captures as people have them: compressed, cut off, on standard input."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
import zstandard

from pywall_core.sources.pcap import CaptureError, Record, read

DATA = Path(__file__).parents[1] / "data" / "mixed.pcap"
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
}


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_compression_is_undone_whatever_the_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "capture"
    path.write_bytes(COMPRESSORS[kind](DATA.read_bytes()))
    assert list(read(path)) == list(read(DATA))


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_a_cut_off_compressed_capture_gives_what_is_there(tmp_path: Path, kind: str) -> None:
    """Half of the file: some packets or none, then one line with the path."""
    path = tmp_path / "capture"
    data = COMPRESSORS[kind](DATA.read_bytes())
    path.write_bytes(data[: len(data) // 2])
    found: list[Record] = []
    with pytest.raises(CaptureError, match=f"^{path}: compressed data damaged or cut off: "):
        found.extend(read(path))
    assert found == list(read(DATA))[: len(found)]


def test_frames_of_zstd_one_after_the_other(tmp_path: Path) -> None:
    """As `zstd` leaves them when files are joined; each with the beginning or the end of one in the same read."""
    data, path = DATA.read_bytes(), tmp_path / "capture"
    path.write_bytes(b"".join(zstandard.compress(data[at : at + 100]) for at in range(0, len(data), 100)))
    assert list(read(path)) == list(read(DATA))


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_damaged_compressed_data_is_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "capture"
    data = bytearray(COMPRESSORS[kind](DATA.read_bytes()))
    middle = len(data) // 2
    data[middle : middle + 20] = bytes(value ^ 0xA5 for value in data[middle : middle + 20])
    path.write_bytes(data)
    with pytest.raises(CaptureError, match=f"^{path}: "):
        list(read(path))


def test_without_zstandard_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "capture.zst"
    path.write_bytes(zstandard.compress(DATA.read_bytes()))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(CaptureError, match="pip install zstandard"):
        list(read(path))


def test_packets_of_a_pipe_come_when_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second half is written only after the first half's packets were read: no packet waits for the next."""
    data = DATA.read_bytes()
    reader, writer = os.pipe()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(os.fdopen(reader, "rb")))
    whole = list(read(DATA))
    half = len(data) // 2
    os.write(writer, data[:half])
    packets = read("-")
    first = [next(packets) for _ in range(len(whole) // 4)]
    rest = Thread(target=lambda: (os.write(writer, data[half:]), os.close(writer)))
    rest.start()
    assert first + list(packets) == whole
    rest.join()
