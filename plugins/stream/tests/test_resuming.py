"""Where a stream was goes into another process: bytes that were not acknowledged come again as they were, or not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_stream.resuming import describe_streams, resume_streams

from pywall_core.testing import conversation, engine

pytest.importorskip("pywall_protocols")
POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: fact, name: http.path, is: /secret, action: DROP}]}
default: ACCEPT
"""
OK = b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"
BEGUN = conversation().client(OK).server(b"HTTP/1.1 204 No Content\r\n\r\n").ack()


def successor(lab):
    after = engine(POLICY, live=True)
    after.engine.continuation.inherit(list(lab.engine.continuation.describe_flows()))
    return after


def taken_over(talk):
    lab = engine(POLICY, live=True)
    lab.send(talk)
    return successor(lab)


def rest(whole, begun):
    return whole.packets()[len(begun.packets()) :]


def actions(lab, packets):
    return [verdict.action.value for verdict in lab.send(packets)]


@pytest.mark.parametrize("cut", [1, 5, 9, 20])
def test_half_a_request_before_and_half_behind(cut):
    for path, action in ((b"/ok", "accept"), (b"/secret", "drop")):
        asked = OK.replace(b"/ok", path)
        half = BEGUN.client(asked[:cut])
        lab = taken_over(half)
        assert actions(lab, rest(half.client(asked[cut:]), half)) == [action]


def test_what_was_not_acknowledged_may_come_again_but_not_changed():
    half = BEGUN.client(b"GET /o")
    for again, action in ((b"GET /o", "accept"), (b"GET /s", "drop")):
        lab = taken_over(half)
        assert actions(lab, rest(BEGUN.client(again), BEGUN)) == [action]
        assert actions(lab, rest(half.client(b"k HTTP/1.1\r\n\r\n"), half)) == ["accept"]


def test_what_came_out_of_order_is_not_asked_for_again():
    whole = BEGUN.client(b"GET /se").client(b"cret HTT").client(b"P/1.1\r\n\r\n")
    packets = rest(whole, BEGUN)
    lab = engine(POLICY, live=True)
    lab.send(BEGUN)
    assert actions(lab, [packets[1]]) == ["accept"]
    lab = successor(lab)
    assert actions(lab, [packets[0], packets[2]]) == ["accept", "drop"]


def test_pieces_side_by_side_behind_a_hole_are_handed_over():
    """A description with two of them was refused, and the successor began at whatever came first."""
    pieces = [b"GET /", b"se", b"cret", b" HTTP/1.1\r\n\r\n"]
    whole = BEGUN
    for piece in pieces:
        whole = whole.client(piece)
    packets = rest(whole, BEGUN)
    lab = engine(POLICY, live=True)
    lab.send(BEGUN)
    assert actions(lab, [packets[1], packets[2]]) == ["accept", "accept"]
    lab = successor(lab)
    assert actions(lab, [packets[3], packets[0]]) == ["accept", "drop"]


@pytest.mark.parametrize("switch", ["drop-flow", "pass-flow"])
def test_what_was_dropped_as_ambiguous_does_not_pass_when_it_comes_again(switch):
    both = BEGUN.client(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")
    again = rest(both.client(b"0\r\n\r\nGET /secret HTTP/1.1\r\n\r\n"), both)
    lab = engine(POLICY, live=True)
    assert actions(lab, both)[-1] == "drop"
    after = engine(POLICY + f"failure: {{ambiguous: {switch}}}\n", live=True)
    after.engine.continuation.inherit(list(lab.engine.continuation.describe_flows()))
    assert actions(after, again) == ["drop" if switch == "drop-flow" else "accept"]


@pytest.mark.parametrize("between", ["nothing", "acknowledgement", "client says nothing new"])
def test_half_a_request_that_passed_behind_the_description(between):
    """What the old process let pass unread makes the other half ambiguous, whether or not its receiver has answered."""
    half = BEGUN.client(b"GET /se")
    other = rest(half.client(b"cret HTTP/1.1\r\n\r\n"), half)
    first = {"nothing": [], "acknowledgement": rest(half.ack(), half)}
    first["client says nothing new"] = rest(half.server(b"HTTP/1.1 100 Continue\r\n\r\n").ack(), half)[1:]
    lab = taken_over(BEGUN)
    assert set(actions(lab, first[between])) <= {"accept"}
    assert actions(lab, other) == ["drop"]
    assert lab.engine.counters["failure.ambiguous"] == 1


def test_what_passed_behind_the_description_in_a_body_is_not_missed():
    head = BEGUN.client(b"PUT /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
    passed = head.client(b"def")
    whole = passed.client(b"ghi")
    lab = taken_over(head)
    assert actions(lab, rest(whole, passed)) == ["accept"]
    assert actions(lab, rest(whole.client(OK), whole)) == ["accept"]
    assert actions(lab, rest(whole.client(OK).client(OK.replace(b"ok", b"secret")), whole.client(OK))) == ["drop"]


def test_a_description_says_what_was_there():
    lab = engine(POLICY, live=True)
    lab.send(BEGUN.client(b"GET /"))
    (flow,) = lab.flows
    described = describe_streams(flow.tcp.tracker, midstream=False)
    (server, client), midstream = resume_streams(json.loads(json.dumps(described)), lags=True)
    assert (bytes(client.unacked_data), client.next, server.unacked_data) == (b"GET /", 6, None)
    assert describe_streams((server, client), midstream=midstream) == described


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=5), inside, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_anything_may_come(state):
    resume_streams(state, lags=True)


@given(st.lists(st.lists(JSON, min_size=4, max_size=4), min_size=2, max_size=2))
def test_anything_of_the_right_length_may_come(state):
    resume_streams([*state, False], lags=True)
