"""beanstalkd's work queue.

:checked: a ``put`` with its four numbers, or another command and a reply of the protocol
:source: beanstalkd, doc/protocol.txt
:minimum: one line of the client, or one of each side
:facts: command
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.dialogue import lines
from ..parsing.evidence import HINT, WEAK, Evidence, client_first

api_version = 1
protocols = ("beanstalk",)
transport = "tcp"
tier = "structural"
speaks_first = "client"
first_client = b"bdiklpqrtuw"
first_server = b"BDEFIJKNOPRTUW"

_NAME: Final = rb"[A-Za-z0-9+/;.$_()][A-Za-z0-9+/;.$_()-]{0,199}"
_PUT: Final = re.compile(rb"put \d{1,10} \d{1,10} \d{1,10} \d{1,10}\Z")
_OTHER: Final = re.compile(
    rb"(?:use|watch|ignore|stats-tube) " + _NAME + rb"\Z|pause-tube " + _NAME + rb" \d+\Z"
    rb"|reserve\Z|reserve-with-timeout \d+\Z|(?:reserve-job|delete|touch|kick|kick-job|peek|stats-job) \d+\Z"
    rb"|(?:release \d+|bury) \d+ \d+\Z|(?:peek-(?:ready|delayed|buried)|stats|list-tubes?(?:-used|-watched|s)?|quit)\Z"
)
_REPLY: Final = re.compile(
    rb"(?:INSERTED|WATCHING|KICKED) \d+|(?:BURIED|KICKED)(?: \d+)?|USING " + _NAME + rb"|(?:RESERVED|FOUND) \d+ \d+"
    rb"|OK \d+|DELETED|RELEASED|TOUCHED|PAUSED|NOT_FOUND|NOT_IGNORED|TIMED_OUT|DEADLINE_SOON|DRAINING|EXPECTED_CRLF"
    rb"|JOB_TOO_BIG|OUT_OF_MEMORY|INTERNAL_ERROR|BAD_FORMAT|UNKNOWN_COMMAND"
)
#: bytes of a command with the longest name of a tube
_LONGEST: Final = 256


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect beanstalkd."""
    return client_first("beanstalk", _says(client), _replies(server))


def _says(data: bytes) -> Evidence:
    first = lines(data, 1)
    if not first:
        return MORE if not data or (data[0] in first_client and len(data) < _LONGEST and data.isascii()) else NO
    line = first[0][0]
    if _PUT.match(line):
        return {"command": "put"}
    return HINT if _OTHER.match(line) else NO


def _replies(data: bytes) -> Evidence:
    first = lines(data, 1)
    if not first:
        return MORE if not data else WEAK if len(data) < _LONGEST and data[0] in first_server else NO
    return HINT if _REPLY.fullmatch(first[0][0]) else NO
