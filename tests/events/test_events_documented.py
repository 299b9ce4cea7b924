"""Every field that an event can have is in the manual."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pywall_core.testing import conversation, engine, ip_packet, udp_packet

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "events.md"
#: what plugins and counters put below these is theirs
OPEN = ("stats.", "pywall.facts.", "toy.")


def fields(event: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in event.items():
        path = prefix + name
        if isinstance(value, dict) and not any(f"{path}.".startswith(top) for top in OPEN):
            yield from fields(value, f"{path}.")
        else:
            yield path


@pytest.mark.skipif(not PAGE.exists(), reason="the manual is not in this distribution")
def test_every_field_of_every_event_is_documented() -> None:
    documented = set(re.findall(r"`([\w.]+)`", PAGE.read_text(encoding="utf-8")))
    seen: set[str] = set()
    for mode in ("enforce", "observe"):
        lab = engine({"mode": mode, "chains": {"INPUT": []}, "default": "DROP"}, plugins={})
        lab.send(conversation().client(b"x"))
        lab.send(
            [
                udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"x"),
                ip_packet("192.0.2.1", "192.0.2.2", 1, bytes(8)),
                b"\x45",
            ]
        )
        lab.close()
        lab.engine.emit("stats", stats=lab.engine.stats())
        for event in lab.events:
            seen |= set(fields(event))
    assert {"flow.pkts_toserver", "drop.udplen", "drop.syn", "alert.signature", "anomaly.event", "icmp_type"} <= seen
    assert seen - documented - {"stats"} == set()
