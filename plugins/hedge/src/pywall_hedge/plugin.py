"""The plugin `hedge`: classifies payloads of flows that no detector recognised; brings the rule kind `payload`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pywall_core.api import API_VERSION, MORE, Answer, Facts, Flow, hookimpl

from .stream import StreamClassifier

if TYPE_CHECKING:
    from pywall_core.api import Host, RuleRegistry

    from .options import Settings

NAME = "hedge"
FACTS = ("payload_class", "confidence", "entropy", "bytes_seen")


class _Evidence:
    __slots__ = ("payloads", "stream")

    def __init__(self, options: Settings) -> None:
        self.stream = StreamClassifier(options.method, gamma=options.gamma, alpha=options.alpha)
        self.payloads = 0


class _LaterOptions:
    """`Hedge.Options`, imported when a configuration is checked: see `pywall_hedge.options`."""

    def __get__(self, plugin: object, kind: type) -> type[Settings]:
        from .options import Settings

        return Settings


class Hedge:
    """Sets the facts `payload_class` (plain, compressed, encrypted, unknown), `confidence` (0 to 1), `entropy` (bits
    a byte, 0 to 8) and `bytes_seen` of flows whose protocol is unknown.
    """

    api_version = API_VERSION
    facts = FACTS
    Options = _LaterOptions()

    def __init__(self, options: Settings) -> None:
        self.options = options
        self._settled = {"plain": 0, "compressed": 0, "encrypted": 0, "unknown": 0}

    @hookimpl
    def pywall_rules(self, register: RuleRegistry) -> None:
        """Contribute the rule kind `payload`."""
        from .rule import Payload

        register(Payload)

    @hookimpl
    def pywall_startup(self, engine: Host) -> None:
        """Load the weights before the first packet waits for them."""
        from . import warm_up

        warm_up(self.options.method)

    @hookimpl
    def pywall_classify(self, flow: Flow, to_server: bool, data: bytes) -> Facts | Answer:
        """Add a payload; Facts when the window is full or the evidence is beyond doubt."""
        if flow.ext is None:
            flow.ext = {}
        found = flow.ext.get(NAME)
        if found is None:
            found = flow.ext[NAME] = _Evidence(self.options)
        found.stream.update(data, to_server)
        found.payloads += 1
        seen, options = found.stream.bytes_seen, self.options
        full = seen >= options.window or (found.payloads >= options.packets and seen >= options.least)
        if not full and not found.stream.settled():
            return MORE
        del flow.ext[NAME]
        return self._facts(found.stream)

    @hookimpl
    def pywall_flow_end(self, flow: Flow, reason: str) -> None:
        """Say of a flow that ended early what its bytes looked like so far."""
        found = flow.ext.pop(NAME, None) if flow.ext else None
        if found is not None:
            flow.facts = {**flow.facts, **self._facts(found.stream)}

    @hookimpl
    def pywall_stats(self) -> dict[str, Any]:
        """How many flows settled to each class."""
        return {"settled": dict(self._settled)}

    def _facts(self, stream: StreamClassifier) -> Facts:
        if stream.bytes_seen < 32:
            label, confidence = "unknown", 0.0
        else:
            result = stream.result()
            label, confidence = result.label, result.confidence
        self._settled[label] += 1
        return Facts(
            payload_class=label,
            confidence=round(confidence, 4),
            entropy=round(stream.entropy, 4),
            bytes_seen=stream.bytes_seen,
        )
