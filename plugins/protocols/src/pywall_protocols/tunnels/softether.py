"""SoftEther VPN over UDP: the keep-alive that finds out the address before a NAT.

:checked: the question ``A`` alone, answered by ``IP=address,PORT=number``
:source: SoftEther VPN (github.com/SoftEtherVPN), src/Mayaqua/Network.c (UDP NAT-T)
:minimum: one datagram of each side
:facts: none
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request

api_version = 1
protocols = ("softether",)
transport = "udp"
tier = "exact"
first_client = b"A"
first_server = b"I"

_ADDRESS: Final = re.compile(rb"IP=[0-9A-Fa-f:.]{2,39},PORT=\d{1,5}\0?\Z")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect SoftEther."""
    return by_request("softether", _question, _answers, flow, client, server, needs_answer=True)


def _question(data: bytes) -> Evidence:
    return {} if data == b"A" else NO


def _answers(question: bytes, answer: bytes) -> Answer:
    return YES if _ADDRESS.match(answer) else NO
