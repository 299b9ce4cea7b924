"""DNS as a carrier: how much the names below one domain, and the answers to them, could carry.

A name that was not asked before carries as much as its letters can tell (their entropy), an answer that was not given
before what its data can. Tunnels ask long names that never come again, or get data or addresses that never come again;
names of networks that spread content are many but short, and come again. Who spreads a tunnel over many domains has
all the names of each of them long: such domains of a client are added up.

:source: RFC 1035 sections 3.1, 4.1
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from math import exp
from typing import Final
from zlib import crc32

from .entropy import entropy_of

MOST_DOMAINS: Final = 4096
"""Domains that are remembered; the one that was not asked for longest makes room."""
HALF_LIFE: Final = 1800.0
"""Seconds in which what was counted loses half of its weight."""
ENOUGH, ENOUGH_SPREAD, ENOUGH_SMALL = 800.0, 2400.0, 2000.0
"""Bytes carried at which the score is 1 - 1/e of what the shape of the names allows: below one domain, below all that
a client seems to spread them over, and in addresses and small records below one domain."""
LONG_LABEL, LONG_NAME, LONG_LABELS, MUCH_DATA = 16, 24, 48, 48
"""Letters of a label and all such labels' together that make a name long, and of all labels that do; bytes of an
answer's data that are much."""
SHAPE, SPREAD = 2.5, 0.8
"""By the first the share of names that are long or get much data counts: tunnels ask many short names in between. From
the second such share on, a domain is added to the others."""
FEWEST, FEWEST_SPREAD = 6, 2
"""Names or answers below a domain under which nothing is said of it, or of it with others."""
_FILTER: Final = 4096
_MOST_RECORDS: Final = 64
_READ: Final = 4096
_A, _AAAA, _SOA, _OPT, _RRSIG = 1, 28, 6, 41, 46
#: types whose data are anything also where nobody asked: NULL, MX, TXT, SRV, CNAME, and those for private use
_DATA_TYPES: Final = frozenset({5, 10, 15, 16, 33})
_PRIVATE: Final = 65280
#: labels of a reverse name that are its network's, of 16 and of 32 bits
_REVERSE: Final = {b"in-addr": 4, b"ip6": 10}
#: bytes of an address that name a network: what follows is new with every host
_NETWORK: Final = {_A: 3, _AAAA: 8}
#: bytes that an address in a network that was not seen before counts for
_WEIGHT: Final = {_A: 4, _AAAA: 8}


class Domain:
    """What was seen below one domain, or all that a client spreads names over; all numbers lose weight with time."""

    __slots__ = ("carried", "last", "long", "names", "seen", "small", "told", "with_data")

    def __init__(self, now: float) -> None:
        self.last = now
        self.names = self.long = self.with_data = self.carried = self.small = 0.0
        #: filters of the names that were asked, and of the data that were answered
        self.seen = self.told = 0

    def age(self, now: float) -> None:
        """Let what was counted lose weight."""
        passed = now - self.last
        if passed < HALF_LIFE / 32:
            return
        self.last = now
        weight = 0.5 ** (passed / HALF_LIFE)
        self.names *= weight
        self.long *= weight
        self.with_data *= weight
        self.carried *= weight
        self.small *= weight

    @property
    def share(self) -> float:
        """Share of the names that are long or get much data; above 1 where one name gets other data each time."""
        return (self.long + self.with_data) / max(self.names, 1.0)

    @property
    def score(self) -> float:
        """0 to 1: that the domain's names carry something."""
        if max(self.names, self.with_data) < FEWEST:
            return 0.0
        shape = min(1.0, SHAPE * self.share)
        return max(shape * _score(self.carried, ENOUGH), _score(self.small, ENOUGH_SMALL))


