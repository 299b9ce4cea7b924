"""Flow: one conversation, its facts and its verdicts."""

from __future__ import annotations

from typing import Any

from .detection_state import DetectionState
from .packet import Tunnel
from .tcp_state import TcpState
from .verdict import Verdict
from .verdict_cache import VerdictCache


class Flow:
    """One conversation. Plugins read it; what they may set is named ``for the plugin that provides ...`` below.

    ``client`` sent the first packet (for TCP: the SYN; a capture that begins with a SYN/ACK has the roles turned and
    ``reversed`` set). ``src`` and ``sport`` are the client's, ``dst`` and ``dport`` the server's.

    What is known of it has three parts: ``detection``, ``tcp`` and ``cache`` (its verdicts).
    """

    __slots__ = (
        "bytes_toclient",
        "bytes_toserver",
        "cache",
        "closed",
        "detection",
        "dport",
        "dst",
        "due",
        "engine",
        "expected",
        "ext",
        "hook",
        "icmp",
        "id",
        "inherited",
        "initiator",
        "interrupted",
        "key",
        "last",
        "loopback",
        "older",
        "openings",
        "pkts_toclient",
        "pkts_toserver",
        "proto",
        "protocol_event_written",
        "reversed",
        "rkey",
        "share",
        "sport",
        "src",
        "start",
        "state",
        "tcp",
        "timeout",
        "tunnel",
        "version",
        "watched",
    )

    #: number below 2^53, EVE's flow_id: random live, in a replay in the order in which flows begin
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
    #: packets of it may have passed between that process and this one
    interrupted: bool
    reversed: bool
    #: on the interface ``lo``: each packet passes OUTPUT and INPUT
    loopback: bool
    #: what its first packet came out of, None: the flow is not inside another one
    tunnel: Tunnel | None
    #: seconds, as Packet.time
    start: float
    last: float
    pkts_toserver: int
    pkts_toclient: int
    bytes_toserver: int
    bytes_toclient: int

    #: what detectors, classifiers and transaction parsers know of it; for writing: :meth:`own_detection`
    detection: DetectionState
    #: for the plugins that provide ``segment`` and ``tcp-state``
    tcp: TcpState
    #: which verdict holds for it
    cache: VerdictCache
    #: label announced for this flow by a related one, see :meth:`expect`: a hint, never a proof of its content
    expected: str | None

    #: for the plugin that provides ``segment``: EVE's flow.state: new, established, closed
    state: str
    #: set by a tracker: share of the table that the entry counts for: "new", "established" or "closed"
    share: str
    #: set by a tracker: seconds after the last packet at which the entry is freed
    timeout: float
    #: set by a tracker: a SYN begins a new flow on this key
    closed: bool
    #: any plugin may set it: it needs every packet, so the kernel does not carry the flow
    watched: bool
    #: connections that SYNs have asked for on the ports of this one, by the SYN's key, and such a connection's own
    #: rivals; None: there are none. The kernel carries neither until one of them is answered
    openings: dict[bytes, Flow] | None
    #: any plugin's own data, by plugin name; None until first use
    ext: dict[str, Any] | None

    #: second of the table's clock in which to look at the entry
    due: int
    #: the event with the facts of the protocol was written
    protocol_event_written: bool
    engine: Any

    @property
    def app_proto(self) -> str | None:
        """Settled protocol name, "unknown" when nothing was detected, None while that is open."""
        return self.detection.app_proto

    @property
    def app_proto_orig(self) -> str | None:
        """The name before a protocol was withdrawn or replaced."""
        return self.detection.app_proto_orig

    @property
    def app_proto_outer(self) -> tuple[str, ...]:
        """Names of the protocols that carry ``app_proto`` (CONNECT, STARTTLS), the outermost first."""
        return self.detection.app_proto_outer

    @property
    def confirmed(self) -> bool:
        """Both sides were seen to speak ``app_proto``."""
        return self.detection.confirmed

    @property
    def detect_done(self) -> bool:
        """Nothing more will be learnt by detectors."""
        return self.detection.done

    @property
    def opaque(self) -> bool:
        """Handed over to something that no detector has matched, or not yet (a tunnel's inside)."""
        return self.detection.opaque

    @property
    def facts(self) -> dict[str, Any]:
        """Facts by dotted name; read-only, set with :meth:`set_fact`."""
        return self.detection.facts

    @property
    def client(self) -> bytes:
        """Bytes of the client from its first one on, as far as detection keeps them."""
        return self.detection.client

    @property
    def server(self) -> bytes:
        """Bytes of the server from its first one on, as far as detection keeps them."""
        return self.detection.server

    @property
    def client_sizes(self) -> tuple[int, ...]:
        """For datagrams: length of each payload in ``client``."""
        return self.detection.client_sizes

    @property
    def server_sizes(self) -> tuple[int, ...]:
        """For datagrams: length of each payload in ``server``."""
        return self.detection.server_sizes

    @property
    def classifying(self) -> int:
        """Mask of the classifiers that have not settled; -1: they have not been asked yet."""
        return self.detection.classifying

    @property
    def midstream(self) -> bool:
        """The start of the TCP connection was not seen."""
        return self.tcp.midstream

    @property
    def turned(self) -> bool:
        """The content has said that the side seen first of a connection met midway is its server."""
        return self.detection.turned

    @property
    def final(self) -> Verdict | None:
        """The flow's final verdict, None while there is none."""
        return self.cache.final

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on the flow's last packet."""
        return self.cache.last

    @property
    def looked_at(self) -> bool:
        """Detectors, classifiers or a parser of transactions want to see more of the flow's bytes."""
        state = self.detection
        return not state.done or state.following is not None or state.classifying != 0

    def own_detection(self) -> DetectionState:
        """For the core: return ``detection`` for writing, which a flow shares with others until it is written."""
        state = self.detection
        if state.shared:
            state = self.detection = state.copy()
        return state

    def set_fact(self, name: str, value: object) -> None:
        """Set a fact of the flow; rules that asked for it are asked again."""
        state = self.own_detection()
        state.facts = {**state.facts, name: value}
        self.cache.facts_changed()

    def stop_looking(self, verdict: Verdict) -> None:
        """For the engine: record a final verdict that no rule made. Nothing inspects the flow any more."""
        self.cache.record_everywhere(verdict)
        state = self.own_detection()
        state.pending = state.classifying = 0
        state.done = True

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
