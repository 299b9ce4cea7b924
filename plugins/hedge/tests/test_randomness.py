"""The tests of SP 800-22 against the worked examples of the standard and a plain reading of its text."""

import math
import random
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from pywall_hedge import hedge, randomness
from scipy.special import gammaincc

PI = "1100100100001111110110101010001000100001011010001100001000110100110001001100011001100010100010111000"


def vector(text):
    return np.array([int(bit) for bit in text], dtype=np.uint8)


@pytest.mark.parametrize(
    ("test", "text", "expected"),
    [
        (randomness.monobit, "1011010101", 0.527089),  # 2.1.4
        (randomness.monobit, PI, 0.109599),  # 2.1.8
        (lambda bits: randomness.block_frequency(bits, 3), "0110011010", 0.801252),  # 2.2.4
        (lambda bits: randomness.block_frequency(bits, 10), PI, 0.706438),  # 2.2.8
        (randomness.runs, "1001101011", 0.147232),  # 2.3.4
        (randomness.runs, PI, 0.500798),  # 2.3.8
        (lambda bits: randomness.approximate_entropy(bits, 3), "0100110101", 0.261961),  # 2.12.4
        (lambda bits: randomness.approximate_entropy(bits, 2), PI, 0.235301),  # 2.12.8
        (randomness.cumulative_sums, "1011010111", 0.4116588),  # 2.13.4
        (randomness.cumulative_sums, PI, 0.219194),  # 2.13.8
        (lambda bits: randomness.cumulative_sums(bits, reverse=True), PI, 0.114866),  # 2.13.8
    ],
)
def test_worked_examples_of_sp_800_22(test, text, expected):
    assert test(vector(text)) == pytest.approx(expected, abs=1.1e-6)


def reference(text, block):
    """p-values by the letter of the standard, on a string of 0 and 1: sums, exact fractions, no vectors."""
    n = len(text)
    ones = text.count("1")
    out = {"monobit": math.erfc(abs(2 * ones - n) / math.sqrt(n) / math.sqrt(2))}
    parts = [text[i : i + block] for i in range(0, n - block + 1, block)]
    chi = 4 * block * sum((Fraction(part.count("1"), block) - Fraction(1, 2)) ** 2 for part in parts)
    out["block"] = gammaincc(len(parts) / 2, float(chi) / 2)
    pi = ones / n
    if abs(pi - 0.5) >= 2 / math.sqrt(n):
        out["runs"] = 0.0
    else:
        v = 1 + sum(a != b for a, b in pairwise(text))
        out["runs"] = math.erfc(abs(v - 2 * n * pi * (1 - pi)) / (2 * math.sqrt(2 * n) * pi * (1 - pi)))
    phi = []
    for m in (3, 4):
        around = text + text[: m - 1]
        seen = {}
        for i in range(n):
            seen[around[i : i + m]] = seen.get(around[i : i + m], 0) + 1
        phi.append(sum(c / n * math.log(c / n) for c in seen.values()))
    out["entropy"] = gammaincc(4, n * (math.log(2) - (phi[0] - phi[1])))

    def phi_normal(x):
        return 0.5 * math.erfc(-x / math.sqrt(2))

    for name, walk_of in (("forward", text), ("reverse", text[::-1])):
        s = z = 0
        for bit in walk_of:
            s += 1 if bit == "1" else -1
            z = max(z, abs(s))
        root = math.sqrt(n)
        p = 1.0
        for k in range(int((-n / z + 1) / 4), int((n / z - 1) / 4) + 1):
            p -= phi_normal((4 * k + 1) * z / root) - phi_normal((4 * k - 1) * z / root)
        for k in range(int((-n / z - 3) / 4), int((n / z - 1) / 4) + 1):
            p += phi_normal((4 * k + 3) * z / root) - phi_normal((4 * k + 1) * z / root)
        out[name] = min(max(p, 0.0), 1.0)
    return out


def payloads(count, seed):
    rng = random.Random(seed)
    for number in range(count):
        size = rng.choice((13, 32, 64, 100, 247, 248, 256, 1000, 1460, 2048))
        data = rng.randbytes(size)
        if number % 3 == 1:  # a little skewed, so that tests fail now and then
            data = bytes(byte & rng.choice((255, 255, 255, 254)) for byte in data)
        if number % 9 == 2:
            data = bytes(rng.choice(b"aeiou \x00") for _ in range(size))
        yield data


@pytest.mark.parametrize("data", list(payloads(60, 5)), ids=lambda data: str(len(data)))
def test_p_values_agree_with_a_plain_reading_of_the_standard(data):
    bits = randomness.bits(data)
    expected = reference("".join(map(str, bits)), randomness.block_length(len(bits)))
    measured = {
        "monobit": randomness.monobit(bits),
        "block": randomness.block_frequency(bits),
        "runs": randomness.runs(bits),
        "entropy": randomness.approximate_entropy(bits),
        "forward": randomness.cumulative_sums(bits),
        "reverse": randomness.cumulative_sums(bits, reverse=True),
    }
    assert measured == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("gamma", [0.1, 1.0, 2.0])
@pytest.mark.parametrize("alpha", [0.01, 0.1])
def test_the_thresholds_decide_as_the_p_values_do(gamma, alpha):
    for data in payloads(400, 11):
        bits = randomness.bits(data)
        passes = (
            randomness.chi_square(data) <= 255 + gamma * math.sqrt(510)
            and randomness.monobit(bits) >= alpha
            and randomness.block_frequency(bits) >= alpha
            and randomness.cumulative_sums(bits) >= alpha
            and randomness.cumulative_sums(bits, reverse=True) >= alpha
            and randomness.runs(bits) >= alpha
            and randomness.approximate_entropy(bits) >= alpha
        )
        assert (hedge.failed(data, gamma, alpha) is None) == passes


def test_chi_square_of_known_counts():
    assert randomness.chi_square(bytes(range(256)) * 4) == 0
    assert randomness.chi_square(b"\x00" * 256) == 255 * 256
    assert randomness.chi_square_percent(bytes(range(256))) == pytest.approx(100)


def test_random_bytes_pass_as_often_as_the_paper_says():
    rng = random.Random(2)
    passed = sum(hedge.failed(rng.randbytes(1024), 2.0) is None for _ in range(1500)) / 1500
    assert passed == pytest.approx(0.93, abs=0.025)  # the paper's table: 93.4 % at 1 KiB and gamma 2
    rng = random.Random(3)
    passed = sum(hedge.failed(rng.randbytes(1024), 0.1) is None for _ in range(1500)) / 1500
    assert passed == pytest.approx(0.535, abs=0.04)


def test_no_data_is_an_error():
    with pytest.raises(ValueError, match="no bits"):
        randomness.monobit(randomness.bits(b""))
    with pytest.raises(ValueError, match="no bytes"):
        randomness.chi_square(b"")
    with pytest.raises(ValueError, match="less than a block"):
        randomness.block_frequency(vector("0101"), 20)
    with pytest.raises(ValueError, match="fewer than"):
        hedge.failed(b"short")
