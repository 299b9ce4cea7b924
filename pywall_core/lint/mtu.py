"""Interfaces whose packets are longer than what is copied of them, where rules ask for content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..config import BoundRule, Config, leaves
from ..kernel.machine import mtus

#: what the queue's library has room for, whatever ``queue.range`` says
COPIED: Final = 3584


def are_long_packets_cut(config: Config, chains: Mapping[str, list[BoundRule]]) -> bool:
    """Return whether rules ask for content, so that ``failure.truncated`` decides on packets that were cut."""
    if config.failure.truncated != "drop-packet" or config.mode == "observe":
        return False
    return any(kind.asks() for rules in chains.values() for rule in rules for kind in leaves(rule.condition))


def lint_mtu(config: Config, chains: Mapping[str, list[BoundRule]]) -> None:
    """Note the interfaces on which ``failure.truncated`` may decide instead of the rules.

    TCP is made to send segments that are copied whole (:mod:`pywall_core.packet.segment_size`), but where the kernel
    joins them (``queue.gso``).
    """
    copied = min(config.queue.range, COPIED)
    if not are_long_packets_cut(config, chains):
        return
    long = {name: mtu for name, mtu in mtus().items() if mtu > copied and (name != "lo" or config.queue.loopback)}
    if long:
        shown = ", ".join(f"{name} ({mtu})" for name, mtu in sorted(long.items())[:4])
        what = "packets" if config.queue.gso else "datagrams"
        config.warn(
            ("queue",),
            "W025",
            f"{what} on {shown} may be longer than the {copied} bytes that are copied of each: one whose first bytes "
            f"do not answer the rules is dropped; set the MTU to {copied} or less, or say failure: "
            "{truncated: pass-packet}",
        )
