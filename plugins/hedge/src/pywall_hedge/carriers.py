"""What protocols carry inside: HTTP bodies, WebSocket messages and ICMP echo data, classified as payloads are.

Content codings are decoded first, within bounds, so that ciphertext behind `Content-Encoding: gzip` is ciphertext.
"""

from __future__ import annotations

from operator import ne

from pywall_core.api import Carried

from .codings import Decoder, decoder
from .stream import StreamClassifier

BODY, MESSAGES, ECHO = "http.body", "websocket", "icmp"
WINDOW, SAMPLE, EVERY = 65536, 16384, 262144
"""Bytes of a body that are classified from its first one on, and of a body that looks plain so many in each further
`EVERY` bytes: a plain beginning buys no free pass."""
SHORT = 1024
"""Bytes of a body below which the next one of its direction is classified together with it."""
REQUESTS, UNASKED = 64, 4
"""Echo requests whose data are remembered, and replies with data of no request that are no accident."""
CLOCK, STEP = 32, 1024
"""Bytes at the start of echo data that are not counted, and bytes in which the others are reported."""


class Body:
    """One body, or all messages of a direction. `label` is its class so far, "" while that is open."""

    __slots__ = ("_decoder", "_kind", "_passed", "_position", "_seen", "label", "stream")

    def __init__(self) -> None:
        self.label = ""
        self.stream: StreamClassifier | None = StreamClassifier()
        self._decoder: Decoder | None = None
        self._kind = ""
        #: bytes of the carrier that were given, classified ones of the present window, and others behind it
        self._position = self._seen = self._passed = 0

    def add(self, carried: Carried) -> bool:
        """Take the next bytes; True when the class has changed. What was given before (a packet that was dropped and
        comes again) is left out.
        """
        new = self._position - carried.offset if carried.carrier != ECHO else 0
        data = carried.data[new:] if new > 0 else carried.data
        if not data or self.label in ("encrypted", "undecodable"):
            return False
        self._position += len(data)
        if not carried.kind or carried.carrier == ECHO:
            return self._classify(data)
        if self._decoder is None or carried.kind != self._kind:
            self._kind, self._decoder = carried.kind, self._decoder or decoder(carried.kind)
        changed = False
        for piece in self._decoder.decode(data):
            changed |= self._classify(piece)
        if self._decoder.bomb:
            changed |= self._set("undecodable")
        return changed

    def goes_on(self) -> bool:
        """Another body begins. Return True if it is classified together with this one: both are too short to tell."""
        if self.label or self._seen >= SHORT:
            return False
        self._position, self._decoder = 0, None
        return True

    def _classify(self, data: bytes) -> bool:
        before = self.label
        while data and self.label != "encrypted":
            if self.stream is None:
                passed = min(len(data), EVERY - self._passed)
                self._passed += passed
                data = data[passed:]
                if self._passed < EVERY or self.label != "plain":
                    break
                self.stream, self._seen, self._passed = StreamClassifier(), WINDOW - SAMPLE, 0
                continue
            taken = data[: WINDOW - self._seen]
            data = data[len(taken) :]
            self._seen += len(taken)
            self.stream.update(taken)
            if self.stream.settled():
                self.label = "encrypted"
            elif self._seen >= WINDOW:
                found = self.stream.result().label
                # a window spent is no proof of ciphertext
                self.label, self.stream = ("unknown" if found == "encrypted" else found), None
        return self.label != before

    def _set(self, label: str) -> bool:
        changed, self.label = self.label != label, label
        return changed

    def label_now(self) -> str:
        """Return the class by what was seen so far."""
        if self.label or self.stream is None or not self.stream.bytes_seen:
            return self.label
        found = self.stream.result().label
        return "unknown" if found == "encrypted" else found


class Echoes:
    """Data of echo requests, and replies that answer none of them (RFC 792: "the data received must be returned").

    `carried` counts the bytes that no packet of the flow before had in their place: what a ping repeats (a pattern of
    whatever length) tells nothing, and neither do its first bytes, where clocks and counters stand.
    """

    __slots__ = ("_pattern", "_requests", "body", "carried", "unasked")

    def __init__(self) -> None:
        self.body = Body()
        self.unasked = self.carried = 0
        self._requests: list[bytes] = []
        self._pattern = b""

    def add(self, carried: Carried) -> bool:
        """Take data; True when something changed. A reply's are those of a request, or its first part."""
        data = carried.data
        if carried.kind == "request":
            self._requests.append(data)
            del self._requests[:-REQUESTS]
        elif any(request.startswith(data) for request in reversed(self._requests)):
            return False
        else:
            self.unasked += 1
        steps = self.carried // STEP
        self._count(data[CLOCK:])
        changed = self.body.add(carried)
        return changed or self.unasked == UNASKED or self.carried // STEP > steps

    def _count(self, data: bytes) -> None:
        pattern = self._pattern
        if not pattern.startswith(data) and data[: len(pattern)] != pattern:
            self.carried += sum(map(ne, data, pattern))
        self.carried += max(0, len(data) - len(pattern))
        self._pattern = data + pattern[len(data) :]
