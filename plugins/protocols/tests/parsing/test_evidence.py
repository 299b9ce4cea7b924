"""One answer from the evidence of both directions, and from one check of each."""

from itertools import product

import pytest
from pywall_protocols.parsing.evidence import (
    HINT,
    LEANING,
    WEAK,
    Description,
    alike,
    by_beacon,
    by_datagram,
    by_request,
    by_stream,
    client_first,
    either_first,
    goes_on,
    server_first,
    together,
)

from pywall_core.api import MORE, NO, YES, Match
from pywall_core.testing import make_flow

#: what there is now of each kind of evidence, and the most that may come of it
SPANS = {NO: (0, 0), WEAK: (0, 1), MORE: (0, 2), HINT: (1, 1), LEANING: (1, 2), YES: (2, 2)}


def test_two_hints_or_one_proof_make_a_match():
    assert either_first("x", HINT, HINT) == Match("x", {}, True, True)
    assert either_first("x", YES, MORE) == Match("x", {}, False, False)
    assert either_first("x", NO, YES) == Match("x", {}, False, True)


def test_a_hint_alone_waits_and_then_fails():
    assert either_first("x", HINT, MORE) is MORE
    assert either_first("x", HINT, NO) is NO
    assert either_first("x", LEANING, NO) is MORE
    assert either_first("x", WEAK, WEAK) is MORE


@pytest.mark.parametrize("shape", [either_first, client_first])
def test_narrower_evidence_never_takes_an_answer_back(shape):
    narrower = [(a, b) for a, b in product(SPANS, SPANS) if SPANS[a][0] <= SPANS[b][0] and SPANS[b][1] <= SPANS[a][1]]
    for (client, client_later), (server, server_later) in product(narrower, narrower):
        now, later = shape("x", client, server), shape("x", client_later, server_later)
        assert now is MORE or type(now) is type(later)


def test_the_client_decides_where_it_speaks_first():
    assert client_first("x", MORE, YES) is MORE
    assert client_first("x", WEAK, YES) is MORE
    assert client_first("x", NO, YES) is NO
    assert client_first("x", HINT, YES) == Match("x", {}, True, True)
    assert client_first("x", YES, NO) == Match("x", {}, False, True)


def test_the_greeting_of_a_silent_server_is_waited_for_unless_the_client_cannot_be_one():
    assert server_first("x", MORE, MORE, silent=True) is MORE
    assert server_first("x", NO, MORE, silent=True) is NO
    assert server_first("x", NO, YES, silent=False) == Match("x", {}, False, True)


def test_what_is_not_proved_is_not_confirmed():
    assert client_first("x", YES, YES, proved=False) == Match("x", {}, False, False)


@pytest.mark.parametrize(
    ("client", "server", "answer"),
    [
        (YES, YES, Match("p")),
        ({"a": 1}, {"a": 2}, Match("p", {"a": 1})),
        (YES, {"a": 2}, Match("p", {"a": 2})),
        (YES, MORE, Match("p", {}, False, False)),
        (YES, NO, Match("p", {}, False, True)),
        (MORE, YES, Match("p", {}, False, False)),
        (MORE, MORE, MORE),
        (NO, MORE, NO),
        (MORE, NO, NO),
    ],
)
def test_where_both_sides_send_the_same_a_no_ends_it(client, server, answer):
    assert alike("p", client, server) == answer


@pytest.mark.parametrize(
    ("client", "server", "answer"),
    [(YES, MORE, MORE), (MORE, MORE, MORE), (YES, NO, NO), (NO, MORE, NO), ({"a": 1}, {"a": 2}, Match("p", {"a": 1}))],
)
def test_where_one_side_is_too_little_both_must_prove_it(client, server, answer):
    assert together("p", client, server) == answer


def test_a_match_alone_is_described():
    def describe(sent, received):
        return Description({"sent": sent}, done=received != b"", restart=(1, 2) if received == b"tls" else None)

    assert client_first("x", MORE, MORE, describe, b"a", b"") is MORE
    assert client_first("x", YES, MORE, describe, b"a", b"") == Match("x", {"sent": b"a"}, False, False)
    assert client_first("x", YES, YES, describe, b"a", b"b") == Match("x", {"sent": b"a"}, True, True)
    assert client_first("x", YES, YES, describe, b"a", b"") == Match("x", {"sent": b"a"}, True, False)
    assert client_first("x", YES, MORE, describe, b"a", b"tls").restart == (1, 2)
    assert client_first("x", YES, MORE, describe, b"a", b"tls").done, "what follows is another protocol's"


def test_a_request_is_named_by_itself_unless_it_needs_its_answer():
    def answers(request, answer):
        return YES if request == answer else NO

    flow = make_flow()
    assert by_request("p", _is_abc, answers, flow, b"ab", b"") is MORE
    assert by_request("p", _is_abc, answers, flow, b"abc", b"") == Match("p", {"size": 3}, False, False)
    assert by_request("p", _is_abc, answers, flow, b"abc", b"", needs_answer=True) is MORE
    assert by_request("p", _is_abc, answers, flow, b"abc", b"abc", needs_answer=True) == Match("p", {"size": 3})
    assert by_request("p", _is_abc, answers, flow, b"abc", b"x") == Match("p", {"size": 3}, False, True)


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
    assert by_datagram("p", _is_a, *_datagrams([b"ab"], [b"ab", b"a"])) == Match("p", {"size": 2}, confirmed=False), (
        "echo"
    )


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


def test_what_follows_equal_greetings_tells_a_server_from_an_echo():
    for client, server, expected in (
        (b"hello", b"hello", False),
        (b"hello", b"hell", False),
        (b"hel", b"hello", False),
        (b"hello", b"hallo", True),
        (b"hello", b"hello!", True),
        (b"hello, more", b"hello, m", True),
    ):
        assert goes_on(client, server, 5) is expected
