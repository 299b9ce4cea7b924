"""Packets longer than what the queue copies of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.lint import mtu

from .conftest import findings, policy


@pytest.mark.parametrize(
    ("mtus", "rule", "rest", "warned"),
    [
        ({"eth0": 9000}, "{rule: app, is: tls, action: DROP}", "", True),
        ({"eth0": 3584}, "{rule: app, is: tls, action: DROP}", "", False),
        ({"eth0": 9000}, "{rule: port, dst: 22, action: DROP}", "", False),
        ({"eth0": 9000}, "{rule: app, is: tls, action: DROP}", "failure: {truncated: pass-packet}\n", False),
        ({"lo": 65536}, "{rule: app, is: tls, action: DROP}", "", False),
        ({"lo": 65536}, "{rule: app, is: tls, action: DROP}", "queue: {loopback: true}\n", True),
        ({"eth0": 1500}, "{rule: app, is: tls, action: DROP}", "queue: {range: 1024}\n", True),
    ],
)
def test_packets_longer_than_what_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mtus: dict[str, int], rule: str, rest: str, warned: bool
) -> None:
    monkeypatch.setattr(mtu, "mtus", lambda: mtus)
    found = [code for _, code, _ in findings(policy(tmp_path, rule, rest, "rules, stream, protocols"))]
    assert ("W025" in found) is warned
