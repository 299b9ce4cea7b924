"""The things that hooks are given and give back: Packet, Flow, Verdict, Match.

Everything here is slotted and cheap to make: a packet costs the hot path about a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Final

INPUT: Final = 1
FORWARD: Final = 2
OUTPUT: Final = 3
#: Names of the netfilter hooks by their numbers in ``linux/netfilter.h`` (NF_INET_LOCAL_IN ...).
HOOK_NAMES: Final = {INPUT: "INPUT", FORWARD: "FORWARD", OUTPUT: "OUTPUT"}

#: IP protocol numbers (IANA) that the core knows by name.
ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17
ICMPV6: Final = 58

#: TCP flag bits, RFC 9293 section 3.1.
FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
PSH: Final = 0x08
ACK: Final = 0x10
URG: Final = 0x20


class Answer(Enum):
    """Three-valued answers. Rules say YES, NO, or PENDING while a fact that they ask for has not settled; detectors and
    classifiers without a result say MORE (bytes are wanted) or NO (for good).
    """

    NO = "no"
    YES = "yes"
    PENDING = "pending"
    MORE = "more"


NO: Final = Answer.NO
YES: Final = Answer.YES
PENDING: Final = Answer.PENDING
MORE: Final = Answer.MORE


class Action(StrEnum):
    """What is done with a packet; the values are those of EVE's ``verdict.action``."""

    __hash__ = str.__hash__  # Enum's is a Python function, and every packet counts its action

    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"


ACCEPT: Final = Action.ACCEPT
DROP: Final = Action.DROP
REJECT: Final = Action.REJECT


@dataclass(slots=True, frozen=True)
class Verdict:
    """The one decision on a packet, with its owner.

    ``final`` says that it holds for the rest of the flow (in this direction for ACCEPT, in all for DROP and REJECT).
    ``rule`` is the deciding rule's place in the configuration (``INPUT[2]``, ``default``, or empty where no rule
    decided), ``plugin`` who provides it, ``reason`` one short phrase.
    """

    action: Action
    final: bool = False
    rule: str = ""
    plugin: str = "core"
    chain: str = ""
    reason: str = ""


@dataclass(slots=True, frozen=True)
class Drop:
    """Answer of the ``packet`` hook that vetoes one packet; ``reason`` is dotted: ``stream.bad_checksum``.

    ``flow``: the rest of the flow as well, in both directions (``failure.midstream: drop-flow``).
    """

    reason: str
    flow: bool = False


class Facts(dict[str, Any]):
    """Answer of a classifier that has settled: names and values for :attr:`Flow.facts`."""


@dataclass(slots=True, frozen=True)
class Match:
    """A detector recognised its protocol.

    ``facts`` are stored on the flow as ``<protocol>.<name>``; names may be dotted (``client.software_version``).
    ``confirmed``: both sides were seen to speak it (one side where the protocol has only one).
    ``done=False``: ask on when more bytes arrive, for facts or confirmation; each answer replaces the one before.
    ``restart``: the protocol hands the flow over to another one (STARTTLS, CONNECT, SOCKS): offsets into the client's
    and the server's bytes, as given to ``detect``, from which detection begins anew. The recognised protocol becomes
    ``app_proto_orig`` when something is recognised inside.
    """

    protocol: str
    facts: dict[str, Any] = field(default_factory=dict)
    confirmed: bool = True
    done: bool = True
    restart: tuple[int, int] | None = None


class Packet:
    """One IP packet. Addresses are packed bytes (4 or 16), times seconds, lengths and offsets octets.

    ``time`` is the engine's clock (monotonic when live, the capture's in replay). ``key`` identifies the flow and
    direction: protocol octet, source, destination, source port, destination port. ``error`` names what the decoder
    objects to (None: decoded well). ``related`` is True for an ICMP error, whose ``key`` is that of the flow it quotes,
    reversed. ``segments`` is for the plugin that provides ``segment``: the ordered bytes that this packet completes,
    as ``(offset, data, gap)``. ``frag`` is ``(identification, offset, more)`` of an IP fragment.
    """

    __slots__ = (
        "ack",
        "data",
        "dport",
        "dst",
        "end",
        "error",
        "flags",
        "frag",
        "hook",
        "indev",
        "key",
        "l4",
        "length",
        "outdev",
        "pcap_cnt",
        "proto",
        "related",
        "segments",
        "seq",
        "sport",
        "src",
        "start",
        "time",
        "to_server",
        "ttl",
        "version",
        "window",
    )

    time: float
    data: bytes
    hook: int
    #: interface names, empty where unknown
    indev: str
    outdev: str
    version: int
    proto: int
    src: bytes
    dst: bytes
    #: ports of TCP, UDP, UDP-Lite, SCTP, DCCP; identifier of ICMP echo; else 0
    sport: int
    dport: int
    #: length of the IP datagram by its header, never more than what is there unless ``error`` is "truncated"
    length: int
    #: TTL or hop limit
    ttl: int
    #: offset of the transport header; bytes ``data[start:end]`` are its payload
    l4: int
    start: int
    end: int
    #: TCP header fields (0 for other protocols); ``flags`` holds the low eight bits, ICMP: type << 8 | code
    flags: int
    seq: int
    ack: int
    window: int
    key: bytes
    related: bool
    frag: tuple[bytes, int, bool] | None
    error: str | None
    to_server: bool
    segments: tuple[tuple[int, bytes, int], ...]
    #: number in the capture, from 1; 0 when live
    pcap_cnt: int

    @property
    def payload(self) -> bytes:
        """The transport payload, a copy."""
        return self.data[self.start : self.end]


