"""Detection without an engine: detectors that know one word, asked about bytes that the test gives."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from pywall_core.api import MORE, NO, Answer, Flow, Match
from pywall_core.calls.guard import Guard
from pywall_core.calls.quarantine import Failures
from pywall_core.detection.classifiers import Classifier
from pywall_core.detection.detection import Detection
from pywall_core.detection.detectors import Detector, Detectors
from pywall_core.testing import make_flow


def word(name: str, text: bytes, *, transports: tuple[str, ...] = ("udp",), **declared: Any) -> Detector:
    """Return a detector of a protocol whose client says ``text``; it is confirmed when the server has repeated it, or
    said it in capitals (which is no echo)."""

    def detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        spoken = text[: len(server)] == server[: len(text)] or text.upper().startswith(server[: len(text)])
        if not client.startswith(text[: len(client)]) or not spoken:
            return NO
        if len(client) < len(text):
            return MORE
        return Match(name, {"word": text.decode()}, confirmed=len(server) >= len(text), done=False)

    declared.setdefault("first_client", text[:1])
    return Detector(name, declared.pop("call", detect), transports, (name,), **declared)


class Detecting:
    """A detection over some detectors, and what its guard counted."""

    def __init__(
        self, *detectors: Detector, classifiers: tuple[Classifier, ...] = (), limit_bytes: int = 1000, packets: int = 10
    ) -> None:
        self.counters: Counter[str] = Counter()
        self.guard = Guard(Failures(logging.getLogger("test")), self.counters, lambda plugin: None)
        made = Detectors(list(detectors))
        self.detection = Detection(made, list(classifiers), limit_bytes, packets, self.guard)

    def flow(self, proto: int = 17) -> Flow:
        """Return a flow that has just begun."""
        flow = make_flow(proto=proto)
        self.detection.begin(flow)
        return flow

    def client(self, flow: Flow, data: bytes) -> bool:
        """Feed a datagram of the client."""
        return self.detection.feed(flow, True, data, flow.proto != 6)

    def server(self, flow: Flow, data: bytes) -> bool:
        """Feed a datagram of the server."""
        return self.detection.feed(flow, False, data, flow.proto != 6)


@pytest.fixture
def bench() -> Callable[..., Detecting]:
    return Detecting


@pytest.fixture
def speaks() -> Callable[..., Detector]:
    return word
