"""EVE JSON events from what the engine knows: Suricata's field names; our own fields are under ``pywall``.

Source of the names: Suricata user guide, "EVE JSON Format" (docs.suricata.io, output/eve/eve-json-format).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_ntop
from typing import Any, Final

from ..chain.rule import Rule
from ..model.flow import Flow
from ..model.packet import ACK, FIN, ICMP, ICMPV6, PSH, RST, SYN, TCP, UDP, URG, Packet
from ..model.transaction import Transaction
from ..model.verdict import Verdict
from .community import community_id
from .fields import Event, clean, nest, put

_LAST_SECOND: Final = 253402300799.0  # 9999-12-31
_TWO: Final = [f"{n:02d}" for n in range(60)]

#: names as Suricata writes them; the others by number
_PROTOCOLS: Final = {
    ICMP: "ICMP",
    TCP: "TCP",
    UDP: "UDP",
    ICMPV6: "IPv6-ICMP",
    47: "GRE",
    50: "ESP",
    51: "AH",
    132: "SCTP",
}
_NUMBERS: Final = {name: number for number, name in _PROTOCOLS.items()}
_HAVE_PORTS: Final = frozenset({TCP, UDP, 33, 132, 136})
_FLAGS: Final = (("syn", SYN), ("ack", ACK), ("psh", PSH), ("rst", RST), ("urg", URG), ("fin", FIN))

_UNNAMED: Final = (None, "unknown", "none")


class EventBuilder:
    """Makes event dictionaries. ``live``: engine times are the monotonic clock's, and become wall clock time."""

    def __init__(self, *, live: bool, pcap_filename: str | None = None) -> None:
        self.live = live
        self.pcap_filename = pcap_filename
        #: the second of the last time stamp, and how it is written
        self._second = -1
        self._written = ""
        #: facts of what protocols carry: they are in the event of the flow
        self.carried: frozenset[str] = frozenset()

    def has_type(self, proto: str, flow: Flow) -> bool:
        """Return True if there is something to tell about the flow's protocol: it has facts."""
        prefix = proto + "."
        return any(name.startswith(prefix) for name in flow.facts)

    def build(
        self, event_type: str, flow: Flow | None, packet: Packet | None, fields: dict[str, Any], now: float
    ) -> Event:
        """Return one event at ``now`` (the engine's clock, seconds), or at the packet's time when there is a packet.

        ``fields`` become top-level keys, but: ``verdict`` (a Verdict) makes ``verdict`` and ``pywall``, ``would_be`` (a
        Verdict) and ``rule`` (a Rule) make ``alert`` and ``pywall``, ``reason`` of a flow event is ``flow.reason``.
        """
        if packet is not None:
            now = packet.time
        elif flow is not None:
            now = max(now, flow.last)
        event: Event = {"timestamp": self._iso(now)}
        if flow is not None:
            event["flow_id"] = flow.id
        if packet is not None and packet.indev:
            event["in_iface"] = packet.indev
        if self.pcap_filename is not None:
            event["pcap_filename"] = self.pcap_filename
        if packet is not None and packet.pcap_cnt:
            event["pcap_cnt"] = packet.pcap_cnt
        event["event_type"] = event_type
        if packet is not None and packet.src:
            icmp = packet.flags if packet.proto in (ICMP, ICMPV6) else None
            _ends(event, packet.src, packet.sport, packet.dst, packet.dport, packet.proto, icmp)
            if flow is not None:
                event["direction"] = "to_server" if packet.to_server else "to_client"
        elif flow is not None:
            self._flow_ends(event, flow, turned=flow.reversed and event_type == "flow")
        around = packet.tunnel if packet is not None else None if flow is None else flow.tunnel
        if around is not None:
            event["tunnel"] = {
                "src_ip": _address(around.src),
                "dest_ip": _address(around.dst),
                "proto": around.kind,
                "depth": around.depth,
            }
        if flow is not None:
            self._protocol(event, event_type, flow, packet, fields)
        self._decisions(event, packet, fields)
        for name, value in fields.items():
            event[name] = clean(value)
        return event

    def _protocol(
        self, event: Event, event_type: str, flow: Flow, packet: Packet | None, fields: dict[str, Any]
    ) -> None:
        """Add the flow's protocol, and what the event says of it: the flow, one transaction, or all facts."""
        event["app_proto"] = flow.app_proto or ("unknown" if flow.detection.payload_seen else "none")
        if flow.app_proto_orig:
            event["app_proto_orig"] = flow.app_proto_orig
        if flow.app_proto_outer:
            event["app_proto_outer"] = flow.app_proto_outer[-1]
        transaction: Transaction | None = fields.pop("transaction", None)
        if event_type == "flow":
            self._flow(event, flow, fields.pop("reason", "timeout"))
        elif transaction is not None:
            event["app_proto"] = event_type
            event["tx_id"] = transaction.number
            put(event, event_type, transaction.facts)
        elif packet is None and event_type == flow.app_proto:
            for proto in (flow.app_proto_orig, flow.app_proto):
                if proto:
                    nest(event, proto, flow.facts)

    def _flow_ends(self, event: Event, flow: Flow, *, turned: bool) -> None:
        icmp = flow.icmp if flow.proto in (ICMP, ICMPV6) else None
        ends = (flow.dst, flow.dport, flow.src, flow.sport) if turned else (flow.src, flow.sport, flow.dst, flow.dport)
        _ends(event, *ends, flow.proto, icmp)

    def _flow(self, event: Event, flow: Flow, reason: str) -> None:
        to_server = flow.pkts_toserver, flow.bytes_toserver
        to_client = flow.pkts_toclient, flow.bytes_toclient
        if flow.reversed:
            to_server, to_client = to_client, to_server
        event["flow"] = {
            "pkts_toserver": to_server[0],
            "pkts_toclient": to_client[0],
            "bytes_toserver": to_server[1],
            "bytes_toclient": to_client[1],
            "start": self._iso(flow.start),
            "end": self._iso(flow.last),
            "age": max(0, int(flow.last - flow.start)),
            "state": flow.state,
            "reason": reason,
        }
        verdict = flow.final or flow.verdict
        if verdict is not None:
            event["verdict"] = {"action": verdict.action.value}
            event["pywall"] = _decided(verdict)
            event["pywall"]["final"] = flow.final is not None
        if flow.app_proto not in _UNNAMED and not flow.confirmed:
            event.setdefault("pywall", {})["guessed"] = True
        protocols = (flow.app_proto, flow.app_proto_orig)
        own = {
            name: value
            for name, value in flow.facts.items()
            if name.partition(".")[0] not in protocols or name in self.carried
        }
        if own:
            at = event.setdefault("pywall", {})
            for head in dict.fromkeys(name.partition(".")[0] for name in own if "." in name):
                nest(at, head, own)
            plain = {name: clean(value) for name, value in own.items() if "." not in name}
            if plain:  # a name without a dot could be one of our own keys
                at["facts"] = plain

    def _decisions(self, event: Event, packet: Packet | None, fields: dict[str, Any]) -> None:
        verdict: Verdict | None = fields.pop("verdict", None)
        would_be: Verdict | None = fields.pop("would_be", None)
        rule: Rule | None = fields.pop("rule", None)
        if verdict is not None:
            event["verdict"] = {"action": verdict.action.value}
            event["pywall"] = _decided(verdict)
            if packet is not None and event["event_type"] == "drop":
                event["drop"] = _dropped(packet, verdict.reason)
        elif would_be is not None:
            event["alert"] = {"action": "allowed", "signature": clean(would_be.reason)}
            event["pywall"] = _decided(would_be)
            event["pywall"]["would"] = would_be.action.value
        elif rule is not None:
            event["alert"] = {"action": "allowed", "signature": clean(rule.comment or f"{rule.path} matched")}
            event["pywall"] = {
                "rule": rule.path,
                "rule_name": clean(rule.title),
                "rule_at": rule.where,
                "plugin": rule.plugin,
                "chain": rule.chain,
            }
            event["pywall"]["would"] = rule.action.value if rule.action is not None else rule.target

    def _iso(self, seconds: float) -> str:
        if self.live:
            seconds += time.time() - time.monotonic()
        if seconds < 0.0:
            seconds = 0.0
        elif seconds > _LAST_SECOND:
            seconds = _LAST_SECOND
        micro = int(seconds * 1_000_000 + 0.5)
        second = micro // 1_000_000
        if second != self._second:
            minute = second // 60
            hour = minute // 60
            self._written = f"{_date(hour // 24)}T{_TWO[hour % 24]}:{_TWO[minute % 60]}:{_TWO[second % 60]}."
            self._second = second
        return f"{self._written}{micro % 1_000_000:06d}+0000"


