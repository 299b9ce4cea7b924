"""Hooks and rules that answer with something else than their contract says: the plugin's error, never the engine's."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from pywall_core.api import RuleKind, hookimpl
from pywall_core.testing import conversation, engine

WRONG = (None, True, 0, "accept", (), object)


class Answering:
    """Gives one answer to whatever it is asked."""

    transport = "udp"
    facts = ("x",)

    def __init__(self, answer: object) -> None:
        self.answer = answer


class Packet(Answering):
    @hookimpl
    def pywall_packet(self, packet: Any, flow: Any) -> Any:
        return self.answer


class Detect(Answering):
    @hookimpl
    def pywall_detect(self, flow: Any, client: bytes, server: bytes) -> Any:
        return self.answer


class Classify(Answering):
    @hookimpl
    def pywall_classify(self, flow: Any, to_server: bool, data: bytes) -> Any:
        return self.answer


class Rules(Answering):
    @hookimpl
    def pywall_rules(self, register: Any) -> None:
        answer = self.answer

        class Wrong(RuleKind):
            kind: ClassVar[str] = "wrong"

            def compile(self, host: Any) -> Any:
                return lambda packet, flow: answer

        register(Wrong)


@pytest.mark.parametrize("hook", [Packet, Detect, Classify, Rules])
@pytest.mark.parametrize("answer", WRONG, ids=repr)
@pytest.mark.parametrize(("policy", "action"), [("drop-packet", "drop"), ("pass-packet", "accept")])
def test_a_wrong_answer_is_an_error_of_the_plugin(
    hook: type[Answering], answer: object, policy: str, action: str
) -> None:
    if hook is Packet and answer is None:
        pytest.skip("None is what the hook answers when it has no objection")
    chains = {"INPUT": [{"rule": "wrong", "action": "REJECT"}]} if hook is Rules else {}
    lab = engine({"failure": {"plugin_error": policy}, "chains": chains}, plugins={"it": hook(answer)})
    (verdict,) = lab.send(conversation("udp").client(b"question"))
    assert (verdict.action, verdict.reason) == (action, "failure.plugin_error")
    assert sum(failed["errors"] for failed in lab.engine.stats()["failures"].values()) >= 1
