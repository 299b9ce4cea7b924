"""``pywall reload`` and its outcome: reloaded, refused with the reason, or nobody there."""

from __future__ import annotations

import json
from typing import Any

from pywall_core.cli.common import CONFIGURATION, FAILURE, OK


def test_a_reload_says_what_holds_now(pywall: Any, firewall: Any) -> None:
    firewall.answers["reload"] = {"ok": True, "plan": "queue 3"}
    code, out, _ = pywall("reload")
    assert code == OK
    assert out == "reloaded: queue 3; open connections that the new policy accepts go on\n"
    assert firewall.requests == [{"command": "reload"}]


def test_a_reload_for_a_while_names_the_command_that_keeps_it(pywall: Any, firewall: Any) -> None:
    firewall.answers["reload"] = {"ok": True}
    code, out, _ = pywall("reload", "--confirm", "30")
    assert (code, out) == (OK, "reloaded; 'pywall confirm' within 30 s keeps it\n")
    assert firewall.requests == [{"command": "reload", "confirm": 30.0}]


def test_a_wrong_policy_is_a_configuration_error(pywall: Any, firewall: Any) -> None:
    firewall.answers["reload"] = {"ok": False, "error": "pywall.yaml:3:1: unknown key"}
    code, out, err = pywall("reload")
    assert (code, out) == (CONFIGURATION, "")
    assert "pywall.yaml:3:1: unknown key" in err


def test_without_a_firewall_it_fails(pywall: Any, firewall: Any) -> None:
    firewall.runs = False
    code, out, _ = pywall("reload", "--json")
    assert code == FAILURE
    assert json.loads(out)["ok"] is False
