"""What one packet would change, staged until its verdict stands."""

from __future__ import annotations

from pywall_core.api import Flow

from .half import Half
from .options import MAX_SHIFT, Options
from .settings import Timeouts
from .states import FIN, HANDSHAKE, OVER, received, sent

Segments = tuple[tuple[int, bytes, int], ...]
#: ``flow.tracker``: what the server sends, and what the client sends; indexed by ``packet.to_server``
Halves = tuple[Half, Half]


class Step:
    """The change that a packet of ``sender`` makes once it is accepted; -1 and None leave a value as it is."""

    __slots__ = (
        "acked",
        "data",
        "data_follows",
        "edge",
        "events",
        "fin",
        "fin_arrives",
        "isn",
        "late",
        "missing",
        "next",
        "options",
        "peer",
        "removed",
        "reset",
        "resyn",
        "segments",
        "sender",
        "shown",
        "top",
        "tsval",
        "urgent",
        "window",
    )

    def __init__(
        self,
        sender: Half,
        peer: Half,
        *,
        top: int = -1,
        acked: int = -1,
        edge: int = -1,
        window: int = 0,
        urgent: int = -1,
        isn: int = -1,
        options: Options | None = None,
        resyn: int = -1,
        reset: bool = False,
    ) -> None:
        self.sender = sender
        self.peer = peer
        #: what both state machines are told (:mod:`.states`), in order
        self.events: list[str] = []
        #: the receiver is told of the FIN only when it has everything before it
        self.fin_arrives = False
        self.segments: Segments = ()
        #: detectors or classifiers are shown the octets
        self.shown = False
        self.data = b""
        self.data_follows = True
        self.late: list[tuple[int, bytes]] | None = None
        self.next = self.fin = self.tsval = -1
        self.missing = self.removed = 0
        self.top = top
        self.acked = acked
        self.edge = edge
        self.window = window
        self.urgent = urgent
        self.reset = reset
        #: initial sequence number and options of a SYN
        self.isn = isn
        self.options = options
        self.resyn = resyn

    def commit(self, flow: Flow, to_server: bool, timeouts: Timeouts) -> int:
        """Make the change. Returns by how many octets what is held has grown (negative: shrunk)."""
        sender, peer = self.sender, self.peer
        before = sender.buffered() + peer.buffered()
        if self.options is not None:
            self._take_syn(self.options)
        sender.seen = True
        if self.resyn >= 0:
            sender.resyn = self.resyn
        if self.next >= 0:
            self._advance()
        if self.top > sender.top:
            sender.top = self.top
        if self.fin > sender.fin:
            sender.fin = self.fin
        if self.window > sender.window:
            sender.window = self.window
        if self.urgent >= 0:
            sender.urgent = self.urgent
        if self.tsval >= 0:
            sender.tsval = self.tsval
        if self.reset:
            sender.reset = True
        fin_skipped = peer.next <= peer.fin < self.acked
        if self.acked > peer.next:
            peer.skip(self.acked)
        elif self.acked > peer.acked:
            peer.acknowledge(self.acked)
        if self.edge > peer.edge:
            peer.edge = self.edge
        self._move(flow, to_server, fin_skipped)
        settle(flow, timeouts)
        return sender.buffered() + peer.buffered() - before

    def _advance(self) -> None:
        sender = self.sender
        sender.late = self.late
        sender.missing = self.missing
        sender.removed += self.removed
        if self.next == sender.next:
            return
        if self.shown:
            sender.judged = self.next
        if not self.data_follows:
            sender.kept = None
        if self.data:
            if sender.kept is None:
                sender.kept = bytearray(self.data)
            else:
                sender.kept += self.data
        sender.next = self.next

    def _take_syn(self, options: Options) -> None:
        """RFC 7323: window scale and timestamps hold only when both SYNs carried them."""
        sender, peer = self.sender, self.peer
        sender.isn = self.isn
        sender.shift, sender.tsval, sender.signature = options.shift, options.tsval, options.signature
        if not peer.seen:
            if self.acked >= 0:  # a SYN/ACK whose SYN was not seen agrees to what it was offered
                peer.shift = MAX_SHIFT if sender.shift >= 0 else 0
                sender.shift = max(sender.shift, 0)
            return
        if sender.shift < 0 or peer.shift < 0:
            sender.shift = peer.shift = 0
        if sender.tsval < 0 or peer.tsval < 0:
            sender.tsval = peer.tsval = -1

    def _move(self, flow: Flow, to_server: bool, fin_skipped: bool) -> None:
        mine, theirs = flow.client_state, flow.server_state
        if not to_server:
            mine, theirs = theirs, mine
        if self.reset:
            mine = theirs = "CLOSED"
        if fin_skipped:
            mine = received(mine, FIN)
        for event in self.events:
            mine = sent(mine, event)
            if event != FIN:
                theirs = received(theirs, event)
        if self.fin_arrives:
            theirs = received(theirs, FIN)
        flow.client_state, flow.server_state = (mine, theirs) if to_server else (theirs, mine)


def settle(flow: Flow, timeouts: Timeouts) -> None:
    """Derive what the core wants to know of the flow from the states of its ends and what is outstanding."""
    halves: Halves = flow.tracker
    server_half, client_half = halves
    client: str = flow.client_state
    server: str = flow.server_state
    established = False
    if client in OVER and server in OVER:
        flow.state = flow.share = "closed"
        flow.closed = True
        flow.timeout = timeouts.closed
    elif client in HANDSHAKE or server in HANDSHAKE or not (server_half.seen and client_half.seen):
        flow.state = flow.share = "new"
        flow.timeout = timeouts.new
    else:
        flow.state = flow.share = "established"
        open_ends = client_half.fin < 0 and server_half.fin < 0
        flow.timeout = timeouts.established if open_ends else timeouts.closing
        established = client == "ESTABLISHED" and server == "ESTABLISHED"
    client_half.plain = established and client_half.is_plain()
    server_half.plain = established and server_half.is_plain()
    flow.unacked = outstanding(flow)


def outstanding(flow: Flow) -> bool:
    """Octets of the client that detectors were shown have not been acknowledged by the server.

    Who answers is believed at once: what a server pretends to send reaches the client that asked, or nobody. Where the
    beginning was not seen either side may be the one that asked.
    """
    halves: Halves = flow.tracker
    server_half, client_half = halves
    if client_half.acked < client_half.judged:
        return True
    return server_half.acked < server_half.judged and bool(flow.midstream)
