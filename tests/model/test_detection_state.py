"""What detection knows of a flow, and how it is set back."""

from __future__ import annotations

from pywall_core.api import Match
from pywall_core.model.detection_state import DetectionState
from pywall_core.testing import make_flow

#: for each part of the state a value that a new one does not have
OTHER = {
    "client": b"c",
    "server": b"s",
    "client_sizes": (1,),
    "server_sizes": (1,),
    "cuts": (1, -1),
    "pending": 6,
    "match": Match("ssh"),
    "match_bit": 2,
    "app_proto": "ssh",
    "app_proto_orig": "http",
    "app_proto_outer": ("socks",),
    "facts": {"ssh.software": "x"},
    "confirmed": True,
    "done": True,
    "opaque": True,
    "payload_seen": True,
    "classifying": -1,
}


class Parser:
    """Stands for a parser of transactions or an unwrapper: its state changes, so a copy has one of its own."""

    def copy(self) -> Parser:
        return Parser()


def test_a_copy_has_every_part_of_the_state() -> None:
    assert {*OTHER, "following", "unwrap"} == set(DetectionState.__slots__), (
        "a part of the state that the tests do not know"
    )
    state = make_flow().detection
    for name, value in OTHER.items():
        assert getattr(state, name) != value
        setattr(state, name, value)
    assert {name: getattr(state.copy(), name) for name in OTHER} == OTHER


def test_a_copy_keeps_what_was_known_while_the_state_goes_on() -> None:
    state = make_flow().detection
    state.client = b"GET"
    before = state.copy()
    state.client, state.app_proto, state.facts = b"GET / HTTP/1.0", "http", {"http.url": "/"}
    assert (before.client, before.app_proto, before.facts) == (b"GET", None, {})


def test_a_copy_has_its_own_parser_and_unwrappers() -> None:
    state = make_flow().detection
    state.following, state.unwrap = Parser(), (Parser(), Parser())
    copied = state.copy()
    assert [type(part) for part in (copied.following, *copied.unwrap)] == [Parser] * 3
    assert not {copied.following, *copied.unwrap} & {state.following, *state.unwrap}
