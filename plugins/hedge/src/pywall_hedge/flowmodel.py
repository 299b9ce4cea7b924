"""The learned model of a flow's noise: statistics of what framing left, and of the framing itself, to a likelihood
ratio.

`flow.npz` is made by training/flows.py from framed and unframed ciphertext against framed and unframed files, media
and the messages of structured protocols; the model card says from what. Two calibrations: of flows whose start was
seen (a file would have shown its head), and of flows joined in the middle.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files
from math import log, log2
from typing import Final

import numpy as np

from . import model
from .features import LONGEST, Vector, features
from .framing import Stripped
from .model import LONG, Network

EXTRAS: Final = 11
"""Numbers that `framing_features` gives."""
_FLAT: Final = 12.0


def framing_features(stripped: Stripped) -> list[float]:
    """Return what was found of the framing, EXTRAS numbers of the order of 1."""
    total = max(stripped.total, 1)
    number = max(stripped.messages, 1)
    left = len(stripped.residual)
    return [
        log2(total) - log2(max(left, 1)),
        log2(number),
        log2(total / number),
        stripped.header / 8,
        stripped.trailer / 4,
        stripped.columns / 8,
        stripped.columns / max(stripped.header, 1),
        log2(1 + stripped.records),
        4 * stripped.repeated,
        4 * stripped.padding,
        log2(1 + total / number) * (stripped.header > 0),
    ]


@lru_cache(maxsize=64)
def fragment_network(size: int) -> Network:
    """Return the network for single payloads that the flow network of `size` asks: the nearest with the same bit
    windows.
    """
    alike = [network for network in model.load() if (network.size >= LONG) == (size >= LONG)]
    return min(alike, key=lambda network: abs(log(network.size / size)))


def inputs(stripped: Stripped, size: int) -> Vector:
    """Return the input of the flow network for `size`: what the fragment network says of the residual (32 to 16384
    bytes of it), its features, and those of the framing.
    """
    fragment = fragment_network(size)
    values = features(stripped.residual[:LONGEST], fragment.width)
    odds = fragment.log_odds(values)
    return np.concatenate((values, np.array((*framing_features(stripped), *odds), dtype=np.float32)))


@cache
def load() -> tuple[tuple[Network, ...], dict[int, Vector]]:
    """Read the networks, by rising size of the residual, and their calibrations; once, on first use.

    They are kept in half precision, and used in single: numpy would convert them at each product.
    """
    with (files("pywall_hedge") / "flow.npz").open("rb") as file, np.load(file) as data:
        single = {name: data[name].astype(np.float32) for name in data.files if name[0] in "wb"}
        networks = tuple(
            Network(int(size), tuple((single[f"w{i}_{size}"], single[f"b{i}_{size}"]) for i in range(3)))
            for size in data["sizes"]
        )
        return networks, {int(size): data[f"c_{size}"] for size in data["sizes"]}


@lru_cache(maxsize=4096)
def nearest(size: int) -> Network:
    """Return the network for residuals of `size` bytes: the nearest by ratio."""
    return min(load()[0], key=lambda network: abs(log(network.size / size)))


def log_ratio(stripped: Stripped, start_seen: bool) -> float:
    """Return the log-likelihood ratio (nats) of ciphertext in framed noise against the rest, calibrated.

    `stripped`: with a residual of at least 32 bytes.
    """
    network = nearest(min(len(stripped.residual), LONGEST))
    score, _ = network.log_odds(inputs(stripped, network.size))
    slope, shift, slope_middle, shift_middle = load()[1][network.size].tolist()
    ratio: float = slope * score + shift if start_seen else slope_middle * score + shift_middle
    return max(min(ratio, _FLAT), -_FLAT)
