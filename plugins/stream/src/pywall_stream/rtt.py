"""How long the other side takes: round-trip times of TCP's handshake, and the delay of the first answer."""

from __future__ import annotations

from typing import Final

from pywall_core.api import ACK, RST, SYN, TCP, Drop, Flow, Packet, hookimpl

_NAME: Final = "rtt"


class _Times:
    """When the packets of a beginning came, in seconds; negative while they did not, or cannot be told from others."""

    __slots__ = ("answered", "asked", "syn", "syn_ack")

    def __init__(self) -> None:
        self.syn = self.syn_ack = self.asked = -1.0
        self.answered = False


class RoundTrips:
    """Measures round-trip times at the beginning of a flow, as seen from here.

    ``tcp.rtt_server``: from the SYN to the SYN/ACK; ``tcp.rtt_client``: from there to the client's ACK; ``tcp.rtt``:
    both; ``answer.delay``: from the client's first payload to the server's first, over TCP and UDP. All are
    milliseconds. A handshake with a repeated SYN has none, since nobody can say which one was answered (Karn).
    """

    api_version = 1
    facts = ("tcp.rtt", "tcp.rtt_client", "tcp.rtt_server", "answer.delay")

    @hookimpl
    def pywall_packet(self, packet: Packet, flow: Flow) -> Drop | None:
        """Note the time of a packet, and set the facts that it completes."""
        ext = flow.ext
        times = None if ext is None else ext.get(_NAME)
        if times is None:
            if flow.pkts_toserver + flow.pkts_toclient > 1:
                return None  # its beginning is over, or was not seen
            times = _Times()
            flow.ext = {**(ext or {}), _NAME: times}
        if not times.answered and not packet.related:
            if packet.proto == TCP and packet.flags & RST:
                times.answered = True
            else:
                self._look(packet, flow, times)
        return None

    def _look(self, packet: Packet, flow: Flow, times: _Times) -> None:
        if packet.proto == TCP and (packet.flags & SYN or times.syn_ack >= 0):
            _look_at_handshake(packet, flow, times)
        if packet.end <= packet.start or packet.flags & SYN:
            return
        if packet.to_server:
            if times.asked < 0:
                times.asked = packet.time
        else:
            times.answered = True  # a server that speaks first answers nobody
            if times.asked >= 0:
                flow.set_fact("answer.delay", _milliseconds(packet.time - times.asked))


def _look_at_handshake(packet: Packet, flow: Flow, times: _Times) -> None:
    if packet.flags & SYN:
        if not packet.flags & ACK:
            times.syn = packet.time if flow.pkts_toserver == 1 else -1.0
        elif times.syn >= 0 and times.syn_ack < 0:
            times.syn_ack = packet.time
            flow.set_fact("tcp.rtt_server", _milliseconds(packet.time - times.syn))
    elif packet.to_server and packet.flags & ACK:
        flow.set_fact("tcp.rtt_client", _milliseconds(packet.time - times.syn_ack))
        flow.set_fact("tcp.rtt", _milliseconds(packet.time - times.syn))
        times.syn_ack = -1.0


def _milliseconds(seconds: float) -> float:
    return round(max(0.0, seconds) * 1000, 3)
