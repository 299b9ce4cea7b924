"""Connections that a policy begins to let in and then cuts."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import findings, policy


@pytest.mark.parametrize(
    ("rules", "rest", "codes"),
    [
        ("{rule: port, dst: 22, action: ACCEPT}", "default: {INPUT: DROP}\n", ["W020"]),
        ("{rule: flow, initiator: local, action: ACCEPT}", "default: {INPUT: DROP}\n", []),
        ("{rule: port, src: 443, action: ACCEPT}", "default: {INPUT: DROP}\n", ["W020"]),
        ("{rule: port, dst: 22, action: DROP}", "", []),
        ("{rule: port, dst: 22, action: ACCEPT}", "default: {INPUT: DROP}\nmode: observe\n", []),
        ("{rule: port, dst: 22, action: ACCEPT}", "default: {INPUT: DROP}\nqueue: {hooks: [INPUT]}\n", ["W020"]),
    ],
)
def test_answers_that_cannot_come_back(tmp_path: Path, rules: str, rest: str, codes: list[str]) -> None:
    assert [code for _, code, _ in findings(policy(tmp_path, rules, rest))] == codes


def test_answers_that_cannot_leave(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(
        "version: 1\nplugins: [rules]\nchains:\n  INPUT:\n    - {rule: port, dst: 443, action: ACCEPT}\n"
        "    - {rule: flow, initiator: local, action: ACCEPT}\n  OUTPUT:\n"
        "    - {rule: flow, initiator: local, action: ACCEPT}\n    - {rule: always, action: DROP}\n"
        "default: {INPUT: DROP}\n"
    )
    (found,) = findings(str(file))
    assert found[:2] == (9, "W021")
    assert "{rule: flow, initiator: remote, action: ACCEPT}" in found[2]
