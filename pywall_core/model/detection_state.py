"""DetectionState: what detection knows of a flow, as one object, so that it can be set back."""

from __future__ import annotations

from typing import Any, Final, final

from .verdict import Match


@final
class DetectionState:
    """What detectors, classifiers and transaction parsers know of one flow (``flow.detection``).

    All flows that have just begun share one, until something is known of them: who writes takes
    :meth:`~pywall_core.model.flow.Flow.own_detection`. Only :mod:`pywall_core.detection` writes it. Plugins read the
    parts that are properties of :class:`~pywall_core.model.flow.Flow`.
    """

    __slots__ = (
        "app_proto",
        "app_proto_orig",
        "app_proto_outer",
        "classifying",
        "client",
        "client_sizes",
        "confirmed",
        "cuts",
        "done",
        "facts",
        "following",
        "match",
        "match_bit",
        "opaque",
        "opening",
        "payload_seen",
        "pending",
        "server",
        "server_sizes",
        "shared",
        "turned",
        "unwrap",
    )

    #: several flows have this one, so nobody writes it
    shared: bool
    #: bytes from the start of each direction, as far as detection keeps them
    client: bytes
    server: bytes
    #: for datagrams: length of each payload in ``client`` and ``server``
    client_sizes: tuple[int, ...]
    server_sizes: tuple[int, ...]
    #: for classification: length of each payload kept, in the order of arrival, negative from the server
    cuts: tuple[int, ...]
    #: mask of the detectors that have not said NO yet
    pending: int
    #: what the first detector with a match said, and the bit of that detector
    match: Match | None
    match_bit: int
    #: settled protocol name, "unknown" when nothing was detected, None while that is open
    app_proto: str | None
    #: the name before a protocol was withdrawn or replaced
    app_proto_orig: str | None
    #: names of the protocols that carry ``app_proto``, the outermost first
    app_proto_outer: tuple[str, ...]
    #: facts by dotted name; the dictionary is replaced, never changed
    facts: dict[str, Any]
    #: both sides were seen to speak ``app_proto``
    confirmed: bool
    #: nothing more will be learnt by detectors
    done: bool
    #: handed over to something that no detector has matched, or not yet (a tunnel's inside)
    opaque: bool
    #: bytes of the client that came before the server's first one
    opening: int
    payload_seen: bool
    #: mask of the classifiers that have not settled; -1: they have not been asked yet
    classifying: int
    #: parser of the flow's transactions with its state, None when its protocol has none or none can come any more
    following: Any
    #: what was taken for the server is the client: ``client``, ``server``, ``cuts`` and ``following`` are by content
    turned: bool
    #: what takes the inside out of the frames of what carries it, the outermost first
    unwrap: tuple[Any, ...]

    def snapshot(self) -> DetectionState | None:
        """Return what replaces the state if the next packet is not accepted, since such a packet teaches nothing. None
        where nobody looks at its bytes.
        """
        if self.done and self.following is None:
            return None
        return self if self.shared else self.copy()

    def copy(self) -> DetectionState:
        """Return the same state once more, not shared."""
        state = DetectionState()
        state.shared = False
        state.client = self.client
        state.server = self.server
        state.client_sizes = self.client_sizes
        state.server_sizes = self.server_sizes
        state.cuts = self.cuts
        state.pending = self.pending
        state.match = self.match
        state.match_bit = self.match_bit
        state.app_proto = self.app_proto
        state.app_proto_orig = self.app_proto_orig
        state.app_proto_outer = self.app_proto_outer
        state.facts = self.facts
        state.confirmed = self.confirmed
        state.done = self.done
        state.opaque = self.opaque
        state.opening = self.opening
        state.payload_seen = self.payload_seen
        state.classifying = self.classifying
        state.following = None if self.following is None else self.following.copy()
        state.turned = self.turned
        state.unwrap = self.unwrap and tuple(each.copy() for each in self.unwrap)
        return state


def _nothing_known() -> DetectionState:
    state = DetectionState()
    state.shared = True
    state.client = state.server = b""
    state.client_sizes = state.server_sizes = state.cuts = state.app_proto_outer = state.unwrap = ()
    state.match = state.app_proto = state.app_proto_orig = state.following = None
    state.pending = state.match_bit = state.classifying = state.opening = 0
    state.facts = {}
    state.confirmed = state.done = state.opaque = state.payload_seen = state.turned = False
    return state


#: the state of each flow before detection has set it up
NOTHING_KNOWN: Final = _nothing_known()
