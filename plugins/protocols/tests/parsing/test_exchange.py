"""The answers that one check gives for both directions."""

from pywall_protocols.parsing.exchange import by_beacon, by_datagram, by_stream

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import make_flow


def _is_a(data):
    return {"size": len(data)} if data.startswith(b"a") else NO


def _is_abc(data):
    if data.startswith(b"abc"):
        return {"size": len(data)}
    return MORE if b"abc".startswith(data) else NO


def _datagrams(client=(), server=()):
    flow = make_flow(proto=17, client_sizes=tuple(map(len, client)), server_sizes=tuple(map(len, server)))
    return flow, b"".join(client), b"".join(server)


def test_the_first_datagram_of_the_client_decides():
    assert by_datagram("p", _is_a, *_datagrams()) is MORE
    assert by_datagram("p", _is_a, *_datagrams([], [b"a"])) is MORE
    assert by_datagram("p", _is_a, *_datagrams([b"x", b"a"], [b"a"])) is NO
    assert by_datagram("p", _is_a, *_datagrams([b"ab", b"x"])) == Match("p", {"size": 2}, False, False)


def test_the_first_datagram_of_the_server_confirms():
    assert by_datagram("p", _is_a, *_datagrams([b"ab"], [b"a", b"x"])) == Match("p", {"size": 2})
    assert by_datagram("p", _is_a, *_datagrams([b"ab"], [b"x", b"a"])) == Match("p", {"size": 2}, confirmed=False)


def test_a_beacon_is_named_without_an_answer_and_never_confirmed():
    flow, client, _ = _datagrams([b"ab"])
    assert by_beacon("p", _is_a, flow, client) == Match("p", {"size": 2}, confirmed=False)
    assert by_beacon("p", _is_a, flow, b"") is MORE
    assert by_beacon("p", _is_a, flow, b"xy") is NO


def test_either_direction_of_a_stream_decides():
    assert by_stream("p", _is_abc, b"", b"") is MORE
    assert by_stream("p", _is_abc, b"ab", b"ab") is MORE
    assert by_stream("p", _is_abc, b"abc", b"") == Match("p", {"size": 3}, False, False)
    assert by_stream("p", _is_abc, b"", b"abcd") == Match("p", {"size": 4}, False, False)
    assert by_stream("p", _is_abc, b"abc", b"abcd") == Match("p", {"size": 3})
    assert by_stream("p", _is_abc, b"x", b"ab") is NO
    assert by_stream("p", _is_abc, b"abc", b"x") == Match("p", {"size": 3}, False, True)
