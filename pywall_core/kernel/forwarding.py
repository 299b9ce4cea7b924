"""Whether this network namespace passes on packets of others, as a router, a multicast router or a bridge does.

Frames of a bridge pass iptables where br_netfilter is loaded, by a switch of the namespace or of the bridge. Source:
Documentation/networking/ip-sysctl.rst of the kernel, ``net/bridge/br_netfilter_hooks.c``.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from .machine import has_bridge
from .ruleset import Plan

_PROC: Final = Path("/proc/sys/net")


def host_only(proc: Path = _PROC) -> frozenset[int]:
    """Return the families (4, 6) of which every packet that comes in is for this machine.

    A family is left out where one interface forwards, where new ones would, and where the kernel does not say.
    """
    return frozenset(family for family in (4, 6) if not _forwards(proc, family))


def with_ways_in(plan: Plan) -> Plan:
    """Return the plan with what this machine forwards now, where that makes a difference."""
    asks = any(drop.hook == "INPUT" for drop in plan.drops)
    return replace(plan, host_only=host_only()) if asks else plan


def _forwards(proc: Path, family: int) -> bool:
    folder = f"{proc}/ipv{family}/conf"
    try:
        for interface in os.listdir(folder):
            for switch in ("forwarding", "mc_forwarding"):
                with open(f"{folder}/{interface}/{switch}", "rb") as file:
                    if file.read().strip() != b"0":
                        return True
    except OSError:
        return True
    return os.path.exists(f"{proc}/bridge") and has_bridge()
