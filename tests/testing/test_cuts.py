"""What the contract tries on every dialogue, whatever chance draws."""

from __future__ import annotations

import pytest

from pywall_core.api import MORE, NO, Answer, Flow, Match
from pywall_core.testing.cuts import CONTINUATIONS, continued, neighbours, stays

TALK = [(True, b"abc"), (False, b"de")]


def sees(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    return Match("toy", {"client": client.decode("latin-1"), "server": server.decode("latin-1")})


def seen(answer: Match | Answer) -> tuple[str, str]:
    return (answer.facts["client"], answer.facts["server"]) if isinstance(answer, Match) else ("", "")


def test_each_prefix_of_a_stream_is_a_place_to_cut():
    pairs = {(seen(one.answer), seen(other.answer)) for one, other in neighbours(sees, TALK, "tcp")}
    clients = [("abc"[:i], "de"[:j]) for i in range(4) for j in (0, 2)]
    servers = [("abc"[:i], "de"[:j]) for i in (0, 3) for j in range(3)]
    assert {state for pair in pairs for state in pair} == {*clients, *servers}
    assert all(len("".join(one)) < len("".join(other)) for one, other in pairs)


def test_datagrams_stay_whole_and_come_in_every_order():
    talk = [*TALK, (True, b"fgh")]
    states = {seen(asked.answer) for pair in neighbours(sees, talk, "udp") for asked in pair}
    assert states == {(client, server) for client in ("", "abc", "abcfgh") for server in ("", "de")}


def test_sizes_of_datagrams_are_those_of_a_flow():
    def sizes(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        assert (sum(flow.client_sizes), flow.pkts_toserver) == (len(client), len(flow.client_sizes))
        return MORE

    assert all(one.answer is MORE for one, _ in neighbours(sizes, [*TALK, (True, b"fgh")], "udp"))


def test_something_foreign_comes_behind_either_side_of_each_turn():
    pairs = list(continued(sees, TALK, "tcp"))
    assert len(pairs) == 3 * 2 * len(CONTINUATIONS)
    assert all(len("".join(seen(one.answer))) < len("".join(seen(other.answer))) for one, other in pairs)


def test_it_comes_behind_each_line_of_a_client_as_well():
    states = {str(one.state) for one, _ in continued(lambda flow, client, server: NO, [(True, b"a\nbc\nd")], "tcp")}
    assert {"2 bytes of the client and 0 of the server", "5 bytes of the client and 0 of the server"} < states


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (MORE, NO, True),
        (NO, NO, True),
        (NO, MORE, False),
        (NO, Match("a"), False),
        (Match("a"), Match("a", confirmed=False), True),
        (Match("a"), Match("b"), False),
        (Match("a"), MORE, False),
    ],
)
def test_what_stays(one, other, expected):
    assert stays(one, other) is expected
