"""MELSEC: Mitsubishi's programmable controllers, by MELSOFT's frames and those of SLMP (3E and 4E), over UDP and TCP.

:checked: the request's mark and fixed bytes, and a length that fits; of SLMP the module, and a command that there is;
    the answer's mark, number and length
:source: Mitsubishi Electric SH-080956ENG (SLMP reference), sections 3.1, 3.2 and 5; MELSOFT's frames are not published:
    as recorded traffic shows
:minimum: the first message, 15 to 21 bytes
:facts: frame
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import cut

api_version = 1
protocols = ("melsec",)
transport = ("udp", "tcp")
tier = "structural"

#: network and controller, module, multidrop station
_TARGET: Final = rb"[\x00-\xef\xfe\xff].[\xff\xd0-\xd3\xe0-\xe3]\x03[\x00-\x1f]"
#: timer; command and subcommand, low byte first
_COMMAND: Final = rb"..(?:.[\x01\x04\x06\x08\x0a\x0e\x10\x14\x16\x18\x20\x30].\0)"


class Frame(NamedTuple):
    """Request and answer, group 1 of each what the answer repeats, group 2 how many bytes follow it."""

    name: str
    request: re.Pattern[bytes]
    answer: re.Pattern[bytes]


def _frame(name: str, request: bytes, behind: bytes, answer: bytes) -> Frame:
    return Frame(name, re.compile(request + rb"(?=" + behind + rb")", re.DOTALL), re.compile(answer, re.DOTALL))


FRAMES: Final = {
    0x57: _frame(
        "melsoft",
        rb"\x57(.\0\0\0\x11\x11)\x07\0\0\xff\xff\x03\0.{5}(..)",
        rb".",
        rb"\xd7(.\0\0\0\x11\x11)\x7f.{11}(..)",
    ),
    0x50: _frame("3e", rb"\x50(\0" + _TARGET + rb")(..)", _COMMAND, rb"\xd0(\0.{5})(..)"),
    0x54: _frame("4e", rb"\x54(\0..\0\0" + _TARGET + rb")(..)", _COMMAND, rb"\xd4(\0..\0\0.{5})(..)"),
}
first_client = bytes(FRAMES)
first_server = bytes(mark | 0x80 for mark in FRAMES)
#: bytes of the longest beginning of a request
_BEGINNING: Final = 22
_MOST: Final = 4096


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect MELSEC's frames."""
    return by_request("melsec", _datagram if flow.proto == UDP else _asks, _answers, flow, client, server)


def _asks(data: bytes) -> Evidence:
    frame = FRAMES.get(data[0])
    if frame is None:
        return NO
    asks = frame.request.match(data)
    if asks is None:
        begins = data[0] == 0x57 or not data[1:2].strip(b"\0")
        return MORE if len(data) < _BEGINNING and begins else NO
    return {"frame": frame.name} if 6 <= int.from_bytes(asks[2], "little") <= _MOST else NO


def _datagram(data: bytes) -> Evidence:
    """The length is the datagram's as well."""
    asks = FRAMES[data[0]].request.match(data) if data[0] in FRAMES else None
    return _asks(data) if asks and asks.end() + int.from_bytes(asks[2], "little") == len(data) else NO


def _answers(client: bytes, server: bytes) -> Answer:
    frame = FRAMES[client[0]]
    asks, says = frame.request.match(client), frame.answer.match(server)
    if asks is None or server[0] != client[0] | 0x80 or (says and says[1] != asks[1]):
        return NO
    if says is None:
        return MORE if len(server) < _BEGINNING and asks[1].startswith(cut(server, 1, 1 + len(asks[1]))) else NO
    return YES if 2 <= int.from_bytes(says[2], "little") <= _MOST else NO
