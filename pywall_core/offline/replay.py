"""Captures through the engine: each packet gets the netfilter hook that it would have met, and its verdict.

Nothing here needs privileges; the engine is the one that runs live.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from glob import glob, has_magic
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..model.packet import ACK, FORWARD, INPUT, OUTPUT, SYN, TCP, Packet
from ..model.verdict import Verdict
from ..packet.decode import decode, is_syn
from ..sources.pcap import CaptureError, read

if TYPE_CHECKING:
    from ..engine.engine import Engine

Network = IPv4Network | IPv6Network

#: packets between two calls of ``progress``
PROGRESS_PACKETS: Final = 4096
_REMEMBERED: Final = 65536
_SUFFIXES: Final = frozenset({".pcap", ".pcapng", ".cap", ".dmp", ".trace"})
_COMPRESSIONS: Final = frozenset({".gz", ".xz", ".bz2", ".zst"})


class Enough(Exception):  # noqa: N818 - no error
    """Raised by ``seen``: nothing more of this capture is needed."""


@dataclass(slots=True)
class Summary:
    """What became of captures: frames read, frames without an IP packet by reason, and where reading ended early."""

    packets: int = 0
    not_ip: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    @property
    def error(self) -> str | None:
        """The first of ``errors``."""
        return self.errors[0] if self.errors else None


class Hooks:
    """Says by which netfilter hook a packet of a capture comes.

    Packets to a flow's responder by INPUT, back by OUTPUT. With ``local`` networks: to one of ours by INPUT, from one
    of ours by OUTPUT, others by FORWARD. ``fixed``: all by this hook.
    """

    def __init__(self, local: Sequence[Network] = (), fixed: int | None = None) -> None:
        self._local = tuple(local)
        self._fixed = fixed
        self._ours: dict[bytes, bool] = {}
        self._fragments: dict[bytes, int] = {}

    def chooser(self, engine: Engine) -> Callable[[Packet], int]:
        """Return the hook of each packet, as a function; for packets that the engine has not seen yet."""
        fixed = self._fixed
        if fixed is not None:
            return lambda packet: fixed
        if self._local:
            return self._by_address
        find = engine.flows.find

        def by_role(packet: Packet) -> int:
            flow = find(packet.key)
            if flow is None:
                answers = packet.related or (packet.proto == TCP and packet.flags & (SYN | ACK) == SYN | ACK)
                return OUTPUT if answers else INPUT
            if packet.key == flow.key or (flow.closed and is_syn(packet)):
                return INPUT
            return OUTPUT

        def by_role_of_datagram(packet: Packet) -> int:
            return by_role(packet) if packet.frag is None else self._of_fragment(packet, by_role)

        return by_role_of_datagram

    def _by_address(self, packet: Packet) -> int:
        if self._is_ours(packet.dst) or _is_for_many(packet.dst):
            return INPUT if not self._is_ours(packet.src) or self._is_ours(packet.dst) else OUTPUT
        return OUTPUT if self._is_ours(packet.src) else FORWARD

    def _of_fragment(self, packet: Packet, by_role: Callable[[Packet], int]) -> int:
        """Only a first fragment has ports; the others arrive at the same hook."""
        assert packet.frag is not None
        identification, offset, _ = packet.frag
        datagram = packet.src + packet.dst + identification
        if offset == 0:
            if len(self._fragments) >= _REMEMBERED:
                self._fragments.clear()
            self._fragments[datagram] = by_role(packet)
        return self._fragments.get(datagram, INPUT)

    def _is_ours(self, address: bytes) -> bool:
        known = self._ours.get(address)
        if known is None:
            if len(self._ours) >= _REMEMBERED:
                self._ours.clear()
            known = len(address) in (4, 16) and any(ip_address(address) in network for network in self._local)
            self._ours[address] = known
        return known


def _is_for_many(address: bytes) -> bool:
    """Multicast, or IPv4's limited broadcast."""
    if len(address) == 4:
        return address[0] >> 4 == 14 or address == b"\xff\xff\xff\xff"
    return address[:1] == b"\xff"


