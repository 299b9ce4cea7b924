"""A sequential decision over the payload of one flow, both directions, from the first byte on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .beginning import BARE, SEALED, is_bare, is_exchange, is_sealed
from .classification import SHORTEST, Classification, classify
from .entropy import entropy
from .wald import Thresholds, bounded, logit, sigmoid, thresholds
from .xor import xor_key

if TYPE_CHECKING:
    from .direction import Direction
    from .framing import Stripped

FALSE_DROP, MISS, PRIOR = 0.0125, 0.05, 0.8
"""Wanted error rates of the sequential test, and the probability before the first byte that a flow without a confirmed
name is encrypted: used where none are given."""
ALIKE, ALIKE_MIDDLE = 0.003, 0.35
"""Share of flows that are not encrypted and look exactly like ciphertext: of those whose start was seen without a
file's head, and of those that were joined in the middle (a range coder's output has no mark there)."""
SECOND = 0.6
"""Weight of the weaker direction where both speak for ciphertext."""


class StreamClassifier:
    """Classify a flow as its payload comes in: `update` for every payload in order; `odds`, `decision` and `result` at
    any time.

    `method`, `gamma` and `alpha` as for `pywall_hedge.classify`; another method raises ValueError. `prior`: log-odds
    (nats) of "encrypted" before the first byte, settable at any time (what is remembered of a peer goes here).
    `start_seen`: the first byte of the flow was seen. `stream`: the payloads are those of TCP, which keeps no messages
    apart (`pywall_hedge.beginning`). `false_drop`, `miss`: wanted error rates, 0 to 0.5, of the test.
    Memory: at most 100 KiB a direction.
    """

    def __init__(
        self,
        method: str = "learned",
        *,
        gamma: float = 2.0,
        alpha: float = 0.01,
        prior: float = logit(PRIOR),
        start_seen: bool = True,
        stream: bool = False,
        false_drop: float = FALSE_DROP,
        miss: float = MISS,
    ) -> None:
        if method not in ("learned", "hedge"):
            raise ValueError(f"no such method: {method!r}; learned and hedge are")
        self._method = method
        self._gamma, self._alpha = gamma, alpha
        self._alike = ALIKE if start_seen else ALIKE_MIDDLE
        self._start_seen = start_seen
        self._stream = stream
        self._bare: list[bool | None] = [None if stream and start_seen else False] * 2
        self._sealed = [False, False]
        self.prior = prior
        self.remembered = 0.0
        """Log-odds (nats) of this flow that the memory of peers holds already."""
        self.thresholds: Thresholds = thresholds(false_drop, miss)
        from .direction import Direction  # numpy is loaded on first use
        from .rows import Tables

        first: list[bool] = []
        self._ways: tuple[Direction, Direction] = (
            Direction(self._score, Tables(False, first)),
            Direction(self._score, Tables(True, first)),
        )
        self._counts = [0] * 256
        self._first = bytearray()
        self.bytes_seen = 0
        """Bytes given to `update`, both directions."""

    def update(self, payload: bytes | bytearray | memoryview, to_server: bool = True) -> None:
        """Add the next payload of one direction. Payload boundaries count: they show the messages."""
        if not payload:
            return
        payload = bytes(payload)
        self.bytes_seen += len(payload)
        if len(self._first) < SHORTEST:
            self._first += payload[:SHORTEST]
        if self._bare[to_server] is None:
            # whoever answers text has been told what will come
            self._bare[to_server] = not self._ways[not to_server].clear and is_bare(payload)
        if is_sealed(payload):
            self._sealed[to_server] = True
        self._ways[to_server].update(payload)

    def _score(self, stripped: Stripped) -> float:
        if self._method == "hedge":
            found = classify(stripped.residual, "hedge", gamma=self._gamma, alpha=self._alpha)
            return 2.0 if found.label == "encrypted" else -2.0
        from . import flowmodel

        return bounded(flowmodel.log_ratio(stripped, self._start_seen), self._alike)

    @property
    def own_odds(self) -> float:
        """Log-odds (nats) of "encrypted" from the flow's own bytes, without the prior."""
        ratios = [self._ratio(to_server) for to_server in (False, True) if self._ways[to_server].size]
        if len(ratios) < 2:
            return sum(ratios)
        if self._stream and min(ratios) > 0 and is_exchange(self._ways[True].sent, self._ways[False].sent):
            return max(ratios)
        return max(ratios) + SECOND * max(min(ratios), 0.0)

    def _ratio(self, to_server: bool) -> float:
        """Log-likelihood ratio (nats) of one direction; a bare beginning counts while no framing is found behind it, a
        head that announces ciphertext where the bytes do not speak against it."""
        way = self._ways[to_server]
        ratio, found = way.ratio, way.stripped
        if self._sealed[to_server] and ratio > 0:
            return ratio + SEALED
        if not self._bare[to_server] or ratio <= 0 or found is None or found.header or found.layout is not None:
            return ratio
        return ratio + BARE

    @property
    def odds(self) -> float:
        """Log-odds (nats) of "encrypted", prior included."""
        return self.prior + self.own_odds

    @property
    def encoding(self) -> str | None:
        """Name of the text encoding that ciphertext was found in."""
        return next((way.encoding for way in self._ways if way.encoding), None)

    @property
    def entropy(self) -> float:
        """Shannon entropy of the bytes that the answer rests on, bits a byte, 0 to 8: the noise without its framing;
        of the first bytes of the flow where there was none."""
        scored = [way.stripped.residual for way in self._ways if way.stripped is not None]
        data = max(scored, key=len, default=b"") or bytes(self._first)
        return entropy(data)

    def decision(self) -> bool | None:
        """Return the outcome of the sequential test: True encrypted, False not encrypted, None when it goes on.

        False may turn: what comes later may be ciphertext.
        """
        odds = self.odds
        if odds >= self.thresholds.upper:
            return True
        return False if odds <= self.thresholds.lower else None

    def result(self) -> Classification:
        """Return the classification of what was seen so far; a flow shorter than 32 bytes is told by its text alone."""
        for way in self._ways:
            way.finish()
        if self.bytes_seen < SHORTEST:
            return classify(bytes(self._first[: self.bytes_seen]), self._method)
        odds, own = self.odds, self.own_odds
        if odds > 0 and own > 0:  # a prior alone makes nothing encrypted
            return Classification("encrypted", sigmoid(odds), self.encoding or "")
        share = sigmoid(min(odds, own))
        name = next((way.name for way in self._ways if way.name is not None and 2 * way.size >= self.bytes_seen), None)
        if name is not None:
            return Classification("compressed", 1 - share, name)
        noise = max((way.noise for way in self._ways), key=len)
        if (key := xor_key(bytes(noise))) is not None:
            return Classification("obfuscated", 1 - share, f"xor with {key.hex()}")
        clear = sum(way.clear for way in self._ways)
        if 2 * clear >= self.bytes_seen:
            return Classification("plain", 1 - share)
        if len(noise) < SHORTEST:
            return Classification("plain" if clear else "compressed", 1 - share)
        found = classify(bytes(noise), self._method, gamma=self._gamma, alpha=self._alpha)
        return Classification("plain" if found.label == "plain" else "compressed", 1 - share)

    def settled(self) -> bool:
        """Return True if the test has ended with "encrypted": the one outcome that later bytes cannot turn."""
        return self.odds >= self.thresholds.upper
