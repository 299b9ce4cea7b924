"""What ``pywall plugins check`` tries: a plugin that keeps its contracts, and faults that are found by name."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl
from pywall_core.config import Config
from pywall_core.plugins.loader import assemble
from pywall_core.testing.conformance import examine


class Good:
    """Detects a line that begins with TOY."""

    api_version = 1
    protocols = ("toy",)
    transport = "udp"
    examples = ((b"TOY hello\n", b"TOY hi\n"),)

    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")
        loud: bool = Field(default=False, description="say it twice")

    def __init__(self, options: Any = None) -> None:
        pass

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        for said in (client, server):
            if said[:4] != b"TOY "[: len(said)]:
                return NO
        return Match("toy") if len(client) >= 4 and len(server) >= 4 else MORE


class Stateless(Good):
    """Says nothing of the API that it was written for."""

    api_version = None  # type: ignore[assignment]


class Fickle(Good):
    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        return Match("toy") if len(client) % 2 else NO


class Undescribed(Good):
    class Options(BaseModel):
        loud: bool = False


def problems(plugin: object) -> list[str]:
    config = Config.model_validate({"version": 1, "plugins": ["toy"]})
    found = examine("toy", config, assemble(config, [("toy", plugin)]))
    return [f"{result.what}: {result.problem}" for result in found if result.problem and result.tried]


def test_a_plugin_that_keeps_its_contracts_has_no_problem() -> None:
    assert problems(Good()) == []


def test_an_answer_that_depends_on_the_length_is_found() -> None:
    assert any("stay" in problem or "cut" in problem or "NO" in problem for problem in problems(Fickle()))


def test_options_without_a_word_are_found() -> None:
    found = problems(Undescribed())
    assert any("no description: loud" in problem for problem in found)
    assert any("unknown keys" in problem for problem in found)
