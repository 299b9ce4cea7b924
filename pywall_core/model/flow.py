"""Flow: one conversation, its facts and its verdicts."""

from __future__ import annotations

from typing import Any

from .verdict import ACCEPT, Match, Verdict


class Flow:
    """One conversation. Plugins read it; what they may set is named ``for the plugin that provides ...`` below.

    ``client`` sent the first packet (for TCP: the SYN; a capture that begins with a SYN/ACK has the roles turned and
    ``reversed`` set). ``src`` and ``sport`` are the client's, ``dst`` and ``dport`` the server's.
    """

    __slots__ = (
        "app_proto",
        "app_proto_orig",
        "app_proto_outer",
        "bytes_toclient",
        "bytes_toserver",
        "classifying",
        "client",
        "client_sizes",
        "client_state",
        "closed",
        "confirmed",
        "cuts",
        "detect_done",
        "dport",
        "dst",
        "due",
        "engine",
        "expected",
        "ext",
        "facts",
        "final",
        "following",
        "hook",
        "icmp",
        "id",
        "inherited",
        "initiator",
        "key",
        "last",
        "loopback",
        "match",
        "match_bit",
        "midstream",
        "older",
        "opaque",
        "payload_seen",
        "pending",
        "pkts_toclient",
        "pkts_toserver",
        "proto",
        "protocol_event_written",
        "released",
        "reversed",
        "rkey",
        "server",
        "server_sizes",
        "server_state",
        "share",
        "sport",
        "src",
        "start",
        "state",
        "timeout",
        "tracker",
        "unacked",
        "unwrap",
        "verdict",
        "verdicts",
        "version",
        "watched",
    )

    #: random 53-bit number, EVE's flow_id
    id: int
    key: bytes
    rkey: bytes
    version: int
    proto: int
    src: bytes
    dst: bytes
    sport: int
    dport: int
    #: ICMP: type << 8 | code of the first packet, else 0
    icmp: int
    #: netfilter hook of the first packet
    hook: int
    #: "local" when this host sent the first packet, else "remote"
    initiator: str
    #: was open when the firewall started
    older: bool
    #: another process of the firewall knew it: what that had learnt is here
    inherited: bool
    reversed: bool
    #: on the interface ``lo``: each packet passes OUTPUT and INPUT
    loopback: bool
    #: seconds, as Packet.time
    start: float
    last: float
    pkts_toserver: int
    pkts_toclient: int
    bytes_toserver: int
    bytes_toclient: int

    #: settled protocol name, "unknown" when nothing was detected, None while that is open
    app_proto: str | None
    app_proto_orig: str | None
    #: names of the protocols that carry app_proto (CONNECT, STARTTLS), the outermost first
    app_proto_outer: tuple[str, ...]
    #: both sides were seen to speak app_proto
    confirmed: bool
    #: nothing more will be learnt by detectors
    detect_done: bool
    #: handed over to something that no detector has matched, or not yet (a tunnel's inside)
    opaque: bool
    #: label announced for this flow by a related one, see :meth:`expect`: a hint, never a proof of its content
    expected: str | None
    #: facts by dotted name; treat as read-only, set with :meth:`set_fact`
    facts: dict[str, Any]
    #: bytes from the start of each direction, as far as detection keeps them
    client: bytes
    server: bytes
    #: for datagrams: length of each payload in ``client`` and ``server``
    client_sizes: tuple[int, ...]
    server_sizes: tuple[int, ...]
    #: for classification: length of each payload kept, in the order of arrival, negative from the server
    cuts: tuple[int, ...]

    #: for the plugin that provides ``segment``: its own object; per-flow
    tracker: Any
    #: for the plugin that provides ``tcp-state``: RFC 9293 names (the ancestor's split ones) of both ends
    client_state: str
    server_state: str
    #: for the plugin that provides ``segment``: EVE's flow.state: new, established, closed
    state: str
    #: set by a tracker: share of the table that the entry counts for: "new", "established" or "closed"
    share: str
    #: set by a tracker: seconds after the last packet at which the entry is freed
    timeout: float
    #: set by a tracker: a SYN begins a new flow on this key
    closed: bool
    #: set by a tracker: bytes that detectors saw have not been acknowledged by their receiver yet
    unacked: bool
    #: set by a tracker: the start of the TCP connection was not seen
    midstream: bool
    #: any plugin may set it: it wants to see every packet, so the kernel does not take the flow over
    watched: bool
    #: any plugin's own data, by plugin name; None until first use
    ext: dict[str, Any] | None

    #: parser of the flow's transactions with its state, None when its protocol has none or none can come any more
    following: Any
    #: what takes the inside out of the frames of what carries it, the outermost first
    unwrap: tuple[Any, ...]
    match: Match | None
    match_bit: int
    pending: int
    #: second of the table's clock in which to look at the entry
    due: int
    classifying: int
    payload_seen: bool
    #: nobody needs to look at the flow any more, in either direction
    released: bool
    #: the event with the facts of the protocol was written
    protocol_event_written: bool
    final: Verdict | None
    verdict: Verdict | None
    verdicts: list[Verdict | None]
    engine: Any

    @property
    def looked_at(self) -> bool:
        """Detectors, classifiers or a parser of transactions want to see more of the flow's bytes."""
        return not self.detect_done or self.following is not None or self.classifying != 0

    def set_fact(self, name: str, value: object) -> None:
        """Set a fact of the flow; rules that asked for it are asked again."""
        self.facts = {**self.facts, name: value}
        if self.final is None or self.final.action is ACCEPT:
            self.verdicts = [None] * 8

    def expect(self, app_proto: str, *, proto: int, dst: bytes, dport: int, src: bytes | None = None) -> None:
        """Announce a related flow (ftp-data, rtp): the next one to ``dst``:``dport`` gets ``expected = app_proto``.

        ``dst`` is an address of this flow and ``src`` the other one (the default); ``dport`` is 1024 to 65535,
        ``proto`` TCP or UDP. The announcement counts after the verdict on the packet during which it is made, when that
        packet is accepted, comes from the server, and the flow is confirmed by the detector that announces. So announce
        when the server accepts, not when the client asks. (This host may be answered at the port that it asks from.)
        Others are counted in ``flows.expectations_refused`` and forgotten, as are those beyond 4096 in all, 256 a flow
        at a time, and 60 s. ``flow.expected`` is a hint for rules and detectors; the content decides the name.
        """
        self.engine.expect(self, app_proto, proto, dst, dport, src)
