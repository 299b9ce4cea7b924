"""What rules need of plugins, protocols and workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import bind, refused


def test_host_state_and_several_workers(tmp_path: Path) -> None:
    rule = "chains: {INPUT: [{rule: memory, action: DROP}]}\n"
    (line,) = refused(tmp_path, f"queue: {{workers: 2}}\n{rule}", capabilities={"tcp-state"})
    assert "queue.deal: host" in line
    assert bind(tmp_path, f"queue: {{workers: 2, deal: host}}\n{rule}", capabilities={"tcp-state"})


def test_a_capability_that_no_plugin_provides(tmp_path: Path) -> None:
    (line,) = refused(tmp_path, "chains: {INPUT: [{rule: memory, action: DROP}]}\n")
    assert "chains.INPUT[0].rule: 'memory' needs a plugin that provides 'tcp-state'" in line
    assert line.endswith("add '- stream' under plugins")


def test_each_protocol_that_nobody_detects_is_named(tmp_path: Path) -> None:
    rule = "chains: {INPUT: [{rule: name, of: [ssh, tsl, hppt], action: DROP}]}\n"
    lines = refused(tmp_path, rule, protocols={"tls", "ssh", "http"})
    assert [line.split(": ")[1] for line in lines] == ["chains.INPUT[0].of[1]", "chains.INPUT[0].of[2]"]
    assert "did you mean 'tls'" in lines[0]


class Given:
    """Facts in this order, as a set has them in one process or another."""

    def __init__(self, *names: str) -> None:
        self.names: Any = names

    def has(self, name: str) -> bool:
        return name in self.names


@pytest.mark.parametrize("order", [1, -1])
def test_the_hint_is_the_same_in_every_process(tmp_path: Path, order: int) -> None:
    facts = Given(*["tls.ja3.hash", "ssh.ja3.hash", "quic.ja3.hash", "abcde.ja3.hash"][::order])
    (line,) = refused(tmp_path, "chains: {INPUT: [{rule: asks, fact: ja3.hash, action: DROP}]}\n", facts=facts)
    assert "did you mean 'ssh.ja3.hash'" in line
