"""How long detectors wait: one that says MORE for ever holds up those behind it until the budget is spent."""

from random import Random

import pytest
from pywall_protocols import bundle

from pywall_core.api import MORE
from pywall_core.testing.cuts import State, answer

#: bytes of a direction behind which nobody waits any more
ENOUGH = 8192
SIZE = 12288
TEXTS = {
    "noise": Random(7).randbytes(SIZE),
    "zeros": bytes(SIZE),
    "ones": b"\xff" * SIZE,
    "blank lines": b"\r\n" * (SIZE // 2),
    "a text": b"It was a dark night, and the rain fell in torrents\r\n" * 256,
    "one line": b"a" * SIZE,
    "lines of numbers": b"12 34.5 -7\n" * 1200,
    "documents": b'{"time": 1, "message": "started", "of": [1, 2, 3]}\n' * 300,
    "elements": b"<item name='a'><value>1</value></item>\n" * 400,
    "framed": b"\0\0\1\0" + (b"\x07" + Random(8).randbytes(255) + b"\0\0\1\0") * 64,
    "records": (b"\x10\0" + Random(9).randbytes(16)) * 900,
    "commands": b"HELLO a\r\nSTATUS\r\nGET thing\r\n" * 500,
    "a page": b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * SIZE,
    "a greeting": b"220 host ready\r\n" + b"250 done\r\n" * 1400,
}
DETECTORS = [
    pytest.param(module, id=name)
    for name, module in bundle.Protocols().detectors()
    if "tcp" in (module.transport if isinstance(module.transport, tuple) else (module.transport,))
]


def may_begin(module, client: bytes, server: bytes) -> bool:
    return all(
        first is None or not sent or sent[0] in first
        for first, sent in ((module.first_client, client), (module.first_server, server))
    )


@pytest.mark.parametrize("module", DETECTORS)
def test_nobody_waits_when_both_sides_have_said_enough(module) -> None:
    for client in TEXTS.values():
        for server in TEXTS.values():
            if may_begin(module, client, server):
                said = answer(module.pywall_detect, State((client,), (server,)), "tcp")
                assert said is not MORE, f"client: {client[:40]!r}, server: {server[:40]!r}"


@pytest.mark.parametrize("module", DETECTORS)
def test_nobody_waits_for_a_server_that_stays_silent(module) -> None:
    for client in TEXTS.values():
        if may_begin(module, client, b""):
            said = answer(module.pywall_detect, State((client,), ()), "tcp")
            assert said is not MORE, f"client: {client[:40]!r}"
