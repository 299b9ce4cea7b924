"""Session Initiation Protocol, over UDP and TCP; announces the media that both sides agree on.

:checked: a request line with a URI and ``SIP/2.0``, a status line; of a damaged request line in a datagram a known
    method and the URI's scheme, or a ``Via`` of SIP 2.0 behind it
:source: RFC 3261 sections 7.1, 7.2 and 18.3, RFC 8866 (SDP)
:minimum: the first line, or ``SIP/2.0`` and a status code
:facts: method, uri, version, code, reason, user_agent, from, to
"""

from __future__ import annotations

import re
from functools import partial
from ipaddress import ip_address
from typing import Any, Final

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.copies import is_copy
from ..parsing.dialogue import has_fields, head_of, is_mostly_text
from ..parsing.evidence import Description, Evidence, client_first
from ..parsing.wire import LF, datagrams, text
from ..transactions.datagrams import SipTransactions

api_version = 1
protocols = ("sip",)
transport = ("tcp", "udp")
tier = "exact"
announces = ("rtp",)
_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: what clients send to keep a way through NAT open (RFC 5626 section 3.5.1), and what is seen for it
_KEEP_ALIVE: Final = b"\r\n\0 jaK"
#: bytes of them before a stream's first message
_MOST_KEEP_ALIVES: Final = 1024
first_client = _LETTERS + _KEEP_ALIVE
first_server = None

