"""ESP inside UDP, behind a NAT (IPsec).

:checked: one SPI of a side, sequence numbers that follow each other, and a length that ciphers and tags leave; over
    three datagrams
:source: RFC 3948 section 2.1; RFC 4303 section 2
:minimum: three datagrams of the client
:facts: spi
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.wire import datagrams, u32

api_version = 1
protocols = ("esp",)
unseen = protocols  # a counter, and ciphertext
transport = "udp"
tier = "heuristic"
first_client = None
first_server = None

_WANTED: Final = 3
#: SPI and number, and the least that a cipher and its tag take
_SHORTEST: Final = 8 + 8 + 12
#: ciphertext, behind an initialization vector that may be a counter, and different values among its bytes
_LEAST_DISTINCT: Final = 8
#: SPIs below are reserved
_FIRST_SPI: Final = 256
_STEP: Final = 8
_KEEP_ALIVE: Final = b"\xff"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect ESP in UDP. A counter is little to go by, so that it is never confirmed."""
    packets = _packets(client, flow.client_sizes)
    if packets is None:
        return NO
    return Match("esp", {"spi": packets[0][:4].hex()}, confirmed=False) if len(packets) == _WANTED else MORE


def _packets(data: bytes, sizes: tuple[int, ...]) -> list[bytes] | None:
    """Return the first packets of a side; None when they can't be ESP's of one association."""
    found: list[bytes] = []
    for packet in datagrams(data, sizes):
        if packet == _KEEP_ALIVE:
            continue
        if len(packet) < _SHORTEST or len(packet) % 2 or u32(packet, 0) < _FIRST_SPI or not u32(packet, 4):
            return None
        if len(set(packet[8:40])) < _LEAST_DISTINCT:
            return None
        if found:
            step = u32(packet, 4) - u32(found[-1], 4)
            if packet[:4] != found[0][:4] or not 0 < step <= _STEP or packet[8:16] == found[-1][8:16]:
                return None
        found.append(packet)
        if len(found) == _WANTED:
            break
    return found
