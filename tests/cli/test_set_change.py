"""Entries go to the running firewall in batches; a time to live is a number of seconds."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from pywall_core.cli.common import FAILURE, OK
from pywall_core.cli.set_change import change, duration


def test_many_entries_are_sent_in_batches(firewall: Any) -> None:
    firewall.answers["set"] = {"ok": True}
    entries = [f"192.0.2.{n}" for n in range(120)]
    assert change("add", "bad", entries, None) == OK
    assert [len(request["entries"]) for request in firewall.requests] == [50, 50, 20]
    assert [entry for request in firewall.requests for entry in request["entries"]] == entries


def test_the_first_refusal_ends_it(firewall: Any, capsys: pytest.CaptureFixture[str]) -> None:
    firewall.answers["set"] = {"ok": False, "error": "there is no set 'bad'"}
    assert change("add", "bad", ["192.0.2.1"] * 120, 5.0) == FAILURE
    assert len(firewall.requests) == 1
    assert "there is no set 'bad'" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1h", 3600), ("7d", 604_800)])
def test_a_time_to_live(text: str, seconds: float) -> None:
    assert duration(text) == seconds
    with pytest.raises(argparse.ArgumentTypeError):
        duration(text + "x")
