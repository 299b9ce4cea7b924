"""The state of this machine's network that a firewall meets: links, queues of others, rules left behind, Multipath TCP.

What is ours is no finding. Each function returns ``(ok, found, remedy)`` for :class:`pywall_core.kernel.checks.Check`.
"""

from __future__ import annotations

import fcntl
import re
import socket
import struct
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Final

from .command import CommandError
from .iptables import IPTables, Saved, Variant
from .ruleset import PREFIX, QUEUE

Finding = tuple[bool | None, str, str]

#: Where rules are kept for the next boot (iptables-persistent, nftables, RHEL's iptables-services).
SAVED: Final = (
    "/etc/iptables/rules.v4",
    "/etc/iptables/rules.v6",
    "/etc/iptables.rules",
    "/etc/sysconfig/iptables",
    "/etc/sysconfig/ip6tables",
    "/etc/nftables.conf",
    "/var/lib/iptables/rules-save",
    "/var/lib/ip6tables/rules-save",
)
_OWN_QUEUE: Final = re.compile(rf"-A {QUEUE} .*-j NFQUEUE --queue-(?:num|balance) (\d+)(?::(\d+))?")
_QUEUES: Final = Path("/proc/net/netfilter/nfnetlink_queue")
_CONNTRACK: Final = Path("/proc/sys/net/netfilter")
_MPTCP: Final = Path("/proc/sys/net/mptcp/enabled")
_SIOCGIFMTU: Final = 0x8921
_SIOCETHTOOL: Final = 0x8946
_GET_FLAGS: Final = 0x25
_GET_DRIVER: Final = 0x03
#: bytes of ``struct ethtool_drvinfo``; the driver's name is at 4, 32 bytes
_DRIVER_INFO: Final = 196
_LRO: Final = 1 << 15
#: share of conntrack's table above which new connections may soon be refused
_CROWDED: Final = 0.8


def mtus() -> dict[str, int]:
    """Return the MTU of each interface of this network namespace, in bytes; those that cannot be read are left out."""
    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for _, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(any_socket, _SIOCGIFMTU, struct.pack("16si12x", name.encode(), 0))
            except OSError:
                continue
            found[name] = struct.unpack("16si12x", answer)[1]
    return found


def links(copied: int) -> Finding:
    """Interfaces whose packets are longer than the ``copied`` bytes that are copied of each."""
    long = {name: mtu for name, mtu in mtus().items() if mtu > copied and name != "lo"}
    if not long:
        return True, f"no MTU above the {copied} bytes that are copied of a packet", ""
    shown = ", ".join(f"{name} ({mtu})" for name, mtu in sorted(long.items())[:3])
    return (
        None,
        f"{shown}: longer than the {copied} bytes copied of a packet; TCP adapts, datagrams do not",
        (f"ip link set DEVICE mtu {copied} where rules ask for the content of long datagrams"),
    )


def offloads() -> Finding:
    """Interfaces that join packets of different lengths (LRO), which no forwarding host may do."""
    joining = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for _, name in socket.if_nameindex():
            value = bytearray(struct.pack("II", _GET_FLAGS, 0))
            try:
                _ethtool(any_socket, name, value)
            except OSError:
                continue  # not a device with flags
            if struct.unpack("II", value)[1] & _LRO:
                joining.append(name)
    if not joining:
        return True, "segmentation by the kernel and the cards is reversed before the queue", ""
    return None, f"{', '.join(joining)} join packets before they are seen (LRO)", f"ethtool -K {joining[0]} lro off"


def has_bridge() -> bool:
    """Return whether this network namespace has a bridge of the kernel's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for _, name in socket.if_nameindex():
            value = bytearray(struct.pack("I", _GET_DRIVER).ljust(_DRIVER_INFO, b"\0"))
            try:
                _ethtool(any_socket, name, value)
            except OSError:
                continue  # not a device with a driver
            if value[4:36].rstrip(b"\0") == b"bridge":
                return True
    return False


def _ethtool(any_socket: socket.socket, name: str, value: bytearray) -> None:
    """Fill ``value`` (``struct ethtool_value`` or ``ethtool_drvinfo``, linux/ethtool.h)."""
    import ctypes

    buffer = (ctypes.c_char * len(value)).from_buffer(value)
    fcntl.ioctl(any_socket, _SIOCETHTOOL, struct.pack("16sP16x", name.encode(), ctypes.addressof(buffer)))


def connections(folder: Path = _CONNTRACK) -> Finding:
    """How full conntrack's table is."""
    try:
        most = int((folder / "nf_conntrack_max").read_text())
        now = int((folder / "nf_conntrack_count").read_text())
    except (OSError, ValueError):
        return False, f"{folder}/nf_conntrack_max is missing", "modprobe nf_conntrack"
    found = f"{now} of {most} connections"
    if now > _CROWDED * most:
        return False, f"{found}: new ones are refused soon", f"sysctl -w net.netfilter.nf_conntrack_max={2 * most}"
    return True, found, ""


def queues(ours: Container[int], path: Path = _QUEUES) -> Finding:
    """Queues that other programs have bound. ``ours`` are the numbers of the firewall that runs here."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return False, f"{path} is missing", "modprobe nfnetlink_queue"
    others = [fields[0] for fields in map(str.split, lines) if int(fields[0]) not in ours]
    if not others:
        return True, "no other program has bound one", ""
    return (
        None,
        f"another program has bound {', '.join(others[:5])}",
        ("give queue.number another number, and see whose rules come first"),
    )


def own_queues() -> set[int]:
    """Return the numbers of the queues that our rules lead to."""
    found: set[int] = set()
    for _, saved in _tables():
        for rule in saved.rules:
            if (own := _OWN_QUEUE.match(rule)) is not None:
                first = int(own[1])
                found.update(range(first, int(own[2] or first) + 1))
    return found


def multipath(path: Path = _MPTCP) -> Finding:
    """Whether connections may run over several paths."""
    try:
        on = path.read_text().strip() != "0"
    except OSError:
        on = False
    return True, "on; made plain TCP where rules ask for content" if on else "off", ""


def rules_left(running: bool, saved: Iterable[str] = SAVED) -> Finding:
    """Rules of ours without a firewall, now or at the next boot: they drop every packet that they queue."""
    places = sorted({f"ip{'6' * (family == 6)}tables" for family, found in _tables() if found.own_chains()})
    if places and not running:
        return (
            False,
            f"{', '.join(places)} hold rules of PyWall, which does not run: packets are dropped",
            ("pywall cleanup, or start it"),
        )
    kept = [path for path in saved if _holds_ours(Path(path))]
    if kept:
        return (
            False,
            f"{', '.join(kept)} would shut this host at boot: rules of PyWall were saved with others",
            ("save the rules again while PyWall is stopped"),
        )
    return True, "none without PyWall, now and at boot", ""


def _tables() -> Iterator[tuple[int, Saved]]:
    """Yield all tables of both families and variants, each with its family."""
    variants: tuple[Variant, ...] = ("nft", "legacy")
    for family in (4, 6):
        for variant in variants:
            try:
                tables = IPTables(family, variant).save()
            except CommandError:
                continue
            yield from ((family, saved) for saved in tables.values())


def _holds_ours(path: Path) -> bool:
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return False
    return f":{PREFIX}" in text or f"chain {PREFIX}" in text
