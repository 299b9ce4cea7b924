"""Interfaces whose packets are longer than what is copied of them, where rules ask for content."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..config import BoundRule, Config, leaves

_INTERFACES: Final = Path("/sys/class/net")
#: what the queue's library has room for, whatever ``queue.range`` says
COPIED: Final = 3584


def lint_mtu(config: Config, chains: Mapping[str, list[BoundRule]]) -> None:
    """Note the interfaces on which ``failure.truncated`` may decide instead of the rules."""
    copied = min(config.queue.range, COPIED)
    if config.failure.truncated != "drop-packet" or config.mode == "observe":
        return
    if not any(kind.asks() for rules in chains.values() for rule in rules for kind in leaves(rule.condition)):
        return
    long = {name: mtu for name, mtu in mtus().items() if mtu > copied and (name != "lo" or config.queue.loopback)}
    if long:
        shown = ", ".join(f"{name} ({mtu})" for name, mtu in sorted(long.items())[:4])
        config.warn(
            ("queue",),
            "W025",
            f"packets of {shown} may be longer than the {copied} bytes that are copied of each: one whose first bytes "
            f"do not answer the rules is dropped, and its connection hangs; set the MTU to {copied} or less, "
            "or say failure: {truncated: pass-packet}",
        )


def mtus() -> dict[str, int]:
    """Return the MTU of each of this machine's interfaces, in bytes; those that cannot be read are left out."""
    found = {}
    with suppress(OSError):
        for folder in _INTERFACES.iterdir():
            with suppress(OSError, ValueError):
                found[folder.name] = int((folder / "mtu").read_text())
    return found
