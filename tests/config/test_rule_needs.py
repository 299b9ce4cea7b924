"""What rules need of plugins, protocols and workers."""

from __future__ import annotations

from pathlib import Path

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