def replay(
    engine: Engine,
    path: str | Path,
    hooks: Hooks,
    *,
    seen: Callable[[Packet, Verdict], None] | None = None,
    progress: Callable[[int], None] | None = None,
    wanted: Callable[[bytes], bool] | None = None,
    limit: int = 0,
) -> Summary:
    """Send a capture through a fresh engine, close it, and emit its ``stats`` event: :func:`replay_sequence` of one."""
    return replay_sequence(engine, [path], hooks, seen=seen, progress=progress, wanted=wanted, limit=limit)


def replay_sequence(
    engine: Engine,
    paths: Sequence[str | Path],
    hooks: Hooks,
    *,
    seen: Callable[[Packet, Verdict], None] | None = None,
    progress: Callable[[int], None] | None = None,
    wanted: Callable[[bytes], bool] | None = None,
    limit: int = 0,
) -> Summary:
    """Send captures through a fresh engine, one after the other as if they were one, close it, and emit its ``stats``
    event.

    ``seen(packet, verdict)`` is called after each packet, ``progress(n)`` periodically with the number of frames read
    since. ``wanted(data)`` chooses the IP packets that the engine gets. Reading of a capture ends after ``limit``
    frames (0: at its end), of all when ``seen`` raises :class:`Enough`. A capture that cannot be read (further) is
    reported by ``Summary.errors``, a line each; nothing is raised.
    """
    summary = Summary()
    hook_of = hooks.chooser(engine)
    try:
        for path in paths:
            if path is not paths[0]:
                engine.begin_capture(str(path))
            _read_capture(engine, path, hook_of, summary, seen, progress, wanted, limit)
    except Enough:
        pass
    engine.frame = summary.packets + 1
    engine.close()
    not_ip = {"not_ip": dict(summary.not_ip)} if summary.not_ip else {}
    engine.emit("stats", stats={"frames": summary.packets, **not_ip, **engine.stats()})
    return summary


def _read_capture(
    engine: Engine,
    path: str | Path,
    hook_of: Callable[[Packet], int],
    summary: Summary,
    seen: Callable[[Packet, Verdict], None] | None,
    progress: Callable[[int], None] | None,
    wanted: Callable[[bytes], bool] | None,
    limit: int,
) -> None:
    """Send one capture through the engine; ``summary`` gets what became of it."""
    process = engine.process
    before = summary.packets
    number = reported = 0
    try:
        for number, time, data, reason in read(path):
            if data is None:
                summary.not_ip[reason] += 1
                if number == limit:
                    break
                continue
            engine.frame = before + number
            if wanted is None or wanted(data):
                packet = decode(data, time)
                packet.pcap_cnt = number
                packet.hook = hook_of(packet)
                verdict = process(packet)
                if seen is not None:
                    seen(packet, verdict)
            else:
                engine.advance(time)
            if progress is not None and number - reported >= PROGRESS_PACKETS:
                progress(number - reported)
                reported = number
            if number == limit:
                break
    except CaptureError as error:
        summary.errors.append(str(error))
    finally:
        summary.packets = before + number
        if progress is not None:
            progress(number - reported)


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Let the garbage collector leave alone what is loaded, and look seldom: flows are freed by reference counts."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def captures(paths: Sequence[str]) -> list[str]:
    """Return the captures that ``paths`` name: ``-`` and files as they are, a folder as all captures below it, and a
    pattern (``*``, ``?``, ``[``) that is not a file as what it matches, both in order of their names.
    """
    found: list[str] = []
    for path in paths:
        if Path(path).is_dir():
            found += sorted(str(file) for file in Path(path).rglob("*") if _is_capture_name(file) and file.is_file())
        elif not Path(path).exists() and has_magic(path):
            found += captures(sorted(glob(path, recursive=True)))
        else:
            found.append(path)
    return found


def _is_capture_name(file: Path) -> bool:
    suffixes = file.suffixes
    if suffixes and suffixes[-1] in _COMPRESSIONS:
        suffixes = suffixes[:-1]
    return bool(suffixes) and suffixes[-1] in _SUFFIXES
