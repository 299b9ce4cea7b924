"""Threema's chat server protocol."""

from random import Random

from pywall_protocols.chat import threema

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, conversations_in, detector_contract

_random = Random(1)
CLIENT = _random.randbytes(48 + 191)
SERVER = _random.randbytes(112) + b"\x14\0" + _random.randbytes(20)

TestThreema = detector_contract(
    threema,
    [conversation().client(CLIENT[:48]).server(SERVER[:80]).client(CLIENT[48:]).server(SERVER[80:])],
    [
        conversation().client(b"GET / HTTP/1.1\r\n\r\n"),
        conversation().client(CLIENT).server(_random.randbytes(200)),
        conversation().client(bytes(48)).server(SERVER),
    ],
)


def test_it_is_never_confirmed(ask):
    assert not ask(threema, CLIENT, SERVER).confirmed
    assert ask(threema, CLIENT, SERVER[:113]) is MORE
    assert ask(threema, CLIENT, b"HTTP/1.1 200 OK\r\n") is NO


def test_recordings_of_it(ask, captures_folder):
    named = 0
    for dialogue in conversations_in(captures_folder / "ndpi/threema.pcap"):
        turns = dialogue.turns()
        client, server = (b"".join(data for side, data in turns if side is wanted) for wanted in (True, False))
        named += ask(threema, client, server).protocol == "threema"
    assert named == 6
