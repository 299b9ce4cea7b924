"""FTP data connection, as its control connection announced it.

:checked: the control connection agreed on this address and port (PORT, PASV, EPRT, EPSV), no other detector knows the
    content, and one side alone has sent any; never confirmed, since a file may hold anything
:source: RFC 959 section 3.2, RFC 2428
:minimum: 1 byte
:facts: none
"""

from __future__ import annotations

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

api_version = 1
protocols = ("ftp-data",)
transport = "tcp"
tier = "announced"
first_client = None
first_server = None


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect a data connection that was expected."""
    if flow.expected != "ftp-data" or (client and server):
        return NO
    return Match("ftp-data", confirmed=False, done=False)
