"""TCP and UDP dialogues as packets, whole or as a bad network delivers them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Literal

from ..model.packet import ACK, FIN, PSH, RST, SYN, Packet
from ..packet.decode import decode
from .packets import fragment, tcp_packet, udp_packet, write_pcap


@dataclass(frozen=True, slots=True)
class Step:
    """One packet of a dialogue; ``wait`` is the time since the one before, in seconds."""

    to_server: bool
    data: bytes = b""
    flags: int = ACK
    seq: int = 0
    ack: int = 0
    wait: float = 0.001


@dataclass(frozen=True, slots=True)
class Conversation:
    """A dialogue between a client and a server. Each method gives a new one; :func:`conversation` makes the first.

    ``conversation().client(b"GET / HTTP/1.1\\r\\n\\r\\n").server(b"HTTP/1.1 200 OK\\r\\n\\r\\n").close()``
    """

    transport: Literal["tcp", "udp"]
    client_address: tuple[str, int]
    server_address: tuple[str, int]
    start: float = 1_700_000_000.0
    steps: tuple[Step, ...] = ()
    #: bytes of IP payload above which packets are sent as fragments
    fragment_size: int | None = None
    _next: tuple[int, int] = field(default=(0, 0), repr=False)

    # --- what is said ---------------------------------------------------------------------------------------------

    def client(self, data: bytes, *, flags: int = PSH | ACK, wait: float = 0.001) -> Conversation:
        """The client sends ``data`` in one packet."""
        return self._say(True, data, flags, wait)

    def server(self, data: bytes, *, flags: int = PSH | ACK, wait: float = 0.001) -> Conversation:
        """The server sends ``data`` in one packet."""
        return self._say(False, data, flags, wait)

    def handshake(self) -> Conversation:
        """TCP's three-way handshake."""
        self._tcp_only("handshake")
        return self._say(True, b"", SYN, 0.001)._say(False, b"", SYN | ACK, 0.001)._say(True, b"", ACK, 0.001)

    def ack(self) -> Conversation:
        """The receiver of the last packet acknowledges it with an empty one."""
        self._tcp_only("ack")
        return self._say(not self.steps[-1].to_server, b"", ACK, 0.001)

    def close(self, *, by_client: bool = True) -> Conversation:
        """TCP: FIN from one side, FIN from the other, and the last acknowledgement. UDP: nothing is sent."""
        if self.transport == "udp":
            return self
        first = self._say(by_client, b"", FIN | ACK, 0.001)
        return first._say(not by_client, b"", FIN | ACK, 0.001)._say(by_client, b"", ACK, 0.001)

    def reset(self, *, by_client: bool = True) -> Conversation:
        """An exact RST (RFC 5961 section 3.2) from one side."""
        self._tcp_only("reset")
        return self._say(by_client, b"", RST | ACK, 0.001)

    # --- what the network does to it --------------------------------------------------------------------------------

    def split(self, size: int) -> Conversation:
        """Cut the payload of every TCP segment into pieces of at most ``size`` bytes."""
        self._tcp_only("split")
        if size < 1:
            raise ValueError("a piece has at least one byte")
        steps: list[Step] = []
        for step in self.steps:
            cuts = range(0, max(len(step.data), 1), size)
            for at in cuts:
                last = at == cuts[-1]
                flags = step.flags if last else step.flags & ~(PSH | FIN)
                steps.append(replace(step, data=step.data[at : at + size], seq=step.seq + at, flags=flags))
        return replace(self, steps=tuple(steps))

    def reorder(self, random: Random | None = None) -> Conversation:
        """Deliver each run of payload packets of one direction in reverse, or as ``random`` shuffles it."""
        steps: list[Step] = []
        run: list[Step] = []

        def flush() -> None:
            if random is None:
                run.reverse()
            else:
                random.shuffle(run)
            steps.extend(run)
            run.clear()

        for step in self.steps:
            if run and not (step.data and step.to_server == run[0].to_server):
                flush()
            if step.data:
                run.append(step)
            else:
                steps.append(step)
        flush()
        return replace(self, steps=tuple(steps))

    def duplicate(self, copies: int = 2) -> Conversation:
        """Deliver every packet with payload ``copies`` times in a row."""
        steps = [copy for step in self.steps for copy in (step,) * (copies if step.data else 1)]
        return replace(self, steps=tuple(steps))

    def lose(self, *numbers: int) -> Conversation:
        """Never deliver the packets with payload that have these numbers (from 0; negative from the end)."""
        full = [i for i, step in enumerate(self.steps) if step.data]
        lost = {full[number] for number in numbers}
        return replace(self, steps=tuple(step for i, step in enumerate(self.steps) if i not in lost))

    def fragments(self, size: int) -> Conversation:
        """Send every IP packet with more than ``size`` bytes of payload (a multiple of 8) in fragments."""
        return replace(self, fragment_size=size)

    # --- what comes out ---------------------------------------------------------------------------------------------

    def frames(self) -> list[tuple[float, bytes]]:
        """Times in seconds and IP packets as bytes."""
        frames: list[tuple[float, bytes]] = []
        now = self.start
        for step in self.steps:
            now = round(now + step.wait, 6)
            data = self._render(step)
            header = 40 if data[0] >> 4 == 6 else 20
            if self.fragment_size and len(data) - header > self.fragment_size:
                frames.extend((now, piece) for piece in fragment(data, self.fragment_size, ident=len(frames) + 1))
            else:
                frames.append((now, data))
        return frames

    def packets(self, *, client_hook: int = 1, server_hook: int = 3) -> list[Packet]:
        """Decoded packets; the client's by ``client_hook`` (INPUT: we are the server), the server's by the other."""
        client = decode(self._render(Step(True))).src
        packets = []
        for number, (time, data) in enumerate(self.frames(), 1):
            packet = decode(data, time, client_hook)
            packet.pcap_cnt = number
            packet.to_server = packet.src == client
            if not packet.to_server:
                packet.hook = server_hook
            packets.append(packet)
        return packets

    def __iter__(self) -> Iterator[Packet]:
        return iter(self.packets())

    def turns(self) -> list[tuple[bool, bytes]]:
        """Who said what: ``(to_server, payload)`` of every packet with payload, in order."""
        return [(step.to_server, step.data) for step in self.steps if step.data]

    def pcap(self, path: Path | str) -> Path:
        """Write the dialogue as a capture (link type raw IP) and give its path."""
        write_pcap(path, self.frames())
        return Path(path)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _say(self, to_server: bool, data: bytes, flags: int, wait: float) -> Conversation:
        if self.transport == "udp":
            return replace(self, steps=(*self.steps, Step(to_server, data, 0, wait=wait)))
        mine, theirs = self._next if to_server else self._next[::-1]
        step = Step(to_server, data, flags, mine, theirs if flags & ACK else 0, wait)
        mine += len(data) + bool(flags & SYN) + bool(flags & FIN)
        after = (mine, theirs) if to_server else (theirs, mine)
        return replace(self, steps=(*self.steps, step), _next=after)

    def _render(self, step: Step) -> bytes:
        source, target = self.client_address, self.server_address
        if not step.to_server:
            source, target = target, source
        if self.transport == "udp":
            return udp_packet(*source, *target, step.data)
        return tcp_packet(*source, *target, seq=step.seq, ack=step.ack, flags=step.flags, data=step.data)

    def _tcp_only(self, what: str) -> None:
        if self.transport != "tcp":
            raise ValueError(f"{what} is for TCP")


def conversation(
    transport: Literal["tcp", "udp"] = "tcp",
    client: tuple[str, int] = ("192.0.2.1", 40000),
    server: tuple[str, int] = ("198.51.100.2", 443),
    *,
    handshake: bool = True,
    start: float = 1_700_000_000.0,
    sequence: tuple[int, int] = (1000, 5000),
) -> Conversation:
    """Begin a dialogue over IPv4 or IPv6 (by the addresses). TCP opens with its handshake unless told otherwise.

    ``sequence`` are the initial sequence numbers of client and server (0 to 2**32 - 1), ``start`` is seconds.
    """
    talk = Conversation(transport, client, server, start, _next=sequence)
    return talk.handshake() if transport == "tcp" and handshake else talk
