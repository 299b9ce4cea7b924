"""Texts that compare a fact are answered with the question that does, and plain values are left alone."""

from __future__ import annotations

import pytest
from pywall_rules.comparisons import comparison_form


@pytest.mark.parametrize(
    ("name", "value", "form"),
    [
        ("http.status", ">=400", "least: 400"),
        ("http.status", "=> 400", "least: 400"),
        ("http.status", ">400", "least: 401"),
        ("http.status", "<400", "most: 399"),
        ("payload.confidence", "> 0.8", "least: 0.8"),
        ("payload.confidence", "<= 80 %", "most: 80"),
        ("http.status", "5XX", "least: 500, most: 599"),
        ("ssh.client.software", "!= x y", "{not: {rule: fact, name: ssh.client.software, is: x y}}"),
        ("ssh.client.software", "!~ x", "{not: {rule: fact, name: ssh.client.software, regex: x}}"),
        ("ssh.client.software", "== x", "is: x"),
        ("dns.rrname", "*.example.org", "suffix: example.org"),
        ("dns.rrname", "a*b", "glob: 'a*b'"),
    ],
)
def test_a_comparison_has_a_question_of_its_own(name: str, value: str, form: str) -> None:
    assert comparison_form(name, value) == form


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("http.status", 404),
        ("http.status", "404"),
        ("http.url", "*"),
        ("http.url", "/a*b"),
        ("http.user_agent", "<script>"),
        ("http.user_agent", "="),
        ("tls.subject", "CN=*.example.org"),
        ("ssh.client.software", "4xx"),
        ("http.user_agent", "=="),
    ],
)
def test_a_plain_value_is_none(name: str, value: object) -> None:
    assert comparison_form(name, value) == ""
