"""What detection knows of a flow, and how it is set back."""

from __future__ import annotations

from pywall_core.api import Match
from pywall_core.model.detection_state import NOTHING_KNOWN, DetectionState
from pywall_core.model.tcp_state import NO_CONNECTION
from pywall_core.testing import engine, ip_packet, make_flow, tcp_packet, udp_packet

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
    "opening": 3,
    "turned": True,
}


class Parser:
    """Stands for a parser of transactions or an unwrapper: its state changes, so a copy has one of its own."""

    def copy(self) -> Parser:
        return Parser()


def test_a_copy_has_every_part_of_the_state() -> None:
    compiled = hasattr(DetectionState, "__mypyc_attrs__")
    parts = DetectionState.__mypyc_attrs__ if compiled else DetectionState.__slots__
    assert {*OTHER, "following", "unwrap", "shared"} == set(parts), "a part of the state that the tests do not know"
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


def test_a_snapshot_is_made_only_where_the_next_packet_can_change_something() -> None:
    state = make_flow().detection
    assert state.snapshot() is not state
    assert NOTHING_KNOWN.snapshot() is NOTHING_KNOWN
    state.done = True
    assert state.snapshot() is None
    state.following = Parser()
    assert state.snapshot() is not None


def test_a_copy_has_its_own_parser_and_unwrappers() -> None:
    state = make_flow().detection
    state.following, state.unwrap = Parser(), (Parser(), Parser())
    copied = state.copy()
    assert [type(part) for part in (copied.following, *copied.unwrap)] == [Parser] * 3
    assert not {copied.following, *copied.unwrap} & {state.following, *state.unwrap}


def test_flows_share_their_beginning_until_it_is_written() -> None:
    made = engine({"version": 1, "default": "ACCEPT", "plugins": ["stream", "protocols"]})
    made.send([udp_packet("192.0.2.1", port, "192.0.2.2", 53) for port in (1001, 1002)])
    first, second = made.flows
    beginning = first.detection
    assert beginning is second.detection
    assert beginning.shared
    made.send([udp_packet("192.0.2.1", 1001, "192.0.2.2", 53, b"no such protocol")])
    assert first.detection is not beginning
    assert (first.app_proto, second.app_proto) == ("unknown", None)
    assert second.detection is beginning


def test_nothing_that_becomes_of_flows_changes_their_beginnings() -> None:
    """Vetoes, drops that teach nothing, facts set from outside, final verdicts, the end."""
    rules = [{"rule": "port", "dst": 53, "action": "DROP"}, {"rule": "log", "message": "seen"}]
    plugins = ["rules", "stream", "protocols"]
    made = engine({"version": 1, "default": "ACCEPT", "plugins": plugins, "chains": {"INPUT": rules}})
    made.send([udp_packet("192.0.2.1", port, "192.0.2.2", to, b"x") for port in (1, 2) for to in (53, 54)])
    made.send([tcp_packet("192.0.2.1", port, "192.0.2.2", 80, seq=1, flags=2) for port in (1, 2)])
    made.send([tcp_packet("192.0.2.1", 3, "192.0.2.2", 80, seq=1, flags=24, data=b"x")])
    made.send([ip_packet("192.0.2.1", "192.0.2.2", proto, bytes(16)) for proto in (1, 2, 47, 50, 253)])
    for flow in made.flows:
        flow.set_fact("owner.uid", 7)
    made.send([udp_packet("192.0.2.1", port, "192.0.2.2", 99) for port in (8, 9)])
    *_, last = made.flows
    assert last.detection.shared
    beginning = last.detection
    beginning.classifying = -1  # as where classes are wanted
    made.engine.detection.classifiers.set_aside(last)
    assert (last.detection.shared, last.detection.classifying, beginning.classifying) == (False, 0, -1)
    made.close()
    beginnings = made.engine.detection._beginnings
    assert {*beginnings} == {1, 2, 6, 17, 47, 50, 253}
    for state in (NOTHING_KNOWN, *beginnings.values()):
        assert (state.shared, state.facts, state.client, state.server) == (True, {}, b"", b"")
        assert (state.match, state.following, state.payload_seen) == (None, None, False)
    assert NO_CONNECTION.client_state == NO_CONNECTION.server_state == "CLOSED"
    assert not NO_CONNECTION.midstream
    assert not NO_CONNECTION.unacked
    assert NO_CONNECTION.tracker is None
