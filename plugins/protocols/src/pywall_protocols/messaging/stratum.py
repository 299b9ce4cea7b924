"""Stratum, JSON lines between miners and pools.

:checked: a JSON object of the client with one of the protocol's methods or a login with an agent; an object with the
    same id, or a job, from the server
:source: Stratum mining protocol (slushpool), Bitcoin wiki; xmrig-proxy STRATUM.md; EthereumStratum 1.0.0
:minimum: the method of the client's first line
:facts: method, agent
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.copies import is_copy
from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import LF, text

api_version = 1
protocols = ("stratum",)
transport = "tcp"
tier = "exact"
first_client = b"{"
first_server = b"{"

_METHOD: Final = re.compile(
    rb"\"method\"\s*:\s*\"(mining\.(?:subscribe|configure|authorize|extranonce\.subscribe)|eth_submitLogin|eth_login"
    rb"|eth_getWork|login)\""
)
_AGENT: Final = re.compile(rb"\"(?:agent|worker)\"\s*:\s*\"([^\"]{1,128})\"|\"params\"\s*:\s*\[\s*\"([^\"]{1,128})\"")
_ANSWER: Final = re.compile(rb"\s*\{[^\n]*\"(?:result|error|method)\"\s*:")
_LONGEST: Final = 4096


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Stratum."""
    return by_request("stratum", _request, _answers, flow, client, server)


def _request(data: bytes) -> Evidence:
    end = data.find(b"\n", 0, _LONGEST)
    if end < 0:
        return MORE if len(data) < _LONGEST else NO
    line = data[:end]
    found, agent = _METHOD.search(line), _AGENT.search(line)
    if found is None or (found[1] == b"login" and (agent is None or not agent[1])):
        return NO
    facts = {"method": text(found[1])}
    if agent:
        facts["agent"] = text(agent[1] or agent[2])
    return facts


def _answers(request: bytes, answer: bytes) -> Answer:
    if LF not in answer[:_LONGEST]:
        return MORE if len(answer) < _LONGEST else NO
    if not _ANSWER.match(answer):
        return NO
    asked = request[: request.find(b"\n")]
    return MORE if is_copy(asked, answer[: answer.find(b"\n")]) else YES
