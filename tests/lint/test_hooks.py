"""Hooks without a chain: ``check`` says what the default does there, and warns when nothing can be answered."""

from __future__ import annotations

import pytest

from pywall_core.config import loads
from pywall_core.lint.hooks import chainless, lint_hooks

INPUT_ONLY = "version: 1\nplugins: []\nchains: {INPUT: []}\ndefault: %s\n"


@pytest.mark.parametrize(
    ("default", "hooks", "warned"),
    [
        ("DROP", [("OUTPUT", "DROP")], True),
        ("ACCEPT", [("OUTPUT", "ACCEPT")], False),
        ("{INPUT: DROP, OUTPUT: ACCEPT}", [("OUTPUT", "ACCEPT")], False),
        ("{OUTPUT: REJECT}", [("OUTPUT", "REJECT")], True),
    ],
)
def test_a_hook_without_a_chain(default: str, hooks: list[tuple[str, str]], warned: bool) -> None:
    config = loads((INPUT_ONLY % default).encode(), "p.yaml")
    assert list(chainless(config)) == hooks
    lint_hooks(config)
    assert any("never answered" in warning for warning in config.warnings) is warned


def test_a_hook_that_is_not_queued_is_not_mentioned() -> None:
    config = loads((INPUT_ONLY % "DROP").replace("chains", "queue: {hooks: [INPUT]}\nchains").encode(), "p.yaml")
    lint_hooks(config)
    assert list(chainless(config)) == []
    assert config.warnings == []
