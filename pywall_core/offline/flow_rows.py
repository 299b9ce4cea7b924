"""One row a flow: addresses, volume, verdict and all facts, under flat column names, for tables and data frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ..events.fields import clean
from ..model.flow import Flow
from .statistics import PacketStatistics

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..model.packet import Packet
    from ..model.verdict import Verdict

Event = dict[str, Any]
Row = dict[str, Any]

#: columns of every row, in this order; columns of facts and statistics follow
COLUMNS: Final = (
    "capture", "flow_id", "community_id", "proto", "src_ip", "src_port", "dest_ip", "dest_port", "app_proto",
    "app_proto_orig", "confirmed", "initiator", "start", "end", "duration", "pkts_toserver", "pkts_toclient",
    "bytes_toserver", "bytes_toclient", "state", "reason", "verdict", "final", "rule", "rule_where", "verdict_reason",
)  # fmt: skip


class FlowRows:
    """Makes a row of each flow that ends. Give :meth:`event` to the engine as its sink, call :meth:`seen` after each
    packet.

    ``take(row)`` gets each row. With ``first_packets`` (0 or more; None: no statistics) rows have the columns of
    :class:`PacketStatistics`, with the sizes, gaps and directions of so many first packets.
    """

    def __init__(self, take: Callable[[Row], None], first_packets: int | None = None) -> None:
        self._take = take
        self._first_packets = first_packets
        self._flows: dict[int, tuple[Flow, PacketStatistics | None]] = {}
        self._places: dict[str, str] = {}

    def watch(self, engine: Engine) -> None:
        """Take the flows and the rules' places from this engine."""
        self._find = engine.flows.find
        self._places = {rule.path: rule.where for rules in engine.chains.rules.values() for rule in rules}

    def seen(self, packet: Packet, _verdict: Verdict) -> None:
        """Note the packet's flow, and the packet in its statistics."""
        flow = self._find(packet.key)
        if flow is None:
            return
        entry = self._flows.get(flow.id)
        if entry is None:
            statistics = None if self._first_packets is None else PacketStatistics(self._first_packets)
            entry = self._flows[flow.id] = (flow, statistics)
        if entry[1] is not None:
            entry[1].add(packet)

    def event(self, event: Event, *, wanted: bool = True) -> None:
        """Take one event of the engine. A flow that is not ``wanted`` is forgotten at its end."""
        if event["event_type"] != "flow":
            return
        flow, statistics = self._flows.pop(event["flow_id"], (None, None))
        if flow is not None and wanted:
            self._take(self._row(event, flow, statistics))

    def _row(self, event: Event, flow: Flow, statistics: PacketStatistics | None) -> Row:
        counts, pywall = event["flow"], event.get("pywall", {})
        row: Row = {
            "capture": event.get("pcap_filename"),
            "flow_id": flow.id,
            "community_id": event["community_id"],
            "proto": event["proto"],
            "src_ip": event["src_ip"],
            "src_port": event.get("src_port"),
            "dest_ip": event["dest_ip"],
            "dest_port": event.get("dest_port"),
            "app_proto": event["app_proto"],
            "app_proto_orig": event.get("app_proto_orig"),
            "confirmed": flow.confirmed,
            "initiator": flow.initiator,
            "start": flow.start,
            "end": flow.last,
            "duration": flow.last - flow.start,
            "pkts_toserver": counts["pkts_toserver"],
            "pkts_toclient": counts["pkts_toclient"],
            "bytes_toserver": counts["bytes_toserver"],
            "bytes_toclient": counts["bytes_toclient"],
            "state": counts["state"],
            "reason": counts["reason"],
            "verdict": event.get("verdict", {}).get("action"),
            "final": pywall.get("final"),
            "rule": pywall.get("rule"),
            "rule_where": self._places.get(pywall.get("rule", ""), ""),
            "verdict_reason": pywall.get("reason"),
        }
        if statistics is not None:
            row.update(statistics.columns())
        for name, value in flow.facts.items():
            row.setdefault(name, clean(value))
        return row
