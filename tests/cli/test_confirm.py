"""``pywall confirm`` keeps a policy that was loaded for a while."""

from __future__ import annotations

import json
from typing import Any

from pywall_core.cli.common import FAILURE, OK


def test_the_policy_is_kept(pywall: Any, firewall: Any) -> None:
    firewall.answers["confirm"] = {"ok": True}
    assert pywall("confirm")[:2] == (OK, "confirmed: keeping the current policy\n")


def test_where_nothing_waits_the_firewall_says_so(pywall: Any, firewall: Any) -> None:
    firewall.answers["confirm"] = {"ok": False, "error": "no reload waits to be confirmed"}
    code, out, err = pywall("confirm")
    assert (code, out) == (FAILURE, "")
    assert "no reload waits to be confirmed" in err


def test_without_a_firewall_it_fails(pywall: Any, firewall: Any) -> None:
    firewall.runs = False
    code, out, _ = pywall("confirm", "--json")
    assert code == FAILURE
    assert json.loads(out)["ok"] is False
