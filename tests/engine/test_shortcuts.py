"""Bare ACKs pass unseen only where neither a rule nor a plugin nor the policy asks for every packet."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.api import Flow, Packet, hookimpl
from pywall_core.config import Config
from pywall_core.engine.shortcuts import why_bare_acks_are_queued
from pywall_core.plugins.loader import assemble

from ..toy_engine import Toy


class Watches:
    """Sees every packet; a subclass says that it copes without bare ACKs."""

    @hookimpl
    def pywall_decided(self, packet: Packet, flow: Flow, verdict: object) -> None:
        return


class Copes(Watches):
    needs_bare_acks = False


def why(*plugins: tuple[str, Any], rule: str = "", **queue: Any) -> str:
    chains = {"INPUT": [{"rule": rule, "action": "DROP"}]} if rule else {}
    config = Config.model_validate({"queue": queue, "chains": chains})
    loaded = assemble(config, plugins)
    return why_bare_acks_are_queued(config, loaded, loaded.bind(config))


def test_nothing_asks_for_them() -> None:
    assert why() == ""
    assert why(("copes", Copes())) == ""


@pytest.mark.parametrize(
    ("queue", "said"),
    [({"skip_bare_acks": False}, "queue.skip_bare_acks is false"), ({"offload": False}, "queue.offload")],
)
def test_the_policy_asks_for_them(queue: dict[str, bool], said: str) -> None:
    assert why(**queue).startswith(said)


def test_a_plugin_asks_for_them() -> None:
    assert why(("watches", Watches())) == "plugin watches looks at every packet"


def test_a_rule_about_packets_asks_for_them() -> None:
    toy = Toy()
    toy.needs_bare_acks = False  # type: ignore[attr-defined]
    assert why(("toy", toy), rule="named") == ""
    assert why(("toy", toy), rule="seen") == "INPUT[0] (seen) is asked for every packet"
