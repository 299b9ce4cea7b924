"""The learned classifier's weights and its evaluation: tables, then a small network for the nearest payload length.

`model.npz` is made by training/train.py; the model card says from what.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp, log

import numpy as np

from .features import Matrix, Vector, features

LONGEST = 16384
"""Octets of one payload that are looked at: the longest length that there is a network for."""


@dataclass(frozen=True, slots=True)
class Network:
    """Weights and biases of a perceptron with rectified hidden layers and three outputs, for payloads of about `size` octets.

    `threshold`: log-odds of encrypted against the rest from which a payload is called encrypted.
    """

    size: int
    layers: tuple[tuple[Matrix, Vector], ...]
    threshold: float


@dataclass(frozen=True, slots=True)
class Model:
    """`tables`: log-likelihood columns for `pywall_hedge.features.features`; networks by rising payload length."""

    tables: Matrix
    networks: tuple[Network, ...]


@cache
def load() -> Model:
    """Read the weights; once, on first use."""
    with (files("pywall_hedge") / "model.npz").open("rb") as file, np.load(file) as data:
        networks = []
        for size, threshold in zip(data["sizes"], data["thresholds"], strict=True):
            layers = tuple((data[f"w{i}_{size}"].astype(np.float32), data[f"b{i}_{size}"].astype(np.float32)) for i in range(3))
            networks.append(Network(int(size), layers, float(threshold)))
        return Model(data["tables"].astype(np.float32), tuple(networks))


def nearest(size: int) -> Network:
    """The network for payloads of `size` octets: the nearest by ratio."""
    return min(load().networks, key=lambda network: abs(log(network.size / size)))


def log_odds(payload: bytes) -> tuple[float, float]:
    """Evidence in a payload of at least 32 octets, of which the first 16384 count.

    Returns two natural logarithms of odds: encrypted against not, less the threshold that training fitted (so that above 0
    means encrypted), and plain against compressed.
    """
    payload = payload[:LONGEST]
    network = nearest(len(payload))
    values = features(payload, load().tables)
    for weights, biases in network.layers[:-1]:
        values = np.maximum(values @ weights + biases, 0)
    weights, biases = network.layers[-1]
    plain, compressed, encrypted = (float(value) for value in values @ weights + biases)
    top = max(plain, compressed)
    rest = top + log(exp(plain - top) + exp(compressed - top))
    return encrypted - rest - network.threshold, plain - compressed