class Flow:
    """One conversation. Plugins read it; what they may set is named ``for the plugin that provides ...`` below.

    ``client`` sent the first packet (for TCP: the SYN; a capture that begins with a SYN/ACK has the roles turned and
    ``reversed`` set). ``src`` and ``sport`` are the client's, ``dst`` and ``dport`` the server's.
    """

    __slots__ = (
        "app_proto",
        "app_proto_orig",
        "bytes_toclient",
        "bytes_toserver",
        "classifying",
        "client",
        "client_sizes",
        "client_state",
        "closed",
        "confirmed",
        "detect_done",
        "dport",
        "dst",
        "due",
        "engine",
        "expected",
        "ext",
        "facts",
        "failed",
        "final",
        "hook",
        "icmp",
        "id",
        "initiator",
        "key",
        "last",
        "loopback",
        "match",
        "match_bit",
        "midstream",
        "opaque",
        "payload_seen",
        "pending",
        "pkts_toclient",
        "pkts_toserver",
        "proto",
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

    #: settled protocol name, "unknown" when nothing was recognised, None while that is open
    app_proto: str | None
    app_proto_orig: str | None
    #: both sides were seen to speak app_proto
    confirmed: bool
    #: nothing more will be learnt by detectors
    detect_done: bool
    #: handed over to something that no detector recognised (a tunnel's inside)
    opaque: bool
    #: label announced for this flow by a related one, see :meth:`expect`
    expected: str | None
    #: facts by dotted name; treat as read-only, set with :meth:`set_fact`
    facts: dict[str, Any]
    #: bytes from the start of each direction, as far as detection keeps them
    client: bytes
    server: bytes
    #: for datagrams: length of each payload in ``client`` and ``server``
    client_sizes: tuple[int, ...]
    server_sizes: tuple[int, ...]

    #: for the plugin that provides ``segment``: its own object; per-flow
    tracker: Any
    #: for the plugin that provides ``tcp-state``: RFC 9293 names (the ancestor's split ones) of both ends
    client_state: str
    server_state: str
    #: for the plugin that provides ``segment``: EVE's flow.state: new, established, closed
    state: str
    #: likewise: share of the table that the entry counts for: "new", "established" or "closed"
    share: str
    #: likewise: seconds after the last packet at which the entry is freed
    timeout: float
    #: likewise: a SYN begins a new flow on this key
    closed: bool
    #: likewise: bytes that detectors saw have not been acknowledged by their receiver yet
    unacked: bool
    #: likewise: the start of the TCP connection was not seen
    midstream: bool
    #: any plugin may set it: it wants to see every packet, so the kernel does not take the flow over
    watched: bool
    #: any plugin's own data, by plugin name; None until first use
    ext: dict[str, Any] | None

    match: Match | None
    match_bit: int
    pending: int
    #: second of the table's clock in which to look at the entry
    due: int
    classifying: int
    payload_seen: bool
    #: nobody needs to look at the flow any more, in either direction
    released: bool
    failed: str | None
    final: Verdict | None
    verdict: Verdict | None
    verdicts: list[Verdict | None]
    engine: Any

    def set_fact(self, name: str, value: object) -> None:
        """Set a fact of the flow; rules that asked for it are asked again."""
        self.facts = {**self.facts, name: value}
        self.verdicts = [None] * 8

    def expect(self, app_proto: str, *, proto: int, dst: bytes, dport: int, src: bytes | None = None) -> None:
        """Announce a related flow (ftp-data, rtp): the next one to ``dst``:``dport`` gets ``expected = app_proto``.

        The core bounds these announcements in number (4096) and time (60 s), and only addresses of this flow are
        taken. A detector then asks ``flow.expected``.
        """
        self.engine.expect(self, app_proto, proto, dst, dport, src)


#: What ``RuleKind.compile`` gives: the rule's answer for one packet. An Action as the answer overrides the rule's own.
Matcher = Callable[[Packet, Flow], "Answer | Action"]
