"""Protocols that a few fixed bytes at fixed places tell, and of which nothing more is published.

:checked: length and bytes of the first datagram, as the table below has them
:source: as recorded traffic shows, in the documentation and sources of nDPI (riotgames, genshin, lol-wild-rift,
    netease-games, cod_mobile, activision, tencentgames, heroes_of_the_storm, viber, steam-datagram-relay); Epic's
    Unreal Engine, StatelessConnectHandlerComponent (epicgames)
:minimum: one datagram
:facts: none
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.wire import first_datagram

api_version = 1
protocols = (
    "activision",
    "cod_mobile",
    "epicgames",
    "genshinimpact",
    "heroes_of_the_storm",
    "lolwildrift",
    "neteasegames",
    "riotgames",
    "steam-datagram-relay",
    "tencentgames",
    "viber",
)
unseen = (
    "activision",
    "steam-datagram-relay",
    "tencentgames",
    "viber",
)
transport = "udp"
tier = "heuristic"
first_client = None
first_server = None


class Pattern(NamedTuple):
    """A datagram of ``shortest`` to ``longest`` bytes with these bytes at these places; negative ones from the end."""

    name: str
    shortest: int
    longest: int
    parts: tuple[tuple[int, bytes], ...]


_ANY: Final = 65535
PATTERNS: Final = (
    Pattern("activision", 29, _ANY, ((0, b"\x0d\2"), (17, b"\xc0\xa8"), (19, b"\0\x15\2\x0c"))),
    Pattern("activision", 29, _ANY, ((0, b"\x0c\2"), (17, b"\xc0\xa8"), (19, b"\0\x15\2\x0c"))),
    Pattern("cod_mobile", 12, 12, ((8, b"ping"),)),
    Pattern("genshinimpact", 20, _ANY, ((0, b"\0\0\0\xff\0\0\0\0"), (12, b"\x49\x96\2\xd2\xff\xff\xff\xff"))),
    Pattern("heroes_of_the_storm", 20, 122, ((0, bytes(14) + b"\x40\0"),)),
    Pattern("lolwildrift", 22, 22, ((0, b"\1\2\xc8\x41"), (-4, b"\x41\x30\x42\x31"))),
    Pattern("lolwildrift", 69, 69, ((0, b"\4\0\0\0"),)),
    Pattern("neteasegames", 12, 12, ((0, b"\1"), (2, b"\xd0\1"), (8, b"\0\1\1\1"))),
    Pattern("neteasegames", 30, _ANY, ((0, b"\xb3\xaf\x8d\xe8"),)),
    Pattern("neteasegames", 31, _ANY, ((0, b"\7\x08\x08\x0c"),)),
    Pattern("riotgames", 9, _ANY, ((-8, b"\xaa\xaa\xaa\xaa\xbb\xbb\xbb\xbb"),)),
    Pattern("riotgames", 53, 53, ((-8, b"\x3c\xb1\x1f\x2d\xea\x23\x46\x0c"),)),
    Pattern("steam-datagram-relay", 30, _ANY, ((2, b"sdping"),)),
    Pattern("tencentgames", 51, _ANY, ((0, b"\x33\x66\0\x0b\0\x0b"),)),
    Pattern("tencentgames", 51, _ANY, ((0, b"\x43\x66\xaa\0"), (12, b"\x10\xe6\x86\1"))),
    Pattern("tencentgames", 51, _ANY, ((0, b"\xaa\0\0\0"), (10, b"\x10\xe6\x86\1"))),
    Pattern("tencentgames", 51, _ANY, ((0, b"\x42\x15\xf7\x87"), (6, b"\0\0"))),
    Pattern("viber", 12, 12, ((2, b"\3\0"), (5, b"\0"))),
    Pattern("viber", 20, 20, ((2, b"\x09\0"),)),
    Pattern("viber", 34, 34, ((2, b"\x19\0"),)),
    Pattern("viber", 34, 34, ((2, b"\x1b\0"),)),
)
#: Epic's handshake: behind a word and its hash zeros, in the answer the same word with a bit set
_EPIC_BIT: Final = 0x08


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect the protocols of the table. Nothing proves them, so that they are never confirmed."""
    first = first_datagram(client, flow.client_sizes)
    if not first:
        return MORE
    found = _PATTERN(first)
    if found is not None and found.lastindex is not None:
        return Match(PATTERNS[found.lastindex - 1].name, confirmed=False)
    size = len(first)
    for pattern in _FROM_END:
        if pattern.shortest <= size <= pattern.longest and first.endswith(pattern.parts[0][1]):
            return Match(pattern.name, confirmed=False)
    if len(first) >= 34 and not any(first[10:34]) and not first[3] & _EPIC_BIT and any(first[:3]):
        reply = first_datagram(server, flow.server_sizes)
        fits = reply[:3] == first[:3] and reply[3:4] == bytes([first[3] | _EPIC_BIT])
        return MORE if not reply else Match("epicgames", confirmed=False) if fits else NO
    return NO


def _as_expression(pattern: Pattern) -> bytes:
    """Return the pattern as a group of a regular expression, which matches from the start of a datagram."""
    parts = b""
    at = 0
    for place, value in pattern.parts:
        gap = place - at if place >= 0 else pattern.longest + place - at  # from the end: of one length alone
        parts += b".{%d}" % gap + re.escape(value)
        at += gap + len(value)
    most = b"" if pattern.longest == _ANY else b"%d" % (pattern.longest - at)
    return b"(%s.{%d,%s}\\Z)" % (parts, max(0, pattern.shortest - at), most)


_FROM_END: Final = tuple(pattern for pattern in PATTERNS if pattern.longest == _ANY and pattern.parts[0][0] < 0)
_PATTERN: Final = re.compile(
    b"|".join(b"(?!)()" if pattern in _FROM_END else _as_expression(pattern) for pattern in PATTERNS), re.DOTALL
).match
