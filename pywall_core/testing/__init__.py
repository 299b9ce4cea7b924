"""Test kit for authors of plugins: dialogues, an engine in memory, contracts that every plugin keeps.

``from pywall_core.testing import conversation, detector_contract``. The names are imported on first use, since pytest
imports this package in every environment that has pywall-core: before coverage has started, and whether or not the
project under test is a plugin.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..offline.verify import cases, verify
    from .captures import conversations_in
    from .detectors import detector_contract
    from .dialogues import Conversation, conversation
    from .flows import make_flow
    from .handovers import client_hello, late_hand_overs, server_hello
    from .handovers_binary import framed_hand_overs
    from .memory import InMemory, engine, replay
    from .packets import fragment, icmp_error, ip_packet, tcp_packet, udp_packet, write_pcap
    from .rules import rule_contract
    from .transactions import FoundTransactions, find_transactions, transaction_contract

_HOMES = {
    "Conversation": ".dialogues",
    "FoundTransactions": ".transactions",
    "InMemory": ".memory",
    "client_hello": ".handovers",
    "cases": "..offline.verify",
    "conversation": ".dialogues",
    "conversations_in": ".captures",
    "detector_contract": ".detectors",
    "engine": ".memory",
    "find_transactions": ".transactions",
    "fragment": ".packets",
    "icmp_error": ".packets",
    "ip_packet": ".packets",
    "framed_hand_overs": ".handovers_binary",
    "late_hand_overs": ".handovers",
    "make_flow": ".flows",
    "replay": ".memory",
    "rule_contract": ".rules",
    "server_hello": ".handovers",
    "tcp_packet": ".packets",
    "transaction_contract": ".transactions",
    "udp_packet": ".packets",
    "verify": "..offline.verify",
    "write_pcap": ".packets",
}

__all__ = [
    "Conversation",
    "FoundTransactions",
    "InMemory",
    "cases",
    "client_hello",
    "conversation",
    "conversations_in",
    "detector_contract",
    "engine",
    "find_transactions",
    "fragment",
    "framed_hand_overs",
    "icmp_error",
    "ip_packet",
    "late_hand_overs",
    "make_flow",
    "replay",
    "rule_contract",
    "server_hello",
    "tcp_packet",
    "transaction_contract",
    "udp_packet",
    "verify",
    "write_pcap",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home, __name__), name)
