"""The sets that ``block`` and ``allow`` use, as a policy has them or not."""

from __future__ import annotations

from typing import Any

ALL_SETS = ("blocked", "blocked-names", "allowed", "allowed-names")


def policy_has(firewall: Any, *names: str) -> None:
    firewall.answers["stats"] = {"ok": True, "stats": [{"sets": {name: {} for name in names}}]}
    firewall.answers["set"] = {"ok": True}


def changes(firewall: Any) -> list[dict[str, Any]]:
    return [request for request in firewall.requests if request["command"] == "set"]
