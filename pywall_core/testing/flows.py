"""A flow without an engine, for tests of detectors, classifiers and rule kinds."""

from __future__ import annotations

from typing import Any

from ..flows.table import new_flow
from ..model.flow import Flow
from ..model.packet import TCP, UDP, Packet
from ..model.tcp_state import new_tcp_state
from ..packet.decode import decode
from .host import FakeHost
from .packets import ip_packet, tcp_packet, udp_packet

#: properties of a flow whose part has another name for them
_SLOTS = {"detect_done": "done", "verdict": "last"}
#: the time of a flow's last packet; a part of it has a verdict by this name
_OWN = "last"
_ENDS = ("192.0.2.1", 40000, "198.51.100.2", 443)


def make_flow(packet: Packet | None = None, *, proto: int = TCP, **attributes: Any) -> Flow:
    """Return a new flow as its first packet makes it; ``attributes`` of it or of its parts are set afterwards
    (``app_proto="ssh"``, ``midstream=True``).

    No detector has said NO to it yet. Without a packet it is one of ``proto`` between documentation addresses.
    Announcements by ``flow.expect`` are kept in ``flow.engine.expected``.
    """
    flow = new_flow(packet or _first_packet(proto))
    flow.engine = FakeHost()
    flow.own_detection().pending = -1
    flow.tcp = new_tcp_state()
    for name, value in attributes.items():
        slot = _SLOTS.get(name, name)
        parts = () if name == _OWN else (flow.detection, flow.tcp, flow.cache)
        setattr(next((part for part in parts if hasattr(part, slot)), flow), slot, value)
    return flow


def _first_packet(proto: int) -> Packet:
    if proto == TCP:
        return decode(tcp_packet(*_ENDS, seq=1000))
    if proto == UDP:
        return decode(udp_packet(*_ENDS))
    return decode(ip_packet(_ENDS[0], _ENDS[2], proto, bytes(8)))
