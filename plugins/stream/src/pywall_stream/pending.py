"""The change that one packet makes to its connection, pending until the packet is accepted."""

from __future__ import annotations

from pywall_core.api import Flow, TcpState

from .direction import StreamDirection
from .options import MAX_SHIFT, Options
from .settings import Timeouts
from .states import FIN, HANDSHAKE, OVER, received, sent

Segments = tuple[tuple[int, bytes, int], ...]
#: ``flow.tcp.tracker``: what the server sends, and what the client sends; indexed by ``packet.to_server``
Directions = tuple[StreamDirection, StreamDirection]


class StateTimeouts:
    """The option ``timeouts`` as plain numbers: those of a model are looked up by name."""

    __slots__ = ("closed", "closing", "established", "new")

    def __init__(self, given: Timeouts) -> None:
        self.new = given.new
        self.established = given.established
        self.closing = given.closing
        self.closed = given.closed


class PendingUpdate:
    """The change that a packet of ``sender`` makes once it is accepted; -1 and None leave a value as it is."""

    __slots__ = (
        "acked",
        "data",
        "data_follows",
        "events",
        "fin",
        "fin_arrives",
        "isn",
        "missing",
        "next",
        "options",
        "out_of_order",
        "peer",
        "removed",
        "reset",
        "resyn",
        "seen_by_detectors",
        "segments",
        "sender",
        "top",
        "tsval",
        "urgent",
        "window",
        "window_end",
    )

    def __init__(
        self,
        sender: StreamDirection,
        peer: StreamDirection,
        *,
        top: int = -1,
        acked: int = -1,
        window_end: int = -1,
        window: int = 0,
        urgent: int = -1,
        isn: int = -1,
        options: Options | None = None,
        resyn: int = -1,
        reset: bool = False,
    ) -> None:
        self.sender = sender
        self.peer = peer
        #: events for both state machines (:mod:`.states`), in order
        self.events: list[str] = []
        #: the FIN reaches the receiver only when everything before it has arrived
        self.fin_arrives = False
        self.segments: Segments = ()
        #: detectors or classifiers get the bytes
        self.seen_by_detectors = False
        self.data = b""
        self.data_follows = True
        self.out_of_order: list[tuple[int, bytes]] | None = None
        self.next = self.fin = self.tsval = -1
        self.missing = self.removed = 0
        self.top = top
        self.acked = acked
        self.window_end = window_end
        self.window = window
        self.urgent = urgent
        self.reset = reset
        #: initial sequence number and options of a SYN
        self.isn = isn
        self.options = options
        self.resyn = resyn

    def commit(self, flow: Flow, to_server: bool, timeouts: StateTimeouts) -> int:
        """Make the change. Return by how many bytes the held data grew (negative: shrank)."""
        sender, peer = self.sender, self.peer
        before = sender.buffered() + peer.buffered()
        if self.options is not None:
            self._apply_syn(self.options)
        sender.seen = True
        if self.resyn >= 0:
            sender.resyn = self.resyn
        if self.next >= 0:
            self._advance_stream()
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
        if self.window_end > peer.window_end:
            peer.window_end = self.window_end
        from_server, from_client = (peer, sender) if to_server else (sender, peer)
        tcp = flow.tcp
        client, server = tcp.client_state, tcp.server_state
        if self.reset or fin_skipped or self.fin_arrives or self.events:
            if to_server:
                client, server = self._advance_states(client, server, fin_skipped)
            else:
                server, client = self._advance_states(server, client, fin_skipped)
            tcp.client_state, tcp.server_state = client, server
        _update_flow_state(flow, from_server, from_client, client, server, timeouts)
        tcp.unacked = has_unacked_data(tcp, from_server, from_client)
        return sender.buffered() + peer.buffered() - before

    def _advance_stream(self) -> None:
        sender = self.sender
        sender.out_of_order = self.out_of_order
        sender.missing = self.missing
        sender.removed += self.removed
        if self.next == sender.next:
            return
        if self.seen_by_detectors:
            sender.inspected = self.next
        if not self.data_follows:
            sender.unacked_data = None
        if self.data:
            if sender.unacked_data is None:
                sender.unacked_data = bytearray(self.data)
            else:
                sender.unacked_data += self.data
        sender.next = self.next

    def _apply_syn(self, options: Options) -> None:
        """RFC 7323: window scale and timestamps are used only when both SYNs carried them."""
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

    def _advance_states(self, mine: str, theirs: str, fin_skipped: bool) -> tuple[str, str]:
        """Return the states of the packet's sender and of its receiver after it."""
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
        return mine, theirs


def _update_flow_state(
    flow: Flow,
    from_server: StreamDirection,
    from_client: StreamDirection,
    client: str,
    server: str,
    timeouts: StateTimeouts,
) -> None:
    """Set the flow's state, share and timeout from the states of its two ends."""
    established = False
    if client in OVER and server in OVER:
        flow.state = flow.share = "closed"
        flow.closed = True
        flow.timeout = timeouts.closed
    elif client in HANDSHAKE or server in HANDSHAKE or not (from_server.seen and from_client.seen):
        flow.state = flow.share = "new"
        flow.timeout = timeouts.new
    else:
        flow.state = flow.share = "established"
        open_ends = from_client.fin < 0 and from_server.fin < 0
        flow.timeout = timeouts.established if open_ends else timeouts.closing
        established = client == "ESTABLISHED" and server == "ESTABLISHED"
    from_client.fast_path_ok = established and from_client.is_in_order()
    from_server.fast_path_ok = established and from_server.is_in_order()


def has_unacked_data(tcp: TcpState, from_server: StreamDirection, from_client: StreamDirection) -> bool:
    """Return True if the server has not acknowledged bytes of the client that detectors saw.

    The answering side is trusted at once: what a server sends reaches the client that asked, or nobody. If the start of
    the connection was not seen, either side may be the client.
    """
    if from_client.acked < from_client.inspected:
        return True
    return from_server.acked < from_server.inspected and tcp.midstream