@lru_cache(1024)
def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86400, UTC).strftime("%Y-%m-%d")


def _ends(event: Event, src: bytes, sport: int, dst: bytes, dport: int, proto: int, icmp: int | None) -> None:
    event["src_ip"] = _address(src)
    if proto in _HAVE_PORTS:
        event["src_port"] = sport
    event["dest_ip"] = _address(dst)
    if proto in _HAVE_PORTS:
        event["dest_port"] = dport
    event["proto"] = protocol_name(proto)
    if icmp is not None:
        event["icmp_type"], event["icmp_code"] = icmp >> 8, icmp & 255
        sport, dport = icmp >> 8, icmp & 255
    event["community_id"] = community_id(proto, src, dst, sport, dport)


def protocol_name(proto: int) -> str:
    """Return the IP protocol as Suricata writes it: ``TCP``, or three digits."""
    return _PROTOCOLS.get(proto) or f"{proto:03d}"


def protocol_number(name: str) -> int:
    """Return the reverse of :func:`protocol_name`; -1 for what it does not write."""
    return _NUMBERS.get(name, int(name) if name.isdecimal() else -1)


@lru_cache(1024)
def _address(packed: bytes) -> str:
    return inet_ntop(AF_INET if len(packed) == 4 else AF_INET6, packed)


def _decided(verdict: Verdict) -> Event:
    return {
        "rule": verdict.rule,
        "rule_name": clean(verdict.title),
        "rule_at": clean(verdict.where),
        "plugin": verdict.plugin,
        "chain": verdict.chain,
        "reason": clean(verdict.reason),
        "final": verdict.final,
    }


def _dropped(packet: Packet, reason: str) -> Event:
    drop: Event = {"len": packet.length, "ttl": packet.ttl}
    if packet.proto == TCP:
        drop |= {"tcpseq": packet.seq, "tcpack": packet.ack, "tcpwin": packet.window}
        drop |= {name: bool(packet.flags & bit) for name, bit in _FLAGS}
    elif packet.proto == UDP:
        drop["udplen"] = packet.end - packet.l4
    drop["reason"] = clean(reason)
    return drop
