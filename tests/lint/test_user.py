"""The user of ``run:`` on a machine that does not have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import findings, policy


@pytest.mark.parametrize(("user", "says"), [("nobdy", "no user 'nobdy' here; did you mean 'nobody'?"), ("nobody", "")])
def test_a_user_that_is_not_there(tmp_path: Path, user: str, says: str) -> None:
    found = findings(policy(tmp_path, "{rule: always, action: ACCEPT}", f"run: {{user: {user}}}\n"))
    assert [message for _, code, message in found if code == "W033"] == ([f"there is {says}"] if says else [])
