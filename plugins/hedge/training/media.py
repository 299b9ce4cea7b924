"""Lossy and lossless media: images through Pillow, sound and video through ffmpeg, with varied settings."""

# ruff: noqa: S603 - seeds must repeat, and the tools run are fixed here

from __future__ import annotations

import io
import os
import random
import subprocess
import wave
from pathlib import Path

from PIL import Image

IMAGES = ("jpeg", "png", "webp", "gif")
SOUND = ("mp3", "vorbis", "opus", "aac", "flac")
VIDEO = ("h264", "h265", "vp9", "av1")

_SYNTHETIC = (
    "mandelbrot=size={size}:rate=25",
    "testsrc2=size={size}:rate=25",
    "life=size={size}:rate=25:mold=10:ratio=0.3:death_color=#305060:life_color=#c0e080",
    "gradients=size={size}:rate=25",
)


def _ffmpeg(*arguments: str, feed: bytes | None = None) -> bytes:
    command = ["ffmpeg", "-v", "error", "-nostdin", "-threads", "1", "-y", *arguments]
    if feed is not None:
        command.remove("-nostdin")
    quiet = {**os.environ, "SVT_LOG": "0"}
    return subprocess.run(command, input=feed, stdout=subprocess.PIPE, env=quiet, check=True).stdout


def picture(path: Path, rng: random.Random, largest: int = 1600) -> Image.Image:
    """Open an image as RGB, at most `largest` pixels a side, cropped at random so that one file serves often."""
    image = Image.open(path).convert("RGBA").convert("RGB")
    image.info.clear()  # a palette's transparency means nothing any more
    image.thumbnail((rng.randint(400, largest),) * 2)
    left, top = rng.randrange(image.width // 3 + 1), rng.randrange(image.height // 3 + 1)
    return image.crop((left, top, left + image.width * 2 // 3, top + image.height * 2 // 3))


def encode_image(image: Image.Image, form: str, rng: random.Random) -> bytes:
    """Encode as `form` (one of IMAGES) with settings drawn from `rng`."""
    out = io.BytesIO()
    if form == "jpeg":
        image.save(
            out,
            "JPEG",
            quality=rng.randint(50, 95),
            subsampling=rng.choice((0, 1, 2)),
            progressive=rng.random() < 0.3,
            optimize=rng.random() < 0.3,
        )
    elif form == "png":
        if rng.random() < 0.25:
            image = image.quantize(rng.choice((64, 256)))
        image.save(out, "PNG", compress_level=rng.choice((1, 6, 6, 9)))
    elif form == "webp":
        image.save(out, "WEBP", quality=rng.randint(50, 95), lossless=rng.random() < 0.2, method=rng.choice((2, 4)))
    else:
        image.quantize(rng.choice((64, 256)), dither=rng.choice(tuple(Image.Dither))).save(out, "GIF")
    return out.getvalue()


def samples(path: Path, start: float, seconds: float) -> bytes:
    """Decode sound to 16-bit stereo PCM at 44100 Hz."""
    return _ffmpeg(
        "-ss", str(start), "-t", str(seconds), "-i", str(path), "-f", "s16le", "-ar", "44100", "-ac", "2", "-"
    )


def as_wav(pcm: bytes) -> bytes:
    """Wrap PCM as made by `samples` in a RIFF WAVE header."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(pcm)
    return out.getvalue()


def encode_sound(pcm: bytes, form: str, rng: random.Random, scratch: Path) -> bytes:
    """Encode PCM as `form` (one of SOUND) in one of its usual containers."""
    rate = f"{rng.choice((64, 96, 128, 160, 192, 256))}k"
    codec, suffix = {
        "mp3": (["libmp3lame", *rng.choice((["-b:a", rate], ["-q:a", str(rng.randint(0, 6))]))], "mp3"),
        "vorbis": (["libvorbis", "-q:a", str(rng.randint(2, 8))], rng.choice(("ogg", "ogg", "webm"))),
        "opus": (["libopus", "-b:a", rate], rng.choice(("opus", "opus", "webm"))),
        "aac": (["aac", "-b:a", rate], rng.choice(("aac", "aac", "m4a"))),
        "flac": (["flac", "-compression_level", str(rng.randint(0, 8))], "flac"),
    }[form]
    target = scratch / f"sound.{suffix}"
    _ffmpeg("-f", "s16le", "-ar", "44100", "-ac", "2", "-i", "-", "-c:a", *codec, str(target), feed=pcm)
    return target.read_bytes()


def clip(images: list[Path], videos: list[Path], rng: random.Random, target: Path) -> None:
    """Write a raw clip of 8 to 14 s: a real video, a pan over a photograph, or something computed; some with noise."""
    size = rng.choice(("480x270", "640x360", "854x480"))
    seconds, draw = rng.randint(8, 14), rng.random()
    noise = f",noise=alls={rng.randint(4, 14)}:allf=t" if rng.random() < 0.5 else ""
    scale = f"scale={size.replace('x', ':')}"
    if videos and draw < 0.35:
        source = ["-stream_loop", "3", "-ss", str(rng.uniform(0, 2)), "-i", str(rng.choice(videos))]
        effect = f"{scale},fps=25"
    elif draw < 0.85:
        picture(rng.choice(images), rng).save(target.with_suffix(".png"))
        source = ["-loop", "1", "-framerate", "25", "-i", str(target.with_suffix(".png"))]
        speed = rng.uniform(0.5, 3)
        effect = (
            f"scale=1600:1200,crop=854:480:'373+300*sin(n*{speed}/50)':'360+300*cos(n*{speed}/70)',"
            f"rotate=n*{rng.uniform(-0.01, 0.01)},{scale}"
        )
    else:
        source = ["-f", "lavfi", "-i", rng.choice(_SYNTHETIC).format(size=size)]
        effect = scale
    partial = target.with_suffix(".partial.y4m")  # renamed when whole: an interrupted run leaves no half clip behind
    _ffmpeg(*source, "-t", str(seconds), "-vf", f"{effect}{noise},format=yuv420p", "-an", str(partial))
    partial.rename(target)


def encode_video(raw: Path, form: str, rng: random.Random) -> bytes:
    """Encode a raw clip as `form` (one of VIDEO) in one of its usual containers."""
    quality = str(rng.randint(20, 30)) if form in ("h264", "h265") else str(rng.randint(25, 40))
    codec, suffixes = {
        "h264": (
            ["libx264", "-preset", rng.choice(("veryfast", "fast", "medium")), "-crf", quality],
            ("mp4", "mkv", "ts", "h264", "flv"),
        ),
        "h265": (
            [
                "libx265",
                "-preset",
                rng.choice(("veryfast", "fast")),
                "-crf",
                quality,
                "-x265-params",
                "log-level=none:pools=none",
            ],
            ("mp4", "mkv", "ts", "hevc"),
        ),
        "vp9": (
            ["libvpx-vp9", "-deadline", "realtime", "-cpu-used", rng.choice(("5", "7")), "-b:v", "0", "-crf", quality],
            ("webm", "mkv", "ivf"),
        ),
        "av1": (
            ["libsvtav1", "-preset", rng.choice(("9", "11", "12")), "-crf", quality, "-svtav1-params", "lp=1"],
            ("mp4", "mkv", "webm", "ivf", "obu"),
        ),
    }[form]
    suffix = rng.choice(suffixes)
    target = raw.with_suffix(f".{form}.{suffix}")
    _ffmpeg("-i", str(raw), "-c:v", *codec, str(target))
    data = target.read_bytes()
    target.unlink()
    return data
