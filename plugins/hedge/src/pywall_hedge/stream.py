"""Evidence over the payload of one stream, both directions.

Each direction is cut into pieces of 16 KiB, the longest that the model has a network for; the unfinished last piece is judged as
far as it goes, so that a few packets already give an answer. The pieces' log-odds are summed. What range coders put out
looks a little more like encryption than like anything else the model knows, so the sum for "encrypted" must clear a
threshold that grows with the number of pieces.
A structure at the head of a direction (see `pywall_hedge.heads`) decides as long as what follows fits it.
"""

from __future__ import annotations

from .classification import SHORTEST, Classification, entropy_of, sigmoid, verdict
from .heads import examine

PIECE = 16384
"""Octets judged at a time."""
KEPT = 65536
"""Octets of a direction's start within which its structure is checked."""
GROWTH = 0.35
"""Log-odds that the sum must clear for every piece after the first; fitted by training/streams.py."""
BOUND = 6.0
"""Log-odds that one piece can add at most, so that a plain greeting does not outweigh what follows."""


class _Direction:
    __slots__ = ("evidence", "head", "name", "named_at", "pending", "pieces", "plain", "size")

    def __init__(self) -> None:
        self.head = bytearray()
        self.pending = bytearray()
        self.size = 0
        self.pieces = 0
        self.evidence = 0.0
        self.plain = 0.0
        self.name: str | None = None
        self.named_at = 0

    def structure(self) -> str | None:
        """Name of the head's format, looked at again whenever the bytes have doubled, and when `KEPT` is reached."""
        size = len(self.head)
        if size > self.named_at and (size >= 2 * self.named_at or size == KEPT):
            self.named_at = size
            self.name = examine(bytes(self.head))
        return self.name


class StreamClassifier:
    """Classify a stream as its payload comes in.

    `update` for every payload in order, `result` at any time. `method`, `gamma` and `alpha` as for
    `pywall_hedge.classify`. Memory: at most 80 KiB a direction.
    """

    def __init__(self, method: str = "learned", *, gamma: float = 2.0, alpha: float = 0.01) -> None:
        if method not in ("learned", "hedge"):
            raise ValueError(f"no such method: {method!r}; learned and hedge are")
        self._method = method
        self._gamma, self._alpha = gamma, alpha
        self._ways = (_Direction(), _Direction())
        self._counts = [0] * 256
        self.bytes_seen = 0
        """Octets given to `update`, both directions."""

    def update(self, payload: bytes, to_server: bool = True) -> None:
        """Add the next payload of one direction."""
        way = self._ways[to_server]
        way.size += len(payload)
        self.bytes_seen += len(payload)
        if len(way.head) < KEPT:
            way.head += payload[: KEPT - len(way.head)]
        way.pending += payload
        while len(way.pending) >= PIECE:
            self._judge(way, bytes(way.pending[:PIECE]))
            del way.pending[:PIECE]
        self._count(payload)

    def _count(self, payload: bytes) -> None:
        import numpy as np

        counts = np.bincount(np.frombuffer(payload, dtype=np.uint8), minlength=256)
        self._counts = [old + new for old, new in zip(self._counts, counts.tolist(), strict=True)]

    def _evidence(self, piece: bytes) -> tuple[float, float]:
        if self._method == "hedge":
            from .hedge import failed

            passes = failed(piece, self._gamma, self._alpha) is None
            return (2.0 if passes else -2.0), 0.0
        from .model import log_odds

        return log_odds(piece)

    def _judge(self, way: _Direction, piece: bytes) -> None:
        encrypted, plain = self._evidence(piece)
        way.evidence += max(min(encrypted, BOUND), -BOUND)
        way.plain += plain
        way.pieces += 1

    @property
    def entropy(self) -> float:
        """Shannon entropy of all bytes seen, bits a byte, 0 to 8."""
        return entropy_of(self._counts)

    def result(self) -> Classification:
        """The classification of what was seen so far; a stream shorter than 32 octets is told by its text alone."""
        encrypted = plain = 0.0
        pieces = 0
        judged = False
        for way in self._ways:
            if self._method == "learned" and (name := way.structure()) is not None and 2 * way.size >= self.bytes_seen:
                return Classification("compressed", 0.99, name)
            encrypted, plain, pieces = encrypted + way.evidence, plain + way.plain, pieces + way.pieces
            judged = judged or way.pieces > 0
            if len(way.pending) >= SHORTEST:
                more, tell = self._evidence(bytes(way.pending))
                share = min(1.0, way.size / 1024) if self.bytes_seen > 2 * way.size else 1.0
                bound = BOUND * share
                encrypted, plain, judged = encrypted + max(min(more * share, bound), -bound), plain + tell * share, True
                pieces += 1
        if not judged:
            from .classification import classify

            return classify(bytes(max((way.head for way in self._ways), key=len)), self._method)
        return verdict(encrypted - GROWTH * max(pieces - 1, 0), plain)

    def settled(self) -> bool:
        """Certain before the window is full: the evidence against encryption is beyond what later bytes would turn."""
        if self._method == "hedge" or self.bytes_seen < 1024:
            return False
        found = self.result()
        return not found.because and found.label != "encrypted" and found.confidence > 0.999

    @property
    def certainty(self) -> float:
        """Confidence of `result`, 0 to 1."""
        return self.result().confidence


__all__ = ["StreamClassifier", "sigmoid"]
