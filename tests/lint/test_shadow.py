"""A rule that an earlier one always answers before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import findings, policy


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("{rule: always, action: ACCEPT}\n{rule: port, dst: 22, action: DROP}", (6, "W010")),
        ("{rule: ip, src: 10.0.0.0/8, action: DROP}\n{rule: ip, src: 10.1.0.0/16, action: ACCEPT}", (6, "W010")),
        ("{rule: port, dst: 1-1024, action: DROP}\n{rule: port, protocol: tcp, dst: 22, action: ACCEPT}", (6, "W010")),
        ("{rule: protocol, is: tcp, action: DROP}\n{rule: port, protocol: tcp, dst: 22, action: ACCEPT}", (6, "W010")),
        ("{rule: port, dst: 22, action: DROP}\n"
         "{all: [{rule: ip, src: 10.0.0.1}, {rule: port, dst: 22}], action: ACCEPT}", (6, "W010")),
        ("{rule: always, action: DROP}\n{rule: log, message: refused}", (6, "W010")),
        ("{not: {rule: port, dst: 22}, action: DROP}\n{not: {rule: port, dst: [22, 23]}, action: DROP}", (6, "W010")),
    ],
)  # fmt: skip
def test_rules_behind_others_that_cover_them(tmp_path: Path, rules: str, expected: tuple[int, str]) -> None:
    found = findings(policy(tmp_path, rules))
    assert expected in [(line, code) for line, code, _ in found], found


@pytest.mark.parametrize(
    "rules",
    [
        "{rule: ip, src: 10.1.0.0/16, action: ACCEPT}\n{rule: ip, src: 10.0.0.0/8, action: DROP}",
        "{rule: always, observe: true, action: DROP}\n{rule: port, dst: 22, action: ACCEPT}",
        "{rule: port, protocol: udp, dst: 53, action: ACCEPT}\n{rule: port, protocol: tcp, dst: 53, action: DROP}",
        "{rule: iface, in: 'eth*', action: ACCEPT}",
        "{rule: ip, src: 10.0.0.1, action: ACCEPT}\n{rule: ip, src: {file: /dev/null}, action: DROP}",
        "{not: {rule: port, dst: [22, 23]}, action: ACCEPT}\n{not: {rule: port, dst: 22}, action: DROP}",
        "{rule: knock, port: 22, doors: [7000/tcp], action: ACCEPT}\n"
        "{rule: knock, port: 22, doors: [7000/tcp], action: ACCEPT}",
        "{rule: always, action: ACCEPT}\n{rule: port, dst: 1, action: DROP}  # pywall: ignore[W010, W012]",
        "{rule: always, enabled: false, action: ACCEPT}\n{rule: port, dst: 1, action: DROP}",
    ],
)
def test_rules_that_are_meant_so(tmp_path: Path, rules: str) -> None:
    assert findings(policy(tmp_path, rules)) == []
