"""What the tests of carriers share: the ready-made policy, a picture, and packets through an engine with the policy."""

import io
import random
from importlib import resources

import pytest

from pywall_core.testing import engine

POLICY = resources.files("pywall_core.policies").joinpath("strict-carriers.yaml").read_text()
MTU = 1400


def pieces(data, size=MTU):
    return [data[at : at + size] for at in range(0, len(data), size)]


def picture():
    pytest.importorskip("PIL")
    from PIL import Image

    noise = random.Random(1)
    image = Image.new("RGB", (320, 240))
    image.putdata([(x % 256, (x // 320 + noise.randrange(40)) % 256, noise.randrange(90)) for x in range(320 * 240)])
    held = io.BytesIO()
    image.save(held, "JPEG", quality=85)
    return held.getvalue()


def through(packets, policy=POLICY):
    """Return the share of the packets before the first DROP (1: none came), and the flows."""
    lab = engine(policy)
    share = 1.0
    for number, verdict in enumerate(lab.send(packets)):
        if verdict.action.value == "drop":
            assert verdict.chain == "carriers", verdict
            share = number / len(packets)
            break
    flows = lab.close()
    return share, flows
