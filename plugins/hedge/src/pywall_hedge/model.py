"""The learned classifier: a small network over the features, the one for the nearest payload length.

`model.npz` is made by training/train.py; the model card says from what.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from math import exp, log
from typing import Final

import numpy as np

from .features import LONGEST, Vector, features

LONG: Final = 4096
WIDTHS: Final = (10, 12)
"""Bytes from which bit windows are 12 instead of 10 bits wide: shorter payloads have too few for so many cells."""


_ZERO: Final = np.float32(0)


@dataclass(frozen=True, slots=True)
class Network:
    """Weights and biases of a perceptron with rectified hidden layers and three outputs, for payloads of about `size`
    bytes."""

    size: int
    layers: tuple[tuple[Vector, Vector], ...]

    @property
    def width(self) -> int:
        """Bits of the windows that the features are to be computed with."""
        return WIDTHS[self.size >= LONG]

    def log_odds(self, values: Vector) -> tuple[float, float]:
        """Return log-odds (nats): of encrypted against the rest, and of plain against compressed."""
        for weights, biases in self.layers[:-1]:
            values = values @ weights
            values += biases
            np.maximum(values, _ZERO, out=values)
        weights, biases = self.layers[-1]
        plain, compressed, encrypted = (values @ weights + biases).tolist()
        top = max(plain, compressed)
        return encrypted - top - log(exp(plain - top) + exp(compressed - top)), plain - compressed


@cache
def load() -> tuple[Network, ...]:
    """Read the networks, by rising payload length; once, on first use."""
    with (files("pywall_hedge") / "model.npz").open("rb") as file, np.load(file) as data:
        return tuple(
            Network(int(size), tuple((data[f"w{i}_{size}"], data[f"b{i}_{size}"]) for i in range(3)))
            for size in data["sizes"]
        )


@lru_cache(maxsize=4096)
def nearest(size: int) -> Network:
    """Return the network for payloads of `size` bytes: the nearest by ratio."""
    return min(load(), key=lambda network: abs(log(network.size / size)))


def log_odds(payload: bytes) -> tuple[float, float]:
    """Evidence in a payload of at least 32 bytes, of which the first 16384 count.

    Returns two natural logarithms of odds: encrypted against not, and plain against compressed.
    """
    payload = payload[:LONGEST]
    network = nearest(len(payload))
    return network.log_odds(features(payload, network.width))
