"""Conversations from captures: positives for detectors that nobody here made up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..model.packet import SYN, TCP, UDP, Packet
from ..packet.decode import decode
from ..sources.pcap import read
from .dialogues import Conversation, conversation


def conversations_in(capture: Path | str, *, port: int | None = None) -> list[Conversation]:
    """Return the TCP and UDP conversations of a capture, in the order in which they begin.

    With ``port`` only those with it on one side. The side that sends the first SYN, else the first payload, is the
    client. TCP's bytes are put in order, those behind a gap are left out; conversations without payload too. Raises
    CaptureError where the file cannot be read to its end.
    """
    found: dict[tuple[int, frozenset[tuple[bytes, int]]], _Flow] = {}
    for _, time, data, _ in read(capture):
        packet = decode(data, time) if data is not None else None
        if packet is None or packet.proto not in (TCP, UDP) or (port and port not in (packet.sport, packet.dport)):
            continue
        ends = frozenset(((packet.src, packet.sport), (packet.dst, packet.dport)))
        opens = packet.proto == TCP and bool(packet.flags & SYN)
        if not packet.payload and not opens:
            continue
        flow = found.setdefault((packet.proto, ends), _Flow((packet.src, packet.sport), packet.proto == TCP))
        flow.take(packet)
    return [flow.conversation() for flow in found.values() if flow.turns]


@dataclass
class _Flow:
    client: tuple[bytes, int]
    is_tcp: bool
    turns: list[tuple[bool, bytes]] = field(default_factory=list)
    #: of each direction the sequence number that is expected, and segments that are not in order yet
    wanted: dict[bool, int] = field(default_factory=dict)
    early: dict[bool, dict[int, bytes]] = field(default_factory=lambda: {True: {}, False: {}})

    def take(self, packet: Packet) -> None:
        to_server = (packet.src, packet.sport) == self.client
        data = bytes(packet.payload)
        if not self.is_tcp:
            self.turns.append((to_server, data))
            return
        seq = packet.seq
        if packet.flags & SYN:
            self.wanted[to_server] = seq + 1 & 0xFFFFFFFF
            return
        self.early[to_server].setdefault(seq, data)
        self.wanted.setdefault(to_server, seq)
        self.turns.extend((to_server, piece) for piece in self._in_order(to_server))

    def _in_order(self, to_server: bool) -> Iterator[bytes]:
        early = self.early[to_server]
        while (data := early.pop(self.wanted[to_server], None)) is not None:
            self.wanted[to_server] = self.wanted[to_server] + len(data) & 0xFFFFFFFF
            if data:
                yield data

    def conversation(self) -> Conversation:
        carrier: Literal["tcp", "udp"] = "tcp" if self.is_tcp else "udp"
        dialogue = conversation(carrier)
        for to_server, data in self.turns:
            dialogue = dialogue.client(data) if to_server else dialogue.server(data)
        return dialogue
