"""A multi-layer perceptron with three outputs, trained with Adam (Kingma and Ba 2015) in numpy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

HIDDEN = (128, 64)
EPOCHS = 24
BATCH = 512
RATE = 2e-3
DECAY = 1e-4
NOISE = 0.1
"""Deviation of the noise added to the standardised features, against fitting single products."""


def _forward(rows: Array, layers: list[Array]) -> list[Array]:
    outputs = [rows]
    for index in range(0, len(layers), 2):
        value = outputs[-1] @ layers[index] + layers[index + 1]
        outputs.append(np.maximum(value, 0) if index < len(layers) - 2 else value)
    return outputs


def _softmax(values: Array) -> Array:
    values = np.exp(values - values.max(axis=1, keepdims=True))
    return values / values.sum(axis=1, keepdims=True)


def fit(
    rows: Array,
    label: npt.NDArray[np.int64],
    weight: Array,
    seed: int,
    epochs: int = EPOCHS,
    hidden: tuple[int, ...] = HIDDEN,
    decay: float = DECAY,
) -> dict[str, Array]:
    """Train on `rows` (n, features) with classes 0 to 2 and weights of mean 1; returns w0, b0, w1, b1, w2, b2.

    The standardisation of the features is folded into the first layer.
    """
    rng = np.random.default_rng(seed)
    mean, deviation = rows.mean(axis=0), rows.std(axis=0) + 1e-3
    rows = (rows - mean) / deviation
    shape = (rows.shape[1], *hidden, 3)
    layers: list[Array] = []
    for fan_in, fan_out in pairwise(shape):
        layers += [
            rng.normal(0, (2 / fan_in) ** 0.5, (fan_in, fan_out)).astype(np.float32),
            np.zeros(fan_out, np.float32),
        ]
    first, second = [np.zeros_like(layer) for layer in layers], [np.zeros_like(layer) for layer in layers]
    average = [layer.copy() for layer in layers]
    step, steps = 0, epochs * (len(rows) // BATCH)
    for _ in range(epochs):
        order = rng.permutation(len(rows))
        for start in range(0, len(rows) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            noisy = rows[chosen] + rng.standard_normal((BATCH, rows.shape[1]), dtype=np.float32) * np.float32(NOISE)
            outputs = _forward(noisy, layers)
            delta = _softmax(outputs[-1])
            delta[np.arange(BATCH), label[chosen]] -= 1
            delta *= (weight[chosen] / BATCH)[:, None]
            step += 1
            rate = RATE * 0.5 * (1 + np.cos(np.pi * step / steps)) * (1 - 0.999**step) ** 0.5 / (1 - 0.9**step)
            for index in range(len(layers) - 2, -1, -2):
                inputs = outputs[index // 2]
                gradients = (inputs.T @ delta + decay * layers[index], delta.sum(axis=0))
                if index:
                    delta = (delta @ layers[index].T) * (inputs > 0)
                for place, gradient in zip((index, index + 1), gradients, strict=True):
                    first[place] += np.float32(0.1) * (gradient - first[place])
                    second[place] += np.float32(0.001) * (gradient * gradient - second[place])
                    layers[place] -= np.float32(rate) * first[place] / (np.sqrt(second[place]) + np.float32(1e-8))
                    average[place] += np.float32(0.002) * (layers[place] - average[place])
    layers = average
    layers[1] = layers[1] - (mean / deviation) @ layers[0]
    layers[0] = layers[0] / deviation[:, None]
    return {f"{'wb'[index % 2]}{index // 2}": layer for index, layer in enumerate(layers)}


def predict(rows: Array, layers: dict[str, Array]) -> Array:
    """Probabilities (n, 3) of plain, compressed, encrypted."""
    return _softmax(_forward(rows, [layers[f"{'wb'[index % 2]}{index // 2}"] for index in range(len(layers))])[-1])
