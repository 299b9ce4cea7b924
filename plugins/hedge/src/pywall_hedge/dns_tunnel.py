"""DNS as a carrier: how much the names below one domain, and the answers to them, could carry.

A name that was not asked before carries as much as its letters can tell (their entropy), an answer to it what its data
can. Tunnels ask long names that never come again, or get data for names that never come again; names of networks that
spread content are many but short, and come again.

:source: RFC 1035 sections 3.1, 4.1
"""

from __future__ import annotations

from collections import OrderedDict
from math import exp
from typing import Final
from zlib import crc32

from .entropy import entropy_of

MOST_DOMAINS: Final = 4096
"""Domains that are remembered; the one that was not asked for longest makes room."""
HALF_LIFE: Final = 300.0
"""Seconds in which what was counted loses half of its weight."""
ENOUGH: Final = 800.0
"""Bytes carried at which the score is 1 - 1/e of what the shape of the names allows."""
LONG_LABEL, LONG_NAME, MUCH_DATA = 16, 24, 48
"""Letters of a label and all such labels' together that make a name long; bytes of an answer's data that are much."""
SHAPE: Final = 2.5
"""By this the share of names that are long or get much data counts: tunnels ask many short names in between."""
FEWEST: Final = 6
"""Names below a domain under which nothing is said."""
_FILTER: Final = 4096
_MOST_RECORDS: Final = 16
_READ: Final = 4096
#: types whose data are anything: CNAME, NULL, MX, TXT, SRV, and those for private use (iodine's is 65399)
_DATA_TYPES: Final = frozenset({5, 10, 15, 16, 33})
_PRIVATE: Final = 65280


class Domain:
    """What was seen below one domain; all numbers lose weight with time."""

    __slots__ = ("carried", "last", "long", "names", "seen", "with_data")

    def __init__(self, now: float) -> None:
        self.last = now
        self.names = self.long = self.with_data = self.carried = 0.0
        #: a filter of the names that were asked
        self.seen = 0

    def age(self, now: float) -> None:
        """Let what was counted lose weight."""
        passed = now - self.last
        if passed < HALF_LIFE / 8:
            return
        self.last = now
        weight = 0.5 ** (passed / HALF_LIFE)
        self.names *= weight
        self.long *= weight
        self.with_data *= weight
        self.carried *= weight

    @property
    def score(self) -> float:
        """0 to 1: that the domain's names carry something."""
        if self.names < FEWEST:
            return 0.0
        shape = min(1.0, SHAPE * (self.long + self.with_data) / self.names)
        return shape * (1 - exp(-self.carried / ENOUGH))


class DnsTunnels:
    """Scores by client and domain. Memory: `MOST_DOMAINS` entries of about 1 KB."""

    def __init__(self) -> None:
        self._domains: OrderedDict[tuple[bytes, bytes], Domain] = OrderedDict()

    def __len__(self) -> int:
        return len(self._domains)

    def add(self, client: bytes, message: bytes, now: float) -> tuple[float, str]:
        """Take a DNS message that `client` (its address, packed) has sent or gets, at `now` seconds. Return the score
        of the domain that it is about, 0 to 1, and the domain.
        """
        message = message[:_READ]
        labels, at = _labels(message, 12)
        below, domain = split_domain(labels)
        if not below:
            return 0.0, ""
        key = client, domain
        found = self._domains.get(key)
        if found is None:
            found = self._domains[key] = Domain(now)
            if len(self._domains) > MOST_DOMAINS:
                self._domains.popitem(last=False)
        else:
            self._domains.move_to_end(key)
        found.age(now)
        if message[2] & 0x80:
            self._answer(found, message, at + 4)
        else:
            self._ask(found, below)
        return round(found.score, 3), domain.decode("ascii", "replace")

    @staticmethod
    def _ask(found: Domain, below: list[bytes]) -> None:
        name = b".".join(below).lower()
        bit = 1 << crc32(name) % _FILTER
        if found.seen & bit:
            return
        found.seen |= bit
        if found.seen.bit_count() > _FILTER // 2:  # it would take new names for old ones
            found.seen = bit
        found.names += 1
        long = sum(len(label) for label in below if len(label) >= LONG_LABEL)
        if long >= LONG_NAME:
            found.long += 1
        found.carried += _content(b"".join(below))

    @staticmethod
    def _answer(found: Domain, message: bytes, at: int) -> None:
        data = _data_of(message, at)
        if len(data) >= MUCH_DATA:
            found.with_data = min(found.with_data + 1, found.names)
            found.carried += _content(data)


def split_domain(labels: list[bytes]) -> tuple[list[bytes], bytes]:
    """Return the labels below the registered domain, and the domain: two labels, three where the second is short and
    the first a country's (co.uk).
    """
    size = 3 if len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3 else 2
    return labels[:-size], b".".join(labels[-size:]).lower()


def _content(data: bytes) -> float:
    """Return the bytes that data could tell by their entropy."""
    return len(data) * entropy_of([data.count(value) for value in set(data)]) / 8


def _labels(message: bytes, at: int) -> tuple[list[bytes], int]:
    """Return the labels of the name at `at`, and the offset behind it; pointers are not followed."""
    labels: list[bytes] = []
    while at < len(message) and len(labels) < 128:
        length = message[at]
        if length >= 0xC0:
            return labels, at + 2
        at += 1
        if not length:
            break
        labels.append(message[at : at + length])
        at += length
    return labels, at


def _data_of(message: bytes, at: int) -> bytes:
    """Return the data of the answers of types whose data are anything."""
    parts = []
    for _ in range(min(int.from_bytes(message[6:8], "big"), _MOST_RECORDS)):
        at = _labels(message, at)[1]
        kind, size = int.from_bytes(message[at : at + 2], "big"), int.from_bytes(message[at + 8 : at + 10], "big")
        if at + 10 > len(message):
            break
        if kind in _DATA_TYPES or kind >= _PRIVATE:
            parts.append(message[at + 10 : at + 10 + size])
        at += 10 + size
    return b"".join(parts)
