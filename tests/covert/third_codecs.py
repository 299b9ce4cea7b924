"""What encoders of sound and video make, without a container.

Sounds are a voice that talks and pauses, or chords; pictures are a camera that moves, or a screen with text.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from random import Random

import av
import numpy as np
from PIL import Image, ImageDraw
from scipy.signal import lfilter

from .benign_files import picture
from .mimicry_shapes import source_text

KINDS = 3

# --- what is encoded ---


@cache
def voice(kind: int, rate: int, seconds: float = 9.0) -> np.ndarray:
    """Return a voice that talks in syllables and pauses, 16 bits a sample."""
    rng = np.random.default_rng(100 + kind)
    pitch, parts = rng.uniform(90, 230), []
    while sum(map(len, parts)) < seconds * rate:
        size = int(rate * rng.uniform(0.08, 0.3))
        time = np.arange(size) / rate
        source = np.sign(np.sin(2 * np.pi * pitch * (1 + 0.1 * np.sin(5 * time)) * time)) * rng.uniform(0.2, 1)
        source = source + rng.normal(0, 0.3, size)
        for formant in rng.uniform((300, 900, 2200), (800, 1800, 3200)):
            turn = 2 * np.pi * min(formant, 0.45 * rate) / rate
            source = lfilter([0.1], [1, -1.9 * np.cos(turn), 0.9025], source)
        parts.append(source * np.hanning(size))
        if rng.random() < 0.3:
            parts.append(rng.normal(0, 0.001, int(rate * rng.uniform(0.05, 0.7))))
    wave = np.concatenate(parts)[: int(seconds * rate)]
    return (wave / np.abs(wave).max() * 22_000 + rng.normal(0, 8, len(wave))).astype(np.int16)


@cache
def chords(kind: int, rate: int, seconds: float = 9.0) -> np.ndarray:
    """Return plucked chords with a beat of noise, 16 bits a sample."""
    rng = np.random.default_rng(200 + kind)
    wave = np.zeros(int(seconds * rate))
    for start in range(0, len(wave), rate // 3):
        time = np.arange(min(rate, len(wave) - start)) / rate
        for note in rng.choice((0, 3, 5, 7, 10, 12, 15), 3):
            tone = 110 * 2 ** (note / 12)
            for harmonic in range(1, 9):
                fade = np.exp(-time * (2 + harmonic)) / harmonic
                wave[start : start + len(time)] += fade * np.sin(2 * np.pi * tone * harmonic * time)
        beat = rng.normal(0, 0.5, len(time)) * np.exp(-time * 40)
        wave[start : start + len(time)] += beat
    return (wave / np.abs(wave).max() * 24_000).astype(np.int16)


@cache
def screen(kind: int, number: int) -> Image.Image:
    """Return a screen of text that scrolls, 320 by 240."""
    image = Image.new("RGB", (320, 240), (250, 250, 245))
    lines = source_text(Random(kind), 8000).decode("latin-1").splitlines()
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines[number // 3 : number // 3 + 20]):
        draw.text((4, 12 * row), line[:52], fill=(20, 20, 60))
    return image


def camera(kind: int, number: int, wide: int, high: int) -> np.ndarray:
    """Return a view of a scene that moves, with the grain of a sensor."""
    scene = np.asarray(picture(kind, 480))
    x, y = 2 * number % (480 - wide), number % (480 - high)
    view = scene[y : y + high, x : x + wide].astype(np.int16)
    return (view + np.random.default_rng(number).normal(0, 3, view.shape)).clip(0, 255).astype(np.uint8)


# --- encoders ---


@cache
def sound(
    codec: str, kind: int, rate: int, options: tuple[tuple[str, str], ...] = (), music: bool = False
) -> tuple[bytes, ...]:
    """Return the frames of a sound, no container."""
    coder = av.CodecContext.create(codec, "w")
    layout = "stereo" if codec in ("vorbis", "aptx") else "mono"
    coder.sample_rate, coder.layout = rate, layout  # type: ignore[attr-defined]
    coder.format = (coder.codec.audio_formats or (av.AudioFormat("s16"),))[0]  # type: ignore[attr-defined]
    settings = dict(options)
    if "b" in settings:
        coder.bit_rate = int(settings.pop("b"))
    coder.options = {"strict": "experimental", **settings}
    coder.open()
    wave = (chords if music else voice)(kind, rate)
    frame = av.AudioFrame.from_ndarray(wave[None, :], format="s16", layout="mono")
    frame.sample_rate = rate
    made: list[bytes] = []
    size = coder.frame_size or 320  # type: ignore[attr-defined]
    for part in av.AudioResampler(format=coder.format, layout=layout, rate=rate, frame_size=size).resample(frame):  # type: ignore[attr-defined]
        made += map(bytes, coder.encode(part))  # type: ignore[attr-defined]
    return tuple(made)


@cache
def video(
    codec: str, kind: int, bits: int, options: tuple[tuple[str, str], ...] = (), shown: str = "camera"
) -> tuple[bytes, ...]:
    """Return the frames of a video, no container: the camera's at 320 by 240 or 176 by 144, or the screen's."""
    wide, high = (176, 144) if shown == "small" else (320, 240)
    coder = av.CodecContext.create(codec, "w")
    forms = [known.name for known in coder.codec.video_formats or ()]  # type: ignore[attr-defined]
    form = "yuvj420p" if codec == "mjpeg" else "yuv420p" if not forms or "yuv420p" in forms else forms[0]
    coder.width, coder.height, coder.pix_fmt = wide, high, form  # type: ignore[attr-defined]
    coder.time_base, coder.bit_rate, coder.options = Fraction(1, 25), bits, dict(options)  # type: ignore[assignment]
    made: list[bytes] = []
    for n in range(45):
        view = np.asarray(screen(kind, n)) if shown == "screen" else camera(kind, n, wide, high)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(view), format="rgb24").reformat(format=form)
        frame.pts = n
        made += map(bytes, coder.encode(frame))  # type: ignore[attr-defined]
    return tuple(made + [bytes(p) for p in coder.encode(None)])  # type: ignore[attr-defined]
