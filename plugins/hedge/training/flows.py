"""Whole flows through an engine in memory: `python flows.py ROOT [--count N]`; pywall-stream must be installed.

Counts how many flows of each sort the policy of the README drops within 64 KiB of payload. Files are held-out and
training products with their start seen, asked for in a line of text and sent raw over TCP.
"""

# ruff: noqa: S311 - seeds must repeat

from __future__ import annotations

import argparse
import random
from collections.abc import Iterable
from pathlib import Path

from pywall_hedge import fragments

from pywall_core.api import DROP
from pywall_core.testing import Conversation, conversation
from pywall_core.testing.memory import engine

POLICY = """
version: 1
plugins: [stream, hedge]
chains:
  INPUT: [{rule: payload, is: encrypted, min_entropy: 5.0, action: DROP}]
  OUTPUT: [{rule: payload, is: encrypted, min_entropy: 5.0, action: DROP}]
default: ACCEPT
"""
WINDOW = 66_000
FILES = ("zip", "gzip", "zstd", "jpeg", "png", "mp3", "h264")


def tcp(data: bytes, asked: bytes = b"", *, by_server: bool = True) -> Conversation:
    """A connection that carries `data` in full segments, each acknowledged."""
    talk = conversation().handshake()
    talk = talk.client(asked) if asked else talk
    for at in range(0, len(data), 1448):
        talk = (talk.server if by_server else talk.client)(data[at : at + 1448]).ack()
    return talk


def udp(data: bytes) -> Conversation:
    """Datagrams of 1200 octets from the client."""
    talk = conversation("udp")
    for at in range(0, len(data), 1200):
        talk = talk.client(data[at : at + 1200])
    return talk


def tunnel(rng: random.Random) -> Conversation:
    """As shadowsocks: salt and sealed address from the client, sealed chunks both ways."""
    talk = conversation().handshake().client(rng.randbytes(66 + rng.randrange(60, 500)))
    for _ in range(50):
        talk = talk.server(rng.randbytes(1400)).ack()
    for _ in range(5):
        talk = talk.client(rng.randbytes(rng.randrange(60, 900))).ack()
    return talk


def report(name: str, talks: Iterable[Conversation]) -> None:
    """Print how many flows got a final DROP."""
    dropped = total = 0
    for talk in talks:
        verdicts = engine(POLICY).send(talk)
        dropped += any(verdict.action is DROP and verdict.final for verdict in verdicts)
        total += 1
    print(f"{name}: dropped {dropped} of {total}", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--count", type=int, default=60, help="flows of each sort")
    options = parser.parse_args()
    rng, count = random.Random(5), range(options.count)
    report("noise over TCP, client sends", (tcp(rng.randbytes(WINDOW), by_server=False) for _ in count))
    report("noise over TCP, server sends", (tcp(rng.randbytes(WINDOW), rng.randbytes(300)) for _ in count))
    report("noise over UDP", (udp(rng.randbytes(WINDOW)) for _ in count))
    report("tunnel", (tunnel(rng) for _ in count))
    for form in FILES:
        pools = [fragments.products(options.root / "pool" / split, "compressed", form) for split in ("held", "train")]
        files = [*pools[0], *pools[1]][: options.count]
        report(form, (tcp(data[:WINDOW], b"GIVE ME THE FILE\n") for data in files))


if __name__ == "__main__":
    main()
