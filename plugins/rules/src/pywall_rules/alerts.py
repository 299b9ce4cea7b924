"""The EVE ``alert`` object of events that rules write."""

from __future__ import annotations

from typing import Any


def alert(signature: str) -> dict[str, Any]:
    """Of lowest severity (3), with action ``allowed``: the rule reports, its chain decides."""
    return {
        "action": "allowed",
        "gid": 1,
        "signature_id": 0,
        "rev": 1,
        "signature": signature,
        "category": "",
        "severity": 3,
    }
