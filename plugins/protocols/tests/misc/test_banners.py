"""Servers that greet."""

import pytest
from pywall_protocols.misc import banners
from pywall_protocols.misc.banners import GREETINGS

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

CLIENTS = {
    "munin": b"list\n",
    "kismet": b"!1 ENABLE KISMET *\n",
    "asterisk-ami": b"Action: Login\r\n",
    "freeswitch": b"auth ClueCon\n\n",
    "nbd": b"\0\0\0\1IHAVEOPT\0\0\0\7",
    "directconnect": b"$MyNick eve|",
    "unison": b"\1\0\0\0\x6f\x18\0\0\0\xe9rsp\x84\x95\xa6\xbe",
    "gpsd": b'?WATCH={"enable":true,"json":true};\r\n',
    "vtun": b"HOST: office\n" + bytes(37),
}

TestBanners = detector_contract(
    banners,
    [
        *(conversation().server(each.server + b"...") for each in GREETINGS),
        *(
            conversation().server(each.server + b"x\n").client(CLIENTS[each.name])
            for each in GREETINGS
            if each.client is not None
        ),
    ],
    [conversation().server(b"# munin is a raven"), conversation().server(b"220 ready\r\n").client(b"list\n")],
)


@pytest.mark.parametrize("each", GREETINGS, ids=lambda each: each.name)
def test_each_greeting(ask, each):
    assert ask(banners, b"", each.server[:-1]) is MORE
    match = ask(banners, b"", each.server)
    assert (match.protocol, match.confirmed) == (each.name, False)
    if each.client is not None:
        assert ask(banners, CLIENTS[each.name], each.server).confirmed
        assert not ask(banners, b"GET / HTTP/1.1\r\n\r\n", each.server).confirmed


def test_a_client_of_something_else_is_not_waited_for(ask):
    assert ask(banners, b"\x16\3\1") is NO
    assert ask(banners, b"list\n") is MORE
