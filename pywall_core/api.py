"""The public API: all that a plugin may import of pywall_core (other than :mod:`pywall_core.testing`).

A plugin is a module or a class whose functions are marked with :data:`hookimpl`, registered under the entry-point
group ``pywall.plugins``. See ``docs/how-to``; the hooks are described in :mod:`pywall_core.hookspecs`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from .hookimpl import hookimpl
from .model.flow import Flow
from .model.helper import Helper
from .model.host import Host
from .model.matcher import Matcher
from .model.named_set import NamedSet, SetType
from .model.packet import (
    ACK,
    FIN,
    FORWARD,
    HOOK_NAMES,
    ICMP,
    ICMPV6,
    INPUT,
    OUTPUT,
    PSH,
    RST,
    SYN,
    TCP,
    UDP,
    URG,
    Packet,
    Tunnel,
)
from .model.tcp_state import TcpState
from .model.transaction import Ambiguous, Carried, HandOver, Transaction, TransactionParser
from .model.verdict import (
    ACCEPT,
    DROP,
    MORE,
    NO,
    PENDING,
    REJECT,
    YES,
    Action,
    Answer,
    Cause,
    Drop,
    Facts,
    Match,
    Verdict,
)
from .packet.decode import decode

if TYPE_CHECKING:
    from .model.policy_file import PolicyFile as PolicyFile
    from .model.policy_file import policy_file as policy_file
    from .model.rule_index import RuleIndex as RuleIndex
    from .model.rule_kind import RuleKind as RuleKind
    from .model.rule_kind import Scope as Scope
    from .model.rule_kind import Surroundings as Surroundings
    from .plugins.rule_registry import RuleRegistry as RuleRegistry

#: Raised by one when a hook or a class here changes so that a plugin may break; plugins state the one they were
#: written for in ``api_version``.
API_VERSION = 1

#: Former name of :class:`Host`.
Engine = Host

#: What plugins may use of the classes that have more members; the others are the core's own and change at any time.
PUBLIC_MEMBERS: Final = {
    "Host": (
        "config",
        "count",
        "emit",
        "fact_state",
        "flows",
        "helper",
        "keep",
        "live",
        "log",
        "may_be_confirmed",
        "misses_bare_acks",
        "now",
        "plugins",
        "possible_names",
        "sets",
        "share",
        "stats",
        "worker",
    ),
    "Flow": (
        "app_proto",
        "app_proto_orig",
        "app_proto_outer",
        "bytes_toclient",
        "bytes_toserver",
        "classifying",
        "client",
        "client_sizes",
        "closed",
        "confirmed",
        "detect_done",
        "dport",
        "dst",
        "expect",
        "expected",
        "ext",
        "facts",
        "final",
        "hook",
        "icmp",
        "id",
        "inherited",
        "initiator",
        "interrupted",
        "key",
        "last",
        "looked_at",
        "loopback",
        "midstream",
        "older",
        "opaque",
        "pkts_toclient",
        "pkts_toserver",
        "proto",
        "reversed",
        "server",
        "server_sizes",
        "set_fact",
        "share",
        "sport",
        "src",
        "start",
        "state",
        "tcp",
        "timeout",
        "tunnel",
        "turned",
        "verdict",
        "version",
        "watched",
    ),
}

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
    "PUBLIC_MEMBERS",
    "REJECT",
    "RST",
    "SYN",
    "TCP",
    "UDP",
    "URG",
    "YES",
    "Action",
    "Ambiguous",
    "Answer",
    "Carried",
    "Cause",
    "Drop",
    "Engine",
    "Facts",
    "Flow",
    "HandOver",
    "Helper",
    "Host",
    "Match",
    "Matcher",
    "NamedSet",
    "Packet",
    "PolicyFile",
    "RuleIndex",
    "RuleKind",
    "RuleRegistry",
    "Scope",
    "SetType",
    "Surroundings",
    "TcpState",
    "Transaction",
    "TransactionParser",
    "Tunnel",
    "Verdict",
    "decode",
    "hookimpl",
    "policy_file",
]


_LATER = {
    "PolicyFile": ".model.policy_file",
    "policy_file": ".model.policy_file",
    "RuleIndex": ".model.rule_index",
    "RuleKind": ".model.rule_kind",
    "Surroundings": ".model.rule_kind",
    "RuleRegistry": ".plugins.registry",
    "Scope": ".model.rule_kind",
}


def __getattr__(name: str) -> Any:
    """Return what is imported on first use: the engine and the registry import this module, rule kinds bring
    pydantic, which takes longer to import than all the rest.
    """
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LATER[name], __package__), name)
    return value
