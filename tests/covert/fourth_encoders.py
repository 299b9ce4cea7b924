"""What the encoders of pictures, sound, video, archives and tables write, by kind."""

from __future__ import annotations

import io
import marshal
import sqlite3
import struct
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

import av
import numpy as np
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet

from .benign_files import picture
from .encoders import record, words
from .mimicry_shapes import program, source_text
from .third_codecs import camera, chords

KINDS, SIZE = 3, 60_000
Make = Callable[[int], bytes]

# --- pictures, sound, video ---


def still(form: str, *, mode: str = "RGB", **options: object) -> Make:
    def make(kind: int) -> bytes:
        buffer = io.BytesIO()
        image = picture(40 + kind, 420)
        image = image.quantize(64) if mode == "P" else image.convert(mode)
        image.save(buffer, form, **options)
        return buffer.getvalue()

    return make


def sound_file(form: str, codec: str, rate: int = 48_000, bits: int = 96_000) -> Make:
    def make(kind: int) -> bytes:
        buffer = io.BytesIO()
        with av.open(buffer, "w", format=form) as container:
            stream = container.add_stream(codec, rate=rate)
            stream.layout, stream.bit_rate = "stereo", bits
            stream.options = {"strict": "experimental"}
            wave = np.repeat(chords(10 + kind, rate, 7.0)[None, :], 1, axis=0)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave), format="s16", layout="mono")
            frame.sample_rate = rate
            size = stream.frame_size or 1024
            for part in av.AudioResampler(format=stream.format, layout="stereo", rate=rate, frame_size=size).resample(
                frame
            ):
                container.mux(stream.encode(part))
            container.mux(stream.encode(None))
        return buffer.getvalue()

    return make


def film(form: str, codec: str, pixels: str = "yuv420p", bits: int = 700_000, **options: str) -> Make:
    def make(kind: int) -> bytes:
        buffer = io.BytesIO()
        with av.open(buffer, "w", format=form) as container:
            stream = container.add_stream(codec, rate=25, options=options)
            stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 288, 192, pixels, bits
            for n in range(40):
                view = np.ascontiguousarray(camera(20 + kind, n, 288, 192))
                container.mux(stream.encode(av.VideoFrame.from_ndarray(view, format="rgb24")))
            container.mux(stream.encode(None))
        return buffer.getvalue()

    return make


# --- packed files ---


def text_file(kind: int, size: int = 160_000) -> bytes:
    return source_text(Random(500 + kind), size)


def code_file(kind: int, size: int = 200_000) -> bytes:
    data = program()
    start = (777_777 + kind * 1_234_567) % max(len(data) - size, 1)
    return data[start : start + size]


def text_or_code(kind: int) -> bytes:
    return code_file(kind) if kind % 2 else text_file(kind)


def layer(kind: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in (
            ("usr/lib/a.so", code_file(kind)),
            ("etc/a.conf", text_file(kind, 9000)),
            ("usr/bin/a", code_file(7)),
        ):
            item = tarfile.TarInfo(name)
            item.size = len(data)
            tar.addfile(item, io.BytesIO(data))
    return buffer.getvalue()


def archive(*parts: tuple[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for name, data in parts:
            archive.writestr(name, data)
    return buffer.getvalue()


def office_document(kind: int) -> bytes:
    body = "".join(f"<w:p><w:r><w:t>{words(Random(kind * 100 + i), 40)}</w:t></w:r></w:p>" for i in range(400))
    return archive(
        ("[Content_Types].xml", b'<?xml version="1.0"?><Types/>'),
        ("word/document.xml", body.encode()),
        ("word/media/image1.jpeg", still("JPEG", quality=85)(kind)),
    )


def jar(kind: int) -> bytes:
    classes = [
        (f"org/a/C{i}.class", b"\xca\xfe\xba\xbe\0\0\0\x41" + code_file(i, 9000)) for i in range(kind, kind + 12)
    ]
    return archive(("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\r\n\r\n"), *classes)


# --- data ---


@cache
def table(kind: int) -> pa.Table:
    rng = Random(900 + kind)
    rows = [{k: v for k, v in record(rng, n).items() if k != "tags"} for n in range(3000)]
    return pa.Table.from_pylist(rows).append_column("x", pa.array(np.random.default_rng(kind).normal(0, 1, 3000)))


def parquet(codec: str) -> Make:
    def make(kind: int) -> bytes:
        buffer = io.BytesIO()
        pyarrow.parquet.write_table(table(kind), buffer, compression=codec)
        return buffer.getvalue()

    return make


def arrow(codec: str | None) -> Make:
    def make(kind: int) -> bytes:
        buffer = io.BytesIO()
        options = pa.ipc.IpcWriteOptions(compression=codec)
        with pa.ipc.new_stream(buffer, table(kind).schema, options=options) as writer:
            writer.write_table(table(kind), max_chunksize=600)
        return buffer.getvalue()

    return make


def orc(kind: int) -> bytes:
    buffer = io.BytesIO()
    pyarrow.orc.write_table(table(kind), buffer, compression="zlib")
    return buffer.getvalue()


def database(kind: int) -> bytes:
    base = sqlite3.connect(":memory:")
    base.execute("create table t (id integer primary key, name text, price real, note text, picture blob)")
    rng = Random(kind)
    thumb = still("WEBP", quality=60)(kind)[:3000]
    for n in range(400):
        item = record(rng, n)
        base.execute(
            "insert into t values (?,?,?,?,?)", (n, item["name"], item["price"], item["note"], thumb[: n % 900])
        )
    base.commit()
    data = base.serialize()
    base.close()
    return data


@cache
def git_pack(kind: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:

        def git(*arguments: str, data: bytes = b"") -> bytes:
            command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", folder, *arguments]
            return subprocess.run(command, input=data, capture_output=True, check=True).stdout

        git("init", "-q")
        for n in range(4):
            for i in range(12):
                (Path(folder) / f"f{i}.py").write_bytes(text_file(kind * 50 + i, 9000) + b"\n" * n)
            git("add", ".")
            git("commit", "-q", "-m", f"change {n}")
        return git("pack-objects", "--stdout", "--all", "-q", data=b"")


def arrays(kind: int) -> bytes:
    rng, buffer = np.random.default_rng(kind), io.BytesIO()
    np.savez_compressed(buffer, a=np.cumsum(rng.normal(0, 1, 30_000)), b=rng.integers(0, 90, 30_000))
    return buffer.getvalue()


def tensors(dtype: str) -> Make:
    def make(kind: int) -> bytes:
        values = np.random.default_rng(kind).normal(0, 0.03, 40_000).astype(np.float32)
        data = (values.view(np.uint32) >> 16).astype("<u2").tobytes() if dtype == "BF16" else values.astype(
            {"F32": "<f4", "F16": "<f2"}[dtype]
        ).tobytes()  # fmt: skip
        head = b'{"w":{"dtype":"%s","shape":[200,200],"data_offsets":[0,%d]}}' % (dtype.encode(), len(data))
        return struct.pack("<Q", len(head)) + head + data

    return make


def compiled(kind: int) -> bytes:
    source = Path(tarfile.__file__).with_name(("argparse.py", "typing.py", "ast.py")[kind % 3]).read_text()
    return b"\xa7\r\r\n" + bytes(12) + marshal.dumps(compile(source, "a.py", "exec"))
