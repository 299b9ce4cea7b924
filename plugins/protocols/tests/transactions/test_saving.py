"""Parsers as plain data: what was saved is where it was, and anything else is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_protocols.access import ldap
from pywall_protocols.chat import xmpp
from pywall_protocols.databases import redis, tds
from pywall_protocols.discovery import dns
from pywall_protocols.files import ftp
from pywall_protocols.mail import imap, smtp
from pywall_protocols.messaging import mqtt
from pywall_protocols.remote import rfb
from pywall_protocols.voip import sip
from pywall_protocols.web import http, websocket

from pywall_core.testing import client_hello, make_flow
from pywall_core.testing.handovers_binary import web_socket_frame

SAID = {
    http: b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET /b HTTP/1.1\r\n",
    smtp: b"EHLO a\r\nMAIL FROM:<me>\r\nRCPT TO:<yo",
    ftp: b"USER a\r\nPASS b\r\nCWD /some",
    imap: b"a LOGIN {2}\r\nme {2}\r\npw\r\nb NOO",
    xmpp: b"<stream:stream to='a'><startt",
    redis: b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*3\r\n$3\r\nSET\r\n$4\r\nab",
    mqtt: b"\x10\x0d\0\4MQTT\5\2\0\x3c\0\0\1a\x82\x07\0\1\0",
    ldap: b"0\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0" + b"0\x0c\2\1\2",
    dns: bytes.fromhex("001d123401000001000000000000") + b"\1a\7exa",
    rfb: b"RFB 003.008\n\x13\0\2\0\0\1\4" + client_hello("a.example"),
    tds: b"\x12\1\0\x0a\0\0\1\0ab\x12\1\0\x09\0\0\1\0c\x12\1\0",
    websocket: web_socket_frame(True, b"hello") + web_socket_frame(True, bytes(200), 0x02)[:100],
    sip: b"OPTIONS sip:a SIP/2.0\r\nVia: x\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\nOPTIONS sip:",
}
IDS = [plugin.__name__.rpartition(".")[2] for plugin in SAID]


@pytest.mark.parametrize("plugin", SAID, ids=IDS)
def test_a_parser_goes_on_where_it_was(plugin):
    said = SAID[plugin]
    for cut in range(len(said)):
        before, whole = (plugin.pywall_transactions(make_flow()) for _ in range(2))
        before.feed(True, said[:cut])
        after = plugin.pywall_transactions(make_flow())
        after.load(json.loads(json.dumps(before.save())))
        whole.feed(True, said[:cut])
        assert list(after.feed(True, said[cut:])) == list(whole.feed(True, said[cut:]))
        assert after.save() == whole.save()


def test_an_open_question_keeps_its_facts_and_hides_no_later_one():
    """The entropy of a name is a fraction: a state that was refused for it made a parser begin inside a message."""
    question = b"\x12\x34\1\0\0\1" + bytes(6) + b"\4good\7example\0\0\1\0\1"
    wire = b"".join(len(each).to_bytes(2, "big") + each for each in (question, question.replace(b"\4good", b"\3bad")))
    before, after = (dns.pywall_transactions(make_flow()) for _ in range(2))
    before.feed(True, wire[:-3])
    after.load(json.loads(json.dumps(before.save())))
    assert after.save() == before.save()
    assert [found.facts["rrname"] for found in after.feed(True, wire[-3:])] == ["bad.example"]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_fraction_that_is_no_number_is_refused(number):
    parser = redis.pywall_transactions(make_flow())
    with pytest.raises(ValueError, match="not a number"):
        parser.load(parser.save() | {"_arguments": [number]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.sampled_from(["bytes", "items", "x"]), inside),
    max_leaves=10,
)


@pytest.mark.parametrize("plugin", SAID, ids=IDS)
@given(data=st.data())
def test_any_state_is_taken_or_refused(plugin, data):
    parser = plugin.pywall_transactions(make_flow())
    saved = json.loads(json.dumps(parser.save()))
    name = data.draw(st.sampled_from(sorted(parser.state_names())))
    saved[name] = data.draw(JSON)
    try:
        parser.load(saved)
    except (ValueError, TypeError):
        return
    again = plugin.pywall_transactions(make_flow())
    again.load(json.loads(json.dumps(parser.save())))
    assert again.save() == parser.save()


def test_other_names_are_refused():
    parser = http.pywall_transactions(make_flow())
    with pytest.raises(ValueError, match="more than the state"):
        parser.load(parser.save() | {"x": 1})
    with pytest.raises(ValueError, match="an object is missing"):
        parser.load({})


def test_empty_values_are_left_out():
    parser = http.pywall_transactions(make_flow())
    assert not [value for value in parser.save().values() if not value and value is not None]
    assert len(json.dumps(parser.save())) < 250


#: what a parser holds behind these, where several values are held in one
NESTED = {
    http: b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /c HTTP/1.1\r\nUpgrade: x\r\nHost: b\r\n\r\nab",
    smtp: b"EHLO a\r\nMAIL FROM:<me@a>\r\nRCPT TO:<you@b>\r\nSTARTTLS\r\nab",
    ftp: b"USER a\r\nPASS b\r\nCWD /some\r\n",
    redis: b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\nab",
    ldap: SAID[ldap] + b"0\x1d\2\1\3\x77\x18\x80\x161.3.6.1.4.1.1466.20037ab",
    dns: SAID[dns],
    sip: SAID[sip],
    xmpp: SAID[xmpp],
}


def leaves(state, path=()):
    """Return the places of all values in a state."""
    inner = state.items() if isinstance(state, dict) else enumerate(state) if isinstance(state, list) else ()
    for key, value in inner:
        yield (*path, key)
        yield from leaves(value, (*path, key))


@pytest.mark.parametrize("plugin", NESTED, ids=[plugin.__name__.rpartition(".")[2] for plugin in NESTED])
@pytest.mark.parametrize("other", [None, 7, "x", [], [1, 2], {"bytes": "00"}, {"items": [[1, 2]]}, {"items": []}])
def test_what_lies_within_is_typed(plugin, other):
    """A state with any value in another's place is refused, or the parser reads on."""
    parser = plugin.pywall_transactions(make_flow())
    parser.feed(True, NESTED[plugin])
    saved = json.dumps(parser.save())
    for *path, last in leaves(json.loads(saved)):
        state = json.loads(saved)
        place = state
        for key in path:
            place = place[key]
        place[last] = other
        after = plugin.pywall_transactions(make_flow())
        try:
            after.load(state)
        except (ValueError, TypeError):
            continue
        for to_server, data in ((True, NESTED[plugin]), (False, b"220 a\r\n250 b\r\n"), (True, b"\r\nabc\r\n")):
            after.copy().feed(to_server, data)
        after.finish()