class DnsTunnels:
    """Scores by client and domain. Memory: `MOST_DOMAINS` entries of about 2 KB."""

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
        found = self._find((client, domain), now)
        before = found.carried
        if message[2] & 0x80:
            self._answer(found, message, at)
        else:
            self._ask(found, below)
        score = found.score
        if self._is_spread(found, below):
            every = self._find((client, b""), now)
            every.carried += found.carried - before
            score = max(score, _score(every.carried, ENOUGH_SPREAD))
        return round(score, 3), domain.decode("ascii", "replace")

    def _find(self, key: tuple[bytes, bytes], now: float) -> Domain:
        found = self._domains.get(key)
        if found is None:
            found = self._domains[key] = Domain(now)
            if len(self._domains) > MOST_DOMAINS:
                self._domains.popitem(last=False)
        else:
            self._domains.move_to_end(key)
        found.age(now)
        return found

    @staticmethod
    def _is_spread(found: Domain, below: list[bytes]) -> bool:
        """All names of the domain carry, and its records are not those of services (RFC 8552), as mail servers ask
        them of every domain."""
        many = max(found.names, found.with_data) > FEWEST_SPREAD - 0.5
        return many and found.share >= SPREAD and not any(label.startswith(b"_") for label in below)

    @staticmethod
    def _ask(found: Domain, below: list[bytes]) -> None:
        name = b".".join(below).lower()
        found.seen, is_new = _remember(found.seen, name)
        if not is_new:
            return
        found.names += 1
        long = sum(len(label) for label in below if len(label) >= LONG_LABEL)
        if long >= LONG_NAME or sum(map(len, below)) >= LONG_LABELS:
            found.long += 1
        found.carried += _content(b"".join(below))

    @staticmethod
    def _answer(found: Domain, message: bytes, at: int) -> None:
        parts, small = [], 0
        for kind, data in _records(message, at):
            network = _NETWORK.get(kind)
            if network is None:
                parts.append(data)
                small += len(data) if _carries_anything(kind) else 0
                continue
            found.told, is_new = _remember(found.told, data[:network])
            if is_new:
                found.small += _WEIGHT[kind]
        whole = b"".join(parts)
        if len(whole) < MUCH_DATA and not small:
            return
        found.told, is_new = _remember(found.told, whole)
        if is_new and len(whole) >= MUCH_DATA:
            found.with_data += 1
            found.carried += _content(whole)
        elif is_new:
            found.small += _content(whole)


def _score(carried: float, enough: float) -> float:
    return 1 - exp(-carried / enough)


def _carries_anything(kind: int) -> bool:
    return kind in _DATA_TYPES or kind >= _PRIVATE


def _remember(seen: int, data: bytes) -> tuple[int, bool]:
    """Return the filter with the data in it, and whether they were not there yet."""
    bit = 1 << crc32(data) % _FILTER
    if seen & bit:
        return seen, False
    seen |= bit
    return (seen if seen.bit_count() <= _FILTER // 2 else bit), True  # it would take new ones for old ones


def split_domain(labels: list[bytes]) -> tuple[list[bytes], bytes]:
    """Return the labels below the registered domain, and the domain: two labels, three where the second is short and
    the first a country's (co.uk); of reverse names (RFC 1035 section 3.5, RFC 3596 section 2.5) those of a network.
    """
    size = 3 if len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3 else 2
    if labels[-1:] and labels[-1].lower() == b"arpa":
        size = _REVERSE.get(labels[-2].lower() if len(labels) > 1 else b"", 2)
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


def _records(message: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield type and data of the records that may carry: of the answers all but signatures that nobody asked for, of
    the other sections those whose data are anything, and long options. `at`: offset of the type that was asked.
    """
    asked = int.from_bytes(message[at : at + 2], "big")
    at += 4
    answers, authority, more = (int.from_bytes(message[start : start + 2], "big") for start in (6, 8, 10))
    for number in range(min(answers + authority + more, _MOST_RECORDS)):
        at = _labels(message, at)[1]
        if at + 10 > len(message):
            return
        kind, size = int.from_bytes(message[at : at + 2], "big"), int.from_bytes(message[at + 8 : at + 10], "big")
        data = message[at + 10 : at + 10 + size]
        at += 10 + size
        if kind == _OPT:
            data = data.rstrip(b"\0")  # padding (RFC 7830)
            wanted = len(data) >= 2 * MUCH_DATA
        elif number < answers:
            wanted = kind == asked or kind not in (_SOA, _RRSIG)
        else:
            wanted = _carries_anything(kind)
        if wanted:
            yield kind, data
