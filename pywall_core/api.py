"""The public API: all that a plugin may import of pywall_core (besides :mod:`pywall_core.testing`).

A plugin is a module or a class whose functions are marked with :data:`hookimpl`, registered under the entry-point
group ``pywall.plugins``. See ``docs/how-to``; the hooks are described in :mod:`pywall_core.hookspecs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .decode import decode
from .hookspecs import hookimpl
from .rulekind import RuleKind, Scope
from .types import (
    ACCEPT,
    ACK,
    DROP,
    FIN,
    FORWARD,
    HOOK_NAMES,
    ICMP,
    ICMPV6,
    INPUT,
    MORE,
    NO,
    OUTPUT,
    PENDING,
    PSH,
    REJECT,
    RST,
    SYN,
    TCP,
    UDP,
    URG,
    YES,
    Action,
    Answer,
    Drop,
    Facts,
    Flow,
    Match,
    Matcher,
    Packet,
    Verdict,
)

if TYPE_CHECKING:
    from .engine import Engine as Engine
    from .plugins import RuleRegistry as RuleRegistry

#: Raised by one when a hook or a class here changes so that a plugin may break; plugins state the one they were
#: written for in ``api_version``.
API_VERSION = 1

__all__ = [
    "ACCEPT",
    "ACK",
    "API_VERSION",
    "DROP",
    "FIN",
    "FORWARD",
    "HOOK_NAMES",
    "ICMP",
    "ICMPV6",
    "INPUT",
    "MORE",
    "NO",
    "OUTPUT",
    "PENDING",
    "PSH",
    "REJECT",
    "RST",
    "SYN",
    "TCP",
    "UDP",
    "URG",
    "YES",
    "Action",
    "Answer",
    "Drop",
    "Engine",
    "Facts",
    "Flow",
    "Match",
    "Matcher",
    "Packet",
    "RuleKind",
    "RuleRegistry",
    "Scope",
    "Verdict",
    "decode",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    """Engine and RuleRegistry, on first use: they import this module."""
    if name == "Engine":
        from .engine import Engine

        return Engine
    if name == "RuleRegistry":
        from .plugins import RuleRegistry

        return RuleRegistry
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
