"""Line Printer Daemon protocol: a job that is received, and questions about a queue.

:checked: the command, the name of a queue and the line's end; of a job the next command, with a count of bytes and the
    name of a control or data file; the server's acknowledgements of both, zeros; of a question that the answer is text,
    which proves nothing
:source: RFC 1179 sections 5 and 6
:minimum: the first line; of a job the second one
:facts: command, queue
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, WEAK, Evidence, client_first
from ..parsing.wire import text

api_version = 1
protocols = ("lpd",)
unseen = ("lpd",)
transport = "tcp"
tier = "structural"
first_client = b"\2\3\4"
first_server = None

_COMMANDS: Final = {2: "receive-job", 3: "queue-state", 4: "queue-state"}
_RECEIVE_JOB: Final = 2
_LINE: Final = re.compile(rb"[\x02-\x04]([!-~]{1,64})(?: [ -~]{0,256})?\n")
_LONGEST_LINE: Final = 330
_FILE: Final = re.compile(rb"\x02\d{1,10} cfA\d{3}[!-~]{1,255}\n|\x03\d{1,10} dfA\d{3}[!-~]{1,255}\n")
_LONGEST_FILE: Final = 280
_ANSWER: Final = re.compile(rb"[ -~\t]{1,328}\r?\n")
_TEXT: Final = bytes(range(32, 127)) + b"\t\r\n"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect LPD."""
    job = client[:1] == bytes([_RECEIVE_JOB])
    return client_first("lpd", _client(client), _server(server, job), proved=job)


def _client(data: bytes) -> Evidence:
    line = _LINE.match(data)
    if line is None:
        return MORE if _is_cut_off(data, _LONGEST_LINE) else NO
    facts: Evidence = {"command": _COMMANDS[data[0]], "queue": text(line[1])}
    if data[0] != _RECEIVE_JOB:
        return facts
    behind = data[line.end() : line.end() + _LONGEST_FILE]
    if _FILE.match(behind):
        return facts
    return MORE if behind[:1] in (b"", b"\2", b"\3") and _is_cut_off(behind, _LONGEST_FILE) else NO


def _is_cut_off(data: bytes, longest: int) -> bool:
    """Return True if a line of text may go on behind its first byte."""
    return b"\n" not in data and len(data) < longest and not data[1:].translate(None, _TEXT)


def _server(data: bytes, job: bool) -> Evidence:
    if not data:
        return WEAK
    if job:
        return NO if data[:_LONGEST_LINE].strip(b"\0") else HINT if len(data) > 1 else WEAK
    if _ANSWER.match(data):
        return HINT
    return WEAK if b"\n" not in data and len(data) < _LONGEST_LINE and not data.translate(None, _TEXT) else NO
