"""General compressors, document streams and ciphers: bytes in, one whole product out, with varied settings."""

# ruff: noqa: S603, S607 - seeds must repeat, and the tools run are fixed here

from __future__ import annotations

import bz2
import io
import lzma
import random
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli
import deflate
import lz4.block
import lz4.frame
import snappy
import zstandard
from cryptography.hazmat.decrepit.ciphers import algorithms as old
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

Encoder = Callable[[bytes, random.Random, Path], bytes]


def _seven(form: str, data: bytes, rng: random.Random, scratch: Path) -> bytes:
    """7-Zip's own Deflate and bzip2, which search longer for a good parse than zlib and libbzip2."""
    plain, packed = scratch / "plain", scratch / f"packed.{form}"
    packed.unlink(missing_ok=True)
    plain.write_bytes(data)
    command = ["7zz", "a", "-bd", f"-t{form}", f"-mx={rng.choice((1, 5, 7, 9))}", str(packed), str(plain)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return packed.read_bytes()


def _deflate(data: bytes, rng: random.Random) -> bytes:
    """Raw Deflate by zlib or by libdeflate, whose higher levels look for the best parse."""
    if rng.random() < 0.5:
        coder = zlib.compressobj(rng.choice((1, 6, 6, 9)), zlib.DEFLATED, -15)
        return coder.compress(data) + coder.flush()
    return bytes(deflate.deflate_compress(data, rng.choice((1, 6, 9, 10, 12))))


def _gzip(data: bytes, rng: random.Random, scratch: Path) -> bytes:
    if rng.random() < 0.3:
        return _seven("gzip", data, rng, scratch)
    end = struct.pack("<II", zlib.crc32(data), len(data))
    return b"\x1f\x8b\x08\0\0\x10^_\0\xff" + _deflate(data, rng) + end


def _zlib(data: bytes, rng: random.Random, scratch: Path) -> bytes:
    return b"\x78\x9c" + _deflate(data, rng) + struct.pack(">I", zlib.adler32(data))


def _bzip2(data: bytes, rng: random.Random, scratch: Path) -> bytes:
    if rng.random() < 0.3:
        return _seven("bzip2", data, rng, scratch)
    return bz2.compress(data, rng.choice((1, 5, 9, 9)))


def _zstd(data: bytes, rng: random.Random, scratch: Path) -> bytes:
    level = rng.choice((1, 3, 3, 6, 9, 12, 15, 19, 22))
    if rng.random() < 0.7:
        return zstandard.ZstdCompressor(level).compress(data)
    window = zstandard.ZstdCompressionParameters.from_level(level, window_log=rng.choice((17, 23)))
    return zstandard.ZstdCompressor(compression_params=window).compress(data)


def _zip(data: bytes, rng: random.Random, scratch: Path) -> bytes:
    if rng.random() < 0.3:
        return _seven("zip", data, rng, scratch)
    out, cut = io.BytesIO(), rng.choice((len(data), 200_000, 50_000))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=rng.choice((1, 6, 6, 9))) as archive:
        for number, start in enumerate(range(0, len(data), cut)):
            archive.writestr(f"data/part{number}.dat", data[start : start + cut])
    return out.getvalue()


def _lz4(data: bytes, rng: random.Random, scratch: Path) -> bytes:
    if rng.random() < 0.2:
        return lz4.block.compress(data, store_size=rng.random() < 0.5)
    return lz4.frame.compress(data, compression_level=rng.choice((0, 0, 3, 9)), block_size=rng.choice((4, 5, 6, 7)))


def _snappy(data: bytes, rng: random.Random, scratch: Path) -> bytes:
    if rng.random() < 0.5:
        return bytes(snappy.compress(data))
    return bytes(snappy.StreamCompressor().add_chunk(data))


