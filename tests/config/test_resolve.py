"""Variables and included texts become one document; what refers to itself, or grows without end, is an error."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from pywall_core.config.errors import ConfigError
from pywall_core.config.resolve import resolve


def data_of(text: str) -> Any:
    document = resolve({"p.yaml": text.encode()})
    assert document.problems == []
    return document.data


def problems_of(text: str) -> list[str]:
    return [str(problem) for problem in resolve({"p.yaml": text.encode()}).problems]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${port}", 22),
        ("'${port}'", 22),
        ("a-${port}-b", "a-22-b"),
        ("${nets}", ["10.0.0.0/8", "192.0.2.0/24"]),
        ("[1, '${nets}', 2]", [1, "10.0.0.0/8", "192.0.2.0/24", 2]),
        ("{inner: '${deep}'}", {"inner": {"port": 22}}),
        ("a${nothing}b", "ab"),
        ("$port ${ port }", "$port ${ port }"),
    ],
)
def test_variables(value: str, expected: Any) -> None:
    head = "vars: {port: 22, nets: [10.0.0.0/8, 192.0.2.0/24], deep: {port: '${port}'}, nothing: null}\n"
    assert data_of(f"{head}x: {value}\n")["x"] == expected


def test_a_text_without_variables_is_the_document_itself() -> None:
    assert data_of("x: 1\n") == {"x": 1}
    assert "vars" not in data_of("vars: {a: 1}\nx: 1\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x: ${a}\n", "p.yaml:1:4: x: no variable 'a'"),
        ("vars: {port: 22}\nx: ${prot}\n", "did you mean 'port'?"),
        ("vars: {a: ['${b}'], b: '${a}'}\nx: ${a}\n", "refers to itself: a -> b -> a"),
        ("vars: {a: [1]}\nx: b${a}\n", "cannot be a part of a text"),
        ("vars: 1\nx: 2\n", "vars: 1: should be a mapping (name: value)"),
        ("include: 1\nx: 2\n", "include: 1: should be a file, a folder, or a list of them"),
        (
            "x: ${env:HOME}\n",
            "the environment is read under vars: only, write vars: {home: ${env:HOME}} and use ${home}",
        ),
        ("vars: {a: '${env:PYWALL_NO_SUCH}'}\nx: ${a}\n", "the environment has no variable 'PYWALL_NO_SUCH'"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    (problem,) = problems_of(text)
    assert message in problem


def test_a_mistake_is_said_once_however_often_the_variable_is_used() -> None:
    assert len(problems_of("vars: {a: '${b}'}\nx: ['${a}', '${a}']\ny: ${a}\n")) == 1


@pytest.mark.parametrize(("value", "expected"), [("8080", 8080), ("eth0", "eth0"), ("", ""), ("9" * 30, "9" * 30)])
def test_the_environment(monkeypatch: pytest.MonkeyPatch, value: str, expected: object) -> None:
    monkeypatch.setenv("PYWALL_A", value)
    assert data_of("vars: {a: '${env:PYWALL_A}'}\nx: ${a}\n")["x"] == expected


def test_variables_that_multiply_each_other_end_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[resolve.__module__], "MAX_VALUES", 5000)
    lines = ["vars:", "  a0: [x, x, x, x, x, x, x, x]"]
    lines += [f"  a{n}: [{', '.join([chr(39) + '${a' + str(n - 1) + '}' + chr(39)] * 8)}]" for n in range(1, 9)]
    with pytest.raises(ConfigError, match="more than 5000 values when its variables are written out"):
        resolve({"p.yaml": "\n".join([*lines, "x: ${a8}"]).encode()})


def test_all_texts_that_cannot_be_read_are_named() -> None:
    with pytest.raises(ConfigError) as raised:
        resolve({"p.yaml": b"a: [1\n", "q.yaml": b"{\n"})
    assert {"p.yaml", "q.yaml"} <= {problem.file for problem in raised.value.problems}
