"""``pywall plugins check``: what it finds in plugins that break their contracts, and that good ones pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from pydantic import BaseModel

from pywall_core.api import MORE, NO, YES, Facts, Match, RuleKind, hookimpl
from pywall_core.config import Config
from pywall_core.plugins.loader import assemble, load
from pywall_core.testing.conformance import Result, examine

#: plugins that need no other one and no settings
ALL = ("rules", "stream", "protocols", "hedge", "process")
CAPTURE = Path(__file__).parents[1] / "data" / "tls12.pcap"


class Greeting:
    """A detector whose contract is kept."""

    api_version = 1
    protocols = ("greeting",)
    transport = "udp"
    examples = ((b"hello there", b"hello"),)

    @hookimpl
    def pywall_detect(self, flow: Any, client: bytes, server: bytes) -> Any:
        answered = server.startswith(b"hello")
        greeting = Match("greeting", confirmed=answered, done=bool(server))
        return greeting if client.startswith(b"hello") else NO if client else MORE


class Forgetful(Greeting):
    @hookimpl
    def pywall_detect(self, flow: Any, client: bytes, server: bytes) -> Any:
        return Match("greeting") if client.startswith(b"hi") else NO


class Sharing(Greeting):
    def __init__(self) -> None:
        self.asked = 0

    @hookimpl
    def pywall_detect(self, flow: Any, client: bytes, server: bytes) -> Any:
        self.asked += 1
        return Match("greeting") if client.startswith(b"hello") and self.asked % 2 else NO


class Raising(Greeting):
    @hookimpl
    def pywall_detect(self, flow: Any, client: bytes, server: bytes) -> Any:
        if not client.startswith(b"h"):
            return NO if client else MORE
        return Match("greeting") if client[9] else NO


class Undeclared:
    """A classifier that answers with a fact that it does not declare."""

    api_version = 1
    facts = ("length",)

    @hookimpl
    def pywall_classify(self, flow: Any, to_server: bool, data: bytes) -> Any:
        return Facts(size=len(data)) if len(data) > 1000 else MORE


class Unspeakable:
    """An inspector whose counters are no JSON, with options that take anything."""

    api_version = 1

    class Options(BaseModel):
        limit: int = 1

    @hookimpl
    def pywall_stats(self) -> Any:
        return {"seen": {1, 2}}

    @hookimpl
    def pywall_segment(self, flow: Any, to_server: bool, offset: int, data: bytes, gap: int) -> None:
        if data[0] == 0xE3:
            raise ValueError("not this byte")


class Fickle(RuleKind):
    """Claims to look at the flow, looks at the packet."""

    kind: ClassVar[str] = "fickle"
    scope: ClassVar = "flow"

    def compile(self, host: Any) -> Any:
        return lambda packet, flow: YES if packet.seq % 2 else NO


class Registering:
    api_version = 1

    @hookimpl
    def pywall_rules(self, register: Any) -> None:
        register(Fickle)


class Unversioned:
    @hookimpl
    def pywall_stats(self) -> Any:
        return {}


def broken(plugin: object) -> dict[str, str]:
    config = Config.model_validate({"plugins": ["it"]})
    results: list[Result] = list(examine("it", config, assemble(config, [("it", plugin)]), examples=40))
    assert any(result.tried for result in results)
    return {result.what: result.problem for result in results if result.tried and result.problem}


def test_a_good_detector_breaks_nothing() -> None:
    before = settings.get_current_profile_name()
    assert broken(Greeting()) == {}
    assert settings.get_current_profile_name() == before, "its caller's properties have their own settings again"


@pytest.mark.parametrize(
    ("plugin", "what"),
    [
        (Forgetful(), "detect over udp: detects every positive"),
        (Sharing(), "detect over udp: answer does not depend on chunks and order"),
        (Raising(), "detect over udp: any input is answered and bounded"),
        (Undeclared(), "classify: answers are declared, and flows share no state"),
        (Registering(), "rule fickle: answer keeps its scope"),
        (Unversioned(), "states the version of the API"),
    ],
)
def test_what_is_broken_is_named(plugin: object, what: str) -> None:
    assert what in broken(plugin)


@pytest.mark.parametrize("name", ALL)
def test_every_plugin_of_ours_states_the_version_of_the_api(name: str) -> None:
    config = Config.model_validate({"plugins": [name]})
    loaded = load(config).loaded
    assert loaded
    assert [plugin.name for plugin in loaded if not hasattr(plugin.obj, "api_version")] == []


def test_an_inspector_that_raises_and_says_what_is_no_json() -> None:
    found = broken(Unspeakable())
    assert {"noise: events and counters are JSON", "options are described", "misspelt options are refused"} <= set(
        found
    )
    (words,) = [words for what, words in found.items() if "no hook raises" in what]
    assert "not this byte" in words


def test_what_has_no_examples_is_said(pywall) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = pywall("plugins", "check", "ssh", "--examples", "5", "--json", "--config", "policy:host-firewall")
    answer = json.loads(out)
    assert (code, answer["broken"]) == (0, 0)
    assert [result["what"] for result in answer["results"] if not result["tried"]] == ["detects its own protocol"]


def test_a_plugin_outside_the_policy_is_checked_too(pywall, tmp_path) -> None:  # type: ignore[no-untyped-def]
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\n")
    code, out, _ = pywall("plugins", "check", "stream", "--config", policy)
    assert code == 0
    assert "ok  stream: noise: no hook raises" in out


def test_an_unknown_name_is_an_error_of_plugins(pywall) -> None:  # type: ignore[no-untyped-def]
    code, _, err = pywall("plugins", "check", "sshh")
    assert code == 4
    assert "did you mean 'ssh'" in err


def test_show_has_options_with_types_and_defaults_and_rule_kinds(pywall) -> None:  # type: ignore[no-untyped-def]
    shown = json.loads(pywall("plugins", "show", "stream", "--json", "--config", "policy:host-firewall").out)
    assert shown["options"]["checksum"] == {
        "type": "auto | on | off",
        "default": "auto",
        "about": shown["options"]["checksum"]["about"],
    }
    assert shown["distribution"] == "pywall-stream"
    shown = json.loads(pywall("plugins", "show", "rules", "--json", "--config", "policy:host-firewall").out)
    assert {"ip", "port", "app", "knock"} <= set(shown["rule kinds"])
    text = pywall("plugins", "show", "ssh", "--config", "policy:host-firewall").out
    assert "client.software_version" in text


def test_cold_calls_are_printed_on_request(
    pywall,  # type: ignore[no-untyped-def]
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYWALL_PLUGINS_TRACE", "1")
    err = pywall("replay", CAPTURE, "--config", "policy:host-firewall").err
    assert "rules: pywall_rules(RuleRegistry) -> None" in err
    assert "stream: pywall_startup(Engine) -> None" in err
    assert "stream: pywall_stats() -> {" in err
    monkeypatch.delenv("PYWALL_PLUGINS_TRACE")
    assert "pywall_" not in pywall("replay", CAPTURE, "--config", "policy:host-firewall").err
