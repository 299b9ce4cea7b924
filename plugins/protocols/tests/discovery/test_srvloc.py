"""SLP."""

import pytest
from pywall_protocols.discovery import srvloc

from pywall_core.testing import conversation, detector_contract

V1 = bytes.fromhex("0106001a 0000 656e 0003 1ef7") + b"\0\x0cservice:test"[:14]
V2_BODY = bytes.fromhex("0000 000000 bd09 0002") + b"en" + b"\0\0\0\x0cservice:test"
V2 = b"\2\1" + (5 + len(V2_BODY)).to_bytes(3, "big") + V2_BODY
REPLY = b"\2\2" + V2[2:]

TestSrvloc = detector_contract(
    srvloc,
    [conversation("udp").client(V1), conversation("udp").client(V2).server(REPLY), conversation("udp").client(REPLY)],
    [
        conversation("udp").client(V2[:-1]),
        conversation("udp").client(V2.replace(b"en", b"\1\2")),
        conversation("udp").client(b"\2\x0c" + V2[2:]),
        conversation("udp").client(V1.replace(b"en", b"\0\0")),
    ],
)


@pytest.mark.parametrize(("data", "version", "function"), [(V1, 1, 6), (V2, 2, 1)])
def test_facts(ask, data, version, function):
    assert ask(srvloc, [data]).facts == {"version": version, "function": function}
