"""Facts that plugins declare, by attribute or in their docstring, under the names that rules ask."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.plugins import facts
from pywall_core.plugins.facts import CORE_FACTS, DeclaredFacts, declared_facts, known_facts
from pywall_core.plugins.plugin import Plugin


def plugin(name: str, hooks: str, doc: str | None = None, **attributes: Any) -> Plugin:
    """A loaded plugin whose class has this docstring."""
    made = type("Made", (), {"__doc__": doc, **attributes})()
    return Plugin(name, made, "", "", tuple(hooks.split()), ())


@pytest.mark.parametrize(
    ("field", "names"),
    [
        (":facts: query", ["query"]),
        (":facts: banner, group", ["banner", "group"]),
        (":facts: ``sni`` (as sent), version (0x0303; RFC 8446),\n    ja4", ["sni", "version", "ja4"]),
        (":facts: method; host of the first request.", ["method", "host"]),
        (":facts: none", []),
    ],
)
def test_names_in_a_docstring(field: str, names: list[str]) -> None:
    assert declared_facts(plugin("x", "detect", f"Detects x.\n\n{field}\n:source: RFC 0\n").obj) == names


def test_an_attribute_comes_before_the_docstring() -> None:
    assert declared_facts(plugin("x", "detect", ":facts: a", facts=("b",)).obj) == ["b"]
    assert declared_facts(plugin("x", "detect", "Says nothing of facts.").obj) is None


def test_a_detectors_facts_have_its_protocols_names_in_front() -> None:
    known = known_facts([plugin("mail", "detect", ":facts: banner, other.name", protocols=("smtp", "pop3"))])
    assert known.names - CORE_FACTS == {"smtp.banner", "pop3.banner", "smtp.other.name", "pop3.other.name"}
    assert not known.has("imap.banner")
    assert not known.has("other.name"), "no plugin is called so: a rule that asks it never matches"


def test_a_detectors_facts_may_be_those_of_another_loaded_protocol() -> None:
    http2 = plugin("http2", "detect", ":facts: http.grpc", protocols=("http2",))
    assert not known_facts([http2]).has("http.grpc")
    assert known_facts([http2, plugin("http", "detect", ":facts: url", protocols=("http",))]).has("http.grpc")


def test_a_classifiers_facts_are_as_it_names_them() -> None:
    known = known_facts(
        [plugin("hedge", "classify", facts=("payload.class",), carriers={"http.body": ("body.class",)})]
    )
    assert known.has("payload.class")
    assert known.has("body.class")


def test_a_plugin_that_sees_flows_and_declares_nothing_may_set_any_fact_of_its_own() -> None:
    known = known_facts([plugin("my-plugin", "packet")])
    assert known.has("my_plugin.anything")
    assert not known.has("tls.sni")


def test_a_plugin_that_sees_no_flow_has_no_facts() -> None:
    assert known_facts([plugin("rules", "rules")]).names == CORE_FACTS
    assert not known_facts([plugin("rules", "rules")]).open


def test_what_the_core_knows_can_always_be_asked() -> None:
    assert known_facts([]).has("app_proto")


def test_docstrings_are_read_when_a_rule_asks_and_no_other_plugins_than_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []

    def docstring(obj: Any) -> str:
        read.append(obj.protocols[0])
        return str(obj.__doc__ or "")

    monkeypatch.setattr(facts, "docstring", docstring)
    mail = plugin("mail", "detect", ":facts: banner", protocols=("smtp",))
    web = plugin("http", "detect", ":facts: url", protocols=("http",))
    newer = plugin("http2", "detect", ":facts: http.grpc", protocols=("http2",))
    declared = DeclaredFacts([mail, web, newer, plugin("kind", "classify", facts=("payload.class",))])
    assert not read
    assert declared.has("payload.class")
    assert declared.has("app_proto")
    assert not read
    assert declared.has("http.url")
    assert declared.has("http.url")  # as 10,000 rules may ask
    assert read == ["http"]
    assert declared.has("http.grpc")
    assert not declared.has("http.no")
    assert declared.names == CORE_FACTS | {"smtp.banner", "http.url", "http2.http.grpc", "http.grpc", "payload.class"}
