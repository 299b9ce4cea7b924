"""What is said of the connections that are open at the first start, and of the administrator's own."""

from __future__ import annotations

import pytest

from pywall_core.lint import older
from pywall_core.testing import engine

ENDS = (bytes([203, 0, 113, 9]), 40000, bytes([192, 0, 2, 1]), 22)
OWN = b"\x06" + ENDS[0] + ENDS[2] + (40000).to_bytes(2, "big") + (22).to_bytes(2, "big")
OTHER = b"\x06" + bytes(8) + b"\0\1\0\2"
DATAGRAMS = b"\x11" + OWN[1:]
BY_NAME = "{all: [{rule: port, dst: 22}, {rule: app, is: ssh, confirmed: true}], action: ACCEPT}"
POLICY = """
version: 1
plugins: [rules, stream, protocols]
%s
chains:
  INPUT: [%s]
default: {INPUT: DROP, OUTPUT: ACCEPT}
"""


def told(
    monkeypatch: pytest.MonkeyPatch, rules: str, more: str = "", keys: tuple[bytes, ...] = (OWN, OTHER, DATAGRAMS)
) -> list[str]:
    monkeypatch.setattr(older, "original_keys", lambda: frozenset(keys))
    monkeypatch.setattr(older, "ssh_connection", lambda: ENDS)
    lab = engine(POLICY % (more, rules))
    return list(older.tell_open(lab.engine.config, lab.engine))


@pytest.mark.parametrize(
    ("rules", "more", "fate"),
    [
        (BY_NAME, "", "cut"),
        (BY_NAME, "mode: observe", "goes on"),
        (BY_NAME, "failure: {midstream: pass-flow}", "goes on"),
        (BY_NAME, "failure: {midstream: drop-flow}", "cut"),
        ("{rule: port, dst: 22, action: ACCEPT}", "", "goes on"),
        ("{rule: port, dst: 22, action: ACCEPT}", "failure: {midstream: drop-flow}", "cut"),
        (f"{{rule: flow, older: true, action: ACCEPT}}, {BY_NAME}", "", "goes on"),
        ("{rule: ip, src: 203.0.113.9, action: DROP}, {rule: always, action: ACCEPT}", "", "cut"),
    ],
)
def test_the_session_of_the_administrator_is_among_them(
    monkeypatch: pytest.MonkeyPatch, rules: str, more: str, fate: str
) -> None:
    first, own = told(monkeypatch, rules, more)
    assert first.startswith("open now: 2 TCP connections, which ")
    assert "203.0.113.9, is among them" in own
    assert fate in own


def test_without_connections_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, BY_NAME, keys=(DATAGRAMS,)) == []


def test_a_session_that_has_ended_is_not_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(told(monkeypatch, BY_NAME, keys=(OTHER,))) == 1
