"""Evidence over the payload of one stream, both directions.

Each direction is cut into pieces of 16 KiB, the longest that the model has a network for; the unfinished last piece
is judged as far as it goes, so that a few packets already give an answer. The pieces' log-odds are summed, but they
are not independent: what looks random in one piece of a range-coded file looks random in the next. So the sum for
"encrypted" must clear a threshold that grows with the number of pieces, and confidence in it ends at what the model
can know. A structure at the head of a direction (see `pywall_hedge.heads`) decides as long as what follows fits it.
"""

from __future__ import annotations

from .classification import SHORTEST, Classification, classify, log_odds, verdict
from .entropy import entropy_of
from .heads import introduced

PIECE = 16384
"""Octets judged at a time."""
KEPT = 65536
"""Octets of a direction's start within which its structure is checked."""
FIRST_LOOK, LAST_CHANCE = 64, 2048
"""Octets from which a head is looked at, and after which one without a structure is given up."""
GROWTH = 1.2
"""Log-odds that the sum must clear for every piece after the first; fitted by training/streams.py."""
OPENING = 4096
"""Octets of a direction's start, a quarter of it at most, that the statistics leave out: a header in clear text or a
whole small file in front must not make the ciphertext behind it look like a file."""
BOUND = 6.0
"""Log-odds that one piece can add at most, so that a plain greeting does not outweigh what follows."""
CEILING = 0.93
"""Confidence in "encrypted" at most: some compressed formats look no different, however much of them is seen."""


class _Direction:
    __slots__ = ("evidence", "head", "looked_at", "name", "pending", "pieces", "plain", "size")

    def __init__(self) -> None:
        self.head: bytearray | None = bytearray()
        self.pending = bytearray()
        self.size = 0
        self.pieces = 0
        self.evidence = 0.0
        self.plain = 0.0
        self.name: str | None = None
        self.looked_at = 0

    def add(self, payload: bytes) -> None:
        """Keep the payload; look at the head again whenever it has doubled, and when it is complete."""
        self.size += len(payload)
        self.pending += payload
        head = self.head
        if head is None:
            return
        head += payload[: KEPT - len(head)]
        size = len(head)
        if size >= FIRST_LOOK and (size >= 2 * self.looked_at or size == KEPT):
            self.looked_at = size
            self.name = introduced(bytes(head))
            if size == KEPT or (self.name is None and size >= LAST_CHANCE):
                self.head = None

    def piece(self, size: int) -> bytes:
        """The first `size` octets (32 at least) that no piece has taken, less the opening."""
        return bytes(self.pending[0 if self.pieces else min(OPENING, size // 4, size - SHORTEST) : size])


class StreamClassifier:
    """Classify a stream as its payload comes in: `update` for every payload in order, `result` at any time.

    `method`, `gamma` and `alpha` as for `pywall_hedge.classify`; another method raises ValueError. Memory: at most 80
    KiB a direction, 16 KiB where the head has no known structure.
    """

    def __init__(self, method: str = "learned", *, gamma: float = 2.0, alpha: float = 0.01) -> None:
        if method not in ("learned", "hedge"):
            raise ValueError(f"no such method: {method!r}; learned and hedge are")
        self._method = method
        self._gamma, self._alpha = gamma, alpha
        self._ways = (_Direction(), _Direction())
        from .features import byte_counts

        self._count = byte_counts
        self._counts = byte_counts(b"")
        self.bytes_seen = 0
        """Octets given to `update`, both directions."""

    def update(self, payload: bytes, to_server: bool = True) -> None:
        """Add the next payload of one direction."""
        way = self._ways[to_server]
        self.bytes_seen += len(payload)
        way.add(payload)
        while len(way.pending) >= PIECE:
            encrypted, plain = self._evidence(way.piece(PIECE))
            del way.pending[:PIECE]
            way.evidence += max(min(encrypted, BOUND), -BOUND)
            way.plain += plain
            way.pieces += 1
        self._counts += self._count(payload)

    def _evidence(self, piece: bytes) -> tuple[float, float]:
        if self._method == "hedge":
            found = classify(piece, "hedge", gamma=self._gamma, alpha=self._alpha)
            return (2.0, 0.0) if found.label == "encrypted" else (-2.0, 2.0 if found.label == "plain" else -2.0)
        return log_odds(piece)

    @property
    def entropy(self) -> float:
        """Shannon entropy of all bytes seen, bits a byte, 0 to 8."""
        return entropy_of(self._counts.tolist())

    def result(self) -> Classification:
        """The classification of what was seen so far; a stream shorter than 32 octets is told by its text alone."""
        encrypted = plain = 0.0
        pieces = 0
        for way in self._ways:
            if self._method == "learned" and way.name is not None and 2 * way.size >= self.bytes_seen:
                return Classification("compressed", 0.99, way.name)
            encrypted, plain, pieces = encrypted + way.evidence, plain + way.plain, pieces + way.pieces
            if len(way.pending) >= SHORTEST:
                more, tell = self._evidence(way.piece(len(way.pending)))
                bound = BOUND * (1.0 if 2 * way.size >= self.bytes_seen else min(1.0, way.size / 1024))
                encrypted, plain = encrypted + max(min(more, bound), -bound), plain + tell
                pieces += 1
        if not pieces:
            return classify(bytes(max((way.pending for way in self._ways), key=len)), self._method)
        found = verdict(encrypted - GROWTH * (pieces - 1), plain)
        if found.label == "encrypted" and found.confidence > CEILING:
            return Classification("encrypted", CEILING)
        return found

    def settled(self) -> bool:
        """A whole piece speaks against encryption as clearly as one can: later bytes need not be waited for.

        Never of a structure, which may break off.
        """
        if any(way.name is not None for way in self._ways):
            return False
        return sum(way.evidence for way in self._ways) <= -BOUND
