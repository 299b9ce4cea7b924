"""TCP connections that were open before the firewall: those of this host's sockets, and those that conntrack knows.

conntrack works only where some rule asks for it, so it may know nothing of what a gateway forwards.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from . import conntrack

_SOCKETS: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTEN: Final = "0A"
_MAPPED: Final = bytes(10) + b"\xff\xff"


def open_connections(hooks: Iterable[str]) -> frozenset[bytes] | None:
    """Flow keys (one direction each), or None where forwarded connections cannot be known."""
    try:
        tracked = set(conntrack.keys())
    except OSError:
        tracked = set()
    if not tracked and "FORWARD" in hooks:
        return None
    for path in _SOCKETS:
        try:
            tracked.update(socket_keys(path.read_text()))
        except OSError:
            continue  # no IPv6
    return frozenset(tracked)


def original_keys() -> frozenset[bytes]:
    """Return flow keys of the open connections, in the direction of those who began them.

    conntrack knows who began; a socket that it does not know was begun by the peer when this host listens on its port.
    """
    found: set[bytes] = set()
    seen: set[bytes] = set()
    try:
        for key, reply_key in conntrack.key_pairs():
            found.add(key)
            seen |= {key, _reverse(key), reply_key, _reverse(reply_key)}
            found.add(_reverse(reply_key))  # with address translation the other host sees these addresses
    except OSError:
        pass
    for path in _SOCKETS:
        try:
            text = path.read_text()
        except OSError:
            continue  # no IPv6
        listening = {fields[1][-4:] for fields in map(str.split, text.splitlines()[1:]) if fields[3:4] == [_LISTEN]}
        for key in socket_keys(text):
            if key not in seen:
                found.add(_reverse(key) if f"{int.from_bytes(key[-4:-2], 'big'):04X}" in listening else key)
    return frozenset(found)


def socket_keys(text: str) -> Iterator[bytes]:
    """Flow keys of the connected sockets in a listing like ``/proc/net/tcp`` (``get_tcp4_sock`` in the kernel)."""
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 3 and fields[3] != _LISTEN:
            (source, sport), (target, dport) = map(_end, fields[1:3])
            yield b"\x06" + source + target + sport + dport


def _reverse(key: bytes) -> bytes:
    size = (len(key) - 5) // 2
    return key[:1] + key[1 + size : 1 + 2 * size] + key[1 : 1 + size] + key[-2:] + key[-4:-2]


def _end(word: str) -> tuple[bytes, bytes]:
    """Return the address and port; the address is printed as words of 32 bits in the host's byte order."""
    address, _, port = word.partition(":")
    fields = [int(address[at : at + 8], 16) for at in range(0, len(address), 8)]
    packed = struct.pack(f"={len(fields)}I", *fields)
    return packed.removeprefix(_MAPPED), bytes.fromhex(port)