def _lzo(data: bytes, rng: random.Random, scratch: Path) -> bytes:
    command = ["lzop", f"-{rng.choice((1, 3, 3, 7))}", "-c"]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def _ppmd(data: bytes, rng: random.Random, scratch: Path) -> bytes:
    plain, packed = scratch / "plain", scratch / "packed.7z"
    packed.unlink(missing_ok=True)
    plain.write_bytes(data)
    method = f"-m0=PPMd:o={rng.choice((4, 6, 16))}:mem={rng.choice((16, 64))}m"
    subprocess.run(
        ["7zz", "a", "-bd", "-mmt=1", method, str(packed), str(plain)], stdout=subprocess.DEVNULL, check=True
    )
    return packed.read_bytes()


def _pdf(data: bytes, rng: random.Random, scratch: Path) -> bytes:
    """A PDF whose streams are Flate-compressed pieces of `data`, with the objects and the table around them."""
    out = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    offsets, start, number = [], 0, 1
    while start < len(data):
        piece = data[start : start + rng.randint(3_000, 120_000)]
        start += len(piece)
        body = _zlib(piece, rng, scratch)
        offsets.append(len(out))
        out += (
            b"%d 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n" % (number, len(body))
            + body
            + b"\nendstream\nendobj\n"
        )
        number += 1
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % number + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d >>\nstartxref\n%d\n%%%%EOF\n" % (number, table)
    return bytes(out)


GENERAL: dict[str, Encoder] = {
    "zip": _zip,
    "gzip": _gzip,
    "zlib": _zlib,
    "bzip2": _bzip2,
    "xz": lambda data, rng, scratch: lzma.compress(data, preset=rng.choice((0, 3, 6))),
    "lzma": lambda data, rng, scratch: lzma.compress(data, lzma.FORMAT_ALONE, preset=rng.choice((0, 3, 6))),
    "zstd": _zstd,
    "lz4": _lz4,
    "brotli": lambda data, rng, scratch: brotli.compress(data, quality=rng.choice((1, 4, 5, 9, 11))),
    "snappy": _snappy,
    "lzo": _lzo,
    "ppmd": _ppmd,
    "pdf": _pdf,
}
"""Format -> encoder(data, rng, scratch folder)."""


def _cipher(
    algorithm: Callable[[bytes], object], key: int, mode: Callable[[bytes], object] | None, block: int
) -> Encoder:
    def encrypt(data: bytes, rng: random.Random, scratch: Path) -> bytes:
        chosen = mode(rng.randbytes(block)) if mode else None
        context = Cipher(algorithm(rng.randbytes(key)), chosen).encryptor()  # type: ignore[arg-type,var-annotated]
        return bytes(context.update(data[: len(data) // 16 * 16]) + context.finalize())

    return encrypt


def _chacha(key: bytes) -> object:
    return algorithms.ChaCha20(key[:32], key[32:])


CIPHERS: dict[str, Encoder] = {
    "aes128-cbc": _cipher(algorithms.AES, 16, modes.CBC, 16),
    "aes256-cbc": _cipher(algorithms.AES, 32, modes.CBC, 16),
    "aes128-ctr": _cipher(algorithms.AES, 16, modes.CTR, 16),
    "aes256-ctr": _cipher(algorithms.AES, 32, modes.CTR, 16),
    "aes256-gcm": _cipher(algorithms.AES, 32, modes.GCM, 12),
    "chacha20": _cipher(_chacha, 48, None, 0),
    "camellia128-cbc": _cipher(old.Camellia, 16, modes.CBC, 16),
    "camellia256-cbc": _cipher(old.Camellia, 32, modes.CBC, 16),
    "3des-cbc": _cipher(old.TripleDES, 24, modes.CBC, 8),
    "blowfish-cbc": _cipher(old.Blowfish, 16, modes.CBC, 8),
    "cast5-cbc": _cipher(old.CAST5, 16, modes.CBC, 8),
    "rc4": _cipher(old.ARC4, 16, None, 0),
}
"""Cipher mode -> encoder. Training sees aes128-ctr alone: the rest are left out to report on the unknown."""