_REQUEST: Final = re.compile(rb"([A-Z]{3,20}) ([A-Za-z][A-Za-z0-9+.-]{1,20}:[^\s]{1,2048}) (SIP/2\.0)\r?\n")
_STATUS: Final = re.compile(rb"(SIP/2\.0) ([1-6]\d\d)(?: ([^\r\n]*))?")
_BEGINNING: Final = re.compile(
    rb"[A-Z]{1,20}(?: [A-Za-z]?[A-Za-z0-9+.-]{0,20}(?::[^\s]{0,2048}(?: S?I?P?/?2?\.?0?\r?)?)?)?\Z"
    rb"|S(?:I(?:P(?:/(?:2(?:\.(?:0(?: \d{0,2})?)?)?)?)?)?)?\Z"
)
_DAMAGED: Final = re.compile(
    rb"[^\r\n]{8,2048} SIP/2\.0\r\nVia: SIP/2\.0/[A-Z]{2,4} "
    rb"|(?:INVITE|REGISTER|OPTIONS|ACK|BYE|CANCEL|SUBSCRIBE|NOTIFY|MESSAGE|PUBLISH|INFO|PRACK|UPDATE|REFER) "
    rb"(?:sips?|tel):"
)
_AGENT: Final = re.compile(rb"\r?\nUser-Agent:[ \t]*([^\r\n]*)", re.I)
#: the call is accepted, or its media begin (RFC 3261 section 13.3, RFC 3262)
_ACCEPTED: Final = re.compile(
    rb"(?:\A|\n)SIP/2\.0 (?:18\d|2\d\d) (?:[^\n]{0,512}\n){1,32}?CSeq:[ \t]*\d{1,10}[ \t]+INVITE\b", re.I
)
_CALL: Final = re.compile(rb"\n(?:Call-ID|i)[ \t]*:[ \t]*([^\r\n]{1,256})", re.I)
#: a status line, and the call that it is of
_ANSWERED: Final = re.compile(
    rb"(?:\A|\n)SIP/2\.0 [1-6]\d\d (?:[^\n]{0,512}\n){1,32}?(?:Call-ID|i)[ \t]*:[ \t]*([^\r\n]{1,256})", re.I
)
_MEDIA: Final = re.compile(
    rb"\r?\n(?:c=IN IP[46] ([0-9A-Fa-f:.]{2,45})|m=(?:audio|video|image|text) (\d{1,5})(?:/\d+)? (?:RTP|udp))"
)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect SIP."""
    whole = flow.proto == UDP
    if whole:
        asked, reply = _first(client, flow.client_sizes), _first(server, flow.server_sizes)
    else:
        asked, reply = _behind_keep_alives(client), _behind_keep_alives(server)
    proved = _belong(asked, reply) or _crosses(asked, reply, client, server)
    answer = client_first("sip", _side(asked, whole), _side(reply, whole), _describe, asked, reply, proved=proved)
    if isinstance(answer, Match) and answer.confirmed and _ACCEPTED.search(server):
        _announce(flow, client, server)
    return answer


def _belong(asked: bytes, reply: bytes) -> bool:
    """Return True if both have fields, and the reply is none of the request's own kind that says nearly the same. Of a
    damaged request nothing more is asked."""
    if not (_has_fields(asked) and _has_fields(reply)):
        return False
    kinds = (_STATUS.match(asked) is None) != (_STATUS.match(reply) is None)
    return kinds or not is_copy(head_of(asked), head_of(reply))


def _crosses(asked: bytes, reply: bytes, client: bytes, server: bytes) -> bool:
    """Return True if both sides begin with a request, and either one is answered later on: by its Call-ID, with which
    who asks has answered nothing."""
    if not (_has_fields(asked) and _has_fields(reply) and _REQUEST.match(asked) and _REQUEST.match(reply)):
        return False
    called, called_back = (_CALL.findall(head_of(message))[:1] for message in (asked, reply))
    answers, answers_back = ({*_ANSWERED.findall(data)} for data in (client, server))
    return any(call in answers_back - answers for call in called) or any(
        call in answers - answers_back for call in called_back
    )


def _has_fields(message: bytes) -> bool:
    damaged = not (_STATUS.match(message) or _REQUEST.match(message))
    return is_mostly_text(head_of(message)) if damaged else has_fields(message)


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser:
    """Follow every request."""
    return SipTransactions(stream=flow.proto != UDP)


def begins_again(datagram: bytes) -> bool:
    """Return whether a datagram is a request for sure: servers pass over what was sent before it."""
    return _REQUEST.match(datagram.lstrip(_KEEP_ALIVE)) is not None


def _describe(asked: bytes, reply: bytes) -> Description:
    return Description({}, done=False, later=partial(_facts, asked, reply))


def _facts(asked: bytes, reply: bytes) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for data in (reply, asked):
        if request := _REQUEST.match(data):
            facts |= {"method": text(request[1]), "uri": text(request[2]), "version": "SIP/2.0"}
        elif (status := _STATUS.match(data)) and LF in data[:512]:
            facts |= {"code": int(status[2]), "reason": text(status[3] or b""), "version": "SIP/2.0"}
    head = asked[: asked.find(b"\r\n\r\n") + 2]
    if agent := _AGENT.search(head):
        facts["user_agent"] = text(agent[1])
    return facts


def _first(data: bytes, sizes: tuple[int, ...]) -> bytes:
    """Return the first datagram with anything but what keeps the way open."""
    for datagram in datagrams(data, sizes):
        if message := datagram.lstrip(_KEEP_ALIVE):
            return message
    return b""


def _behind_keep_alives(data: bytes) -> bytes:
    """Return a stream from its first message on; of one that only keeps the way open, a byte that begins none."""
    message = data.lstrip(_KEEP_ALIVE)
    return message if len(data) - len(message) <= _MOST_KEEP_ALIVES else b"\0"


def _side(data: bytes, whole: bool) -> Evidence:
    if not data:
        return MORE
    if data[0] not in _LETTERS:
        return NO
    if _STATUS.match(data) or _REQUEST.match(data) or (whole and _DAMAGED.match(data)):
        return YES
    return MORE if not whole and len(data) < 2100 and _BEGINNING.match(data) else NO


def _announce(flow: Flow, client: bytes, server: bytes) -> None:
    """Expect each RTP stream of the session descriptions once; descriptions that are behind others are done with."""
    ext = flow.ext = flow.ext or {}
    done: dict[bool, int] = ext.setdefault("sip", {})
    announced: set[tuple[bool, int]] = ext.setdefault("sip.media", set())
    for to_server, data in ((True, client), (False, server)):
        body = data.find(b"\nv=0", done.get(to_server, 0))
        while body >= 0:
            done[to_server] = body
            following = data.find(b"\nv=0", body + 1)
            address = b""
            for found in _MEDIA.finditer(data, body, following if following > 0 else len(data)):
                if found[1]:
                    address = _packed(found[1])
                elif (to_server, found.start()) not in announced and 0 < int(found[2]) < 65536:
                    announced.add((to_server, found.start()))
                    if address in (flow.src, flow.dst):
                        flow.expect("rtp", proto=UDP, dst=address, dport=int(found[2]))
            body = following


def _packed(address: bytes) -> bytes:
    try:
        return ip_address(address.decode()).packed
    except ValueError:
        return b""
