"""TLS inside TLS, by the sizes of records: the handshake of the inner connection shows in those of the outer one.

Behind the outer handshake a client that opens another TLS connection sends a ClientHello, gets a flight with a
certificate, answers with a Finished that is much smaller than its hello, and goes on at once. What each part of this is
worth was fitted to real clients and tunnels (see the page Carriers); it is a score, not a proof.

:source: D. Xue et al., Fingerprinting Obfuscated Proxy Traffic with Encapsulated TLS Handshakes, USENIX Security 2024;
    RFC 8446 sections 4.4 and 5.2, RFC 5246 section 7.3
"""

from __future__ import annotations

from bisect import bisect_right
from math import exp
from typing import Final

CCS, HANDSHAKE, APPLICATION_DATA = 20, 22, 23
FINISHED: Final = (53, 69)
"""Records of TLS 1.3 with a Finished by SHA-256 and by SHA-384."""
TICKETS, TICKET = 2, (150, 300)
"""Session tickets that a server may send behind the handshake, and their least and largest record."""
SEALED_13, SEALED_12 = 17, 24
"""Bytes that encryption adds to a record."""
MUCH, MOST_RECORDS = 3000, 48
"""Bytes of the server's second answer, and records in all, after which the score is final."""

LAST_WORDS: Final = (58, 64, 74, 80, 93, 126)
"""Bytes in which a client ends a handshake: Finished of TLS 1.3 by either hash, with and without ChangeCipherSpec, and
key exchange, ChangeCipherSpec and Finished of TLS 1.2 by X25519 and by P-256."""
FEW = 700
"""Bytes of a server that answers a Finished by session tickets at most."""

HELLO = (150, 240, 480, 560, 760, 1500, 2400)
FLIGHT = (300, 700, 1000, 1600, 3500, 6000, 9000)
FINAL = (30, 55, 70, 90, 130, 190, 320, 650)
SHARE = (0.12, 0.22, 0.35, 0.5, 0.8)
ANSWER = (60, 200, 420, 700, 1500)
"""Where the sizes are cut: of the client's first burst, the server's, the client's next record, its share of the first
burst, and the server's answer to it."""


def features(hello: int, flight: int, final: int, goes_on: bool, answer: int) -> list[int]:
    """Return the numbers of the weights that hold for these sizes."""
    found, at = [], 0
    for value, cuts in ((hello, HELLO), (flight, FLIGHT), (final, FINAL), (final / hello, SHARE), (answer, ANSWER)):
        found.append(at + bisect_right(cuts, value))
        at += len(cuts) + 1
    found.append(at + goes_on)
    at += 2
    if hello >= HELLO[0] and FINAL[1] <= final < FINAL[5] and final < hello / 2:
        at += 1 + 2 * (final in LAST_WORDS) + (goes_on or answer <= FEW)
    return [*found, at]


WEIGHTS: Final = (
    -1.6, -1.24, 0.26, 1.07, 1.29, -0.7, 1.16, -0.29,
    -0.68, -1.56, 2.12, 1.58, 0.89, 1.16, -1.23, -2.33,
    -1.23, -1.19, -1.72, -0.14, 0.34, 1.35, 1.0, 0.49, 1.06,
    -0.31, 0.35, 0.25, 1.25, 1.01, -2.59,
    1.22, 0.64, -1.17, -0.82, 0.2, -0.11,
    0.86, -0.91,
    -1.76, -1.67, 0.06, -0.62, 3.94,
)  # fmt: skip
"""Log-odds (nats) for each range of each size, for a client that goes on at once, and for last words that do not fit,
fit with and without what follows them, or are exact with and without it. Fitted by logistic regression."""
BIAS: Final = -0.98
WIDTH: Final = len(WEIGHTS)


class InnerTls:
    """The records of one connection. `sizes` are known once enough were seen, None before."""

    __slots__ = (
        "_answer", "_ccs", "_dropped", "_final", "_flight", "_goes_on", "_hello", "_old", "_records", "_started",
        "_tickets", "sizes",
    )  # fmt: skip

    def __init__(self) -> None:
        self.sizes: tuple[int, int, int, bool, int] | None = None
        self._records = self._tickets = self._dropped = 0
        self._started = self._old = self._ccs = self._goes_on = False
        self._hello = self._flight = self._final = self._answer = 0

    def add(self, to_server: bool, kind: int, length: int) -> bool:
        """Take a record's header, in the order of arrival; True when the score is known."""
        self._records += 1
        if self.sizes is None and self._records <= MOST_RECORDS:
            if kind == APPLICATION_DATA:
                self._data(to_server, length)
            elif to_server:
                # to TLS 1.2 the client's Finished is a handshake record behind its ChangeCipherSpec
                self._old |= self._ccs and kind == HANDSHAKE
                self._ccs |= kind == CCS
        return self.sizes is not None

    @property
    def score(self) -> float:
        """0 to 1: that another TLS handshake is inside."""
        if self.sizes is None:
            return 0.0
        odds = BIAS + sum(WEIGHTS[number] for number in features(*self.sizes))
        return 1 / (1 + exp(-max(-50.0, min(50.0, odds))))

    def _data(self, to_server: bool, length: int) -> None:
        if not self._started:
            if not self._old and not to_server:
                return  # the server's part of a handshake of TLS 1.3
            self._started = True
            if not self._old and length in FINISHED:
                return
        size = max(0, length - (SEALED_12 if self._old else SEALED_13))
        if to_server:
            self._client(size)
        else:
            self._server(length, size)

    def _client(self, size: int) -> None:
        if not self._flight and not self._final:
            if self._hello and self._dropped:  # what looked like a ticket was the answer
                self._flight, self._dropped = self._dropped, 0
            else:
                self._hello += size
                return
        if not self._final:
            self._final = max(size, 1)
        elif not self._answer:
            self._goes_on = True
        else:
            self._end()

    def _server(self, length: int, size: int) -> None:
        if not self._flight and self._tickets < TICKETS and TICKET[0] <= length <= TICKET[1]:
            self._tickets += 1
            self._dropped += size if self._hello else 0
        elif not self._hello:
            return
        elif not self._final:
            self._flight += size
        else:
            self._answer += max(size, 1)
            if self._answer > MUCH:
                self._end()

    def _end(self) -> None:
        if self._hello:
            self.sizes = self._hello, self._flight, self._final, self._goes_on, self._answer
