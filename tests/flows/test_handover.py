"""Descriptions of flows: read as they were written, and as hostile."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.flows.handover import MAX_KEPT, MAX_SIZE, describe, read
from pywall_core.flows.inheritance import Inheritance
from pywall_core.packet.decode import decode
from pywall_core.testing import engine, make_flow, tcp_packet

pytest.importorskip("pywall_rules")
pytest.importorskip("pywall_protocols")

LINE = describe(make_flow(app_proto="tls", facts={"tls.sni": "a.example"}, detect_done=True, confirmed=True)) or b""
GOOD = json.loads(LINE)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=5), inside, max_size=4),
    max_leaves=8,
)


def test_a_description_is_read_as_it_was_written() -> None:
    known = read(LINE)
    assert known is not None
    assert (known.app_proto, known.facts, known.done) == ("tls", {"tls.sni": "a.example"}, True)


def line_of(entry: Any) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode()


@given(JSON.map(line_of) | st.binary(max_size=200))
def test_anything_may_come(line: bytes) -> None:
    assert read(line) is None
    inheritance = Inheritance()
    inheritance.add(line, exact=True)
    assert inheritance.refused == 1 - len(inheritance)


@given(st.integers(0, len(GOOD) - 1), JSON)
def test_a_field_may_be_anything(field: int, value: Any) -> None:
    entry = [*GOOD]
    entry[field] = value
    read(line_of(entry))
    lab = engine("version: 1\nplugins: [rules, stream, protocols]\ndefault: DROP\n")
    lab.engine.continuation.inherit([line_of(entry)])
    lab.send([decode(tcp_packet("192.0.2.1", 40000, "198.51.100.2", 443, seq=1, ack=1, flags=16, data=b"x"), 5.0)])


@given(st.integers(0, len(LINE)), st.binary(max_size=9))
def test_bytes_may_be_anything(at: int, other: bytes) -> None:
    """What a description begins with says whose it is; the rest may not say otherwise."""
    line = LINE[:at] + other + LINE[at + len(other) :]
    known = read(line)
    assert known is None or known.key.hex() == line[2 : line.index(b'"', 2)].decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (0, "00" * 5),
        (1, "me"),
        (2, 9),
        (3, float("inf")),
        (6, "x" * 2000),
        (12, {f"f{n}": 1 for n in range(100)}),
        (12, {"f": "x" * 2000}),
        (12, {"f": {"nested": 1}}),
        (13, "zz"),
        (13, "00" * 20000),
        (15, [[5], []]),
    ],
)
def test_bounds_hold(field: int, value: Any) -> None:
    assert read(line_of([*GOOD[:field], value, *GOOD[field + 1 :]])) is None
    assert read(line_of(GOOD[:-1])) is None


@pytest.mark.parametrize("value", [2**64, -(2**70), "\ud800", 1.5, ("a", 2), b"bytes", None, "x" * 2000, object()])
def test_facts_that_cannot_be_told_cost_nothing_but_themselves(value: Any) -> None:
    flow = make_flow(app_proto="tls", facts={"tls.sni": "a.example", "tls.odd": value}, detect_done=True)
    known = read(describe(flow) or b"")
    assert known is not None
    assert known.facts["tls.sni"] == "a.example"


@pytest.mark.parametrize("kept", [{"": "x" * MAX_KEPT}, {"": object()}, {"": {1: 2}}, {"": 2**64}])
def test_what_is_too_long_to_keep_is_left_out(kept: dict[str, Any]) -> None:
    known = read(describe(make_flow(app_proto="http"), kept) or b"")
    assert known is not None
    assert (known.app_proto, known.kept) == ("http", None)


def test_a_description_that_is_too_long_is_none() -> None:
    facts = {f"f{n}": ["x" * 1024] * 64 for n in range(8)}
    assert describe(make_flow(facts=facts)) is None
    assert read(LINE + b" " * MAX_SIZE) is None


@pytest.mark.parametrize("spaced", [False, True])
def test_one_that_was_made_before_packets_passed_says_so(spaced: bool) -> None:
    line = describe(make_flow(app_proto="tls"), exact=True) or b""
    if spaced:  # as a worker that was taken over may write it
        line = line.replace(b",true]", b", true ]")
    for exact in (True, False):
        inheritance = Inheritance()
        inheritance.add(line, exact=exact)
        known = [read(entry) for entry in inheritance.entries()]
        assert [one and one.exact for one in known] == [exact]
