"""YAML is read with marks, within bounds, and without YAML 1.1's surprises."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pywall_core.config import ConfigError, yaml_reader
from pywall_core.config.document import Mark
from pywall_core.config.yaml_reader import MAX_BYTES, parse


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True, scope="module")
def loader(request: pytest.FixtureRequest) -> Iterator[None]:
    """Everything holds with libyaml's parser and with PyYAML's own."""
    if not hasattr(yaml, request.param):
        pytest.skip("PyYAML was built without libyaml")
    usual = yaml_reader.LOADER
    yaml_reader.LOADER = getattr(yaml, request.param)
    yield
    yaml_reader.LOADER = usual


def errors(text: str) -> list[str]:
    """What is objected to, as it would be printed."""
    try:
        document = parse(text.encode(), "f.yaml")
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return [str(problem) for problem in document.problems]


def test_marks_of_values_and_keys() -> None:
    document = parse(b"a:\n  - {b: 1, c: [x, y]}\n  - z\n", "f.yaml")
    assert document.data == {"a": [{"b": 1, "c": ["x", "y"]}, "z"]}
    assert document.marks[("a", 0, "c", 1)] == Mark(2, 19)
    assert document.keys[("a", 0, "b")] == Mark(2, 6)
    assert document.marks[("a", 1)] == Mark(3, 5)


@pytest.mark.parametrize(
    ("text", "trap"),
    [
        ("a: 010", "YAML 1.1 reads 8"),
        ("a: 22:22", "YAML 1.1 reads 1342"),
        ("a: 1_000", "YAML 1.1 reads 1000"),
        ("a: 0b_", "0b_ is ambiguous in YAML: write"),
        ("a: 0b11", "YAML 1.1 reads 3"),
        ("a: 0o17", '"0o17" in quotes'),
        ("a: 1:30.5", "YAML 1.1 reads 90.5"),
        ("a: yes", "write true"),
        ("a: No", "write false"),
        ("a: on", "write true"),
        ("a: [OFF]", "write false"),
        ("on: 1", '"on" in quotes'),
    ],
)
def test_values_that_yaml_1_1_reads_otherwise_are_refused(text: str, trap: str) -> None:
    (line,) = errors(text)
    assert line.startswith("f.yaml:1:")
    assert "ambiguous" in line
    assert trap in line


@pytest.mark.parametrize("text", ['a: "010"', "a: '22:22'", 'a: "yes"', 'a: "1_000"', '"on": 1'])
def test_the_quoted_form_is_taken(text: str) -> None:
    assert errors(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "a: 0",
        "a: -5",
        "a: 0x1F",
        "a: 1.5",
        "a: 1e3",
        "a: true",
        "a: ~",
        "a: 192.0.2.1",
        "a: 1000-2000",
        "a: 2001:db8::1",
    ],
)
def test_ordinary_scalars_read_as_pyyaml_reads_them(text: str) -> None:
    document = parse(text.encode(), "f.yaml")
    assert document.problems == []
    assert document.data == yaml.safe_load(text) or text == "a: 1e3"  # PyYAML takes 1e3 for text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: a: duplicate key, already in line 1"),
        ("c: {x: 1, x: 2}", "f.yaml:1:11: c.x: duplicate key, already in line 1"),
        (
            "a: &x [1]\nb: *x\n",
            'f.yaml:2:4: b: alias *x: aliases are not taken; write the value out, or "*x" in quotes for text',
        ),
        ("a: 1\n---\nb: 1\n", "f.yaml:2:1: a second document; one file holds one configuration"),
        ("1: a", "f.yaml:1:1: 1 is not a key: write it in quotes, '1'; keys are text"),
    ],
)
def test_refused_with_its_place(text: str, words: str) -> None:
    assert errors(text) == [words]


def test_tags_run_nothing(tmp_path) -> None:  # type: ignore[no-untyped-def]
    victim = tmp_path / "made"
    lines = errors(f"a: !!python/object/apply:os.mkdir ['{victim}']")
    assert len(lines) == 1
    assert "tags are not taken" in lines[0]
    assert not victim.exists()


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "a: [1", "a: \x01", "\t- a", "a: 'x"]
)
def test_what_is_no_yaml_is_one_quick_line(text: str) -> None:
    start = time.perf_counter()
    lines = errors(text)
    assert len(lines) == 1
    assert "\n" not in lines[0]
    assert time.perf_counter() - start < 10


def test_alias_bomb_grows_nothing() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 9) + "]\n" for n in range(1, 12))
    assert all("aliases are not taken" in line for line in errors(bomb))


def test_reading_goes_on_behind_a_line_that_is_no_yaml() -> None:
    text = "a: [1, 2\nb: yes\nc:\n\t- x\nd: {e: %f}\ng: 010\n"
    assert [line.split(":")[1] for line in sorted(errors(text))] == ["1", "2", "4", "5", "6"]


def test_a_rule_that_is_no_yaml_leaves_its_place_to_none() -> None:
    document = parse(b"a:\n  - {x: 1\n  - {y: 2}\n", "f.yaml")
    assert document.data == {"a": [None, {"y": 2}]}
    assert [problem.line for problem in document.problems] == [2]


def test_variables_and_sets_are_text_without_quotes() -> None:
    text = "a: {b: ${LAN}, c: @blocked, d: '${x}-@y', e: [@one, ${two}]}"
    document = parse(text.encode(), "f.yaml")
    assert document.problems == []
    assert document.data == {"a": {"b": "${LAN}", "c": "@blocked", "d": "${x}-@y", "e": ["@one", "${two}"]}}
    assert document.keys[("a", "c")].column == text.index("c:") + 1


def test_size_is_bounded() -> None:
    (line,) = errors("#" * (MAX_BYTES + 1))
    assert line == "f.yaml:1:1: larger than 16 MiB"


def test_not_utf8() -> None:
    with pytest.raises(ConfigError, match=r"f\.yaml:2:4: not UTF-8"):
        parse(b"a: 1\nb: \xff\xfe\n", "f.yaml")


# without 0, e and E: PyYAML writes 08 and 1e3 without quotes for text, which YAML 1.2 reads as numbers
_texts = st.text(st.characters(exclude_characters="0eE", exclude_categories=["Cs", "Co"]), max_size=12)
_scalars = st.one_of(st.none(), st.booleans(), st.integers(-(10**17), 10**17), _texts)
_data = st.dictionaries(
    _texts,
    st.recursive(
        _scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_texts, inner, max_size=4)),
        max_leaves=12,
    ),
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(_data, st.booleans())
def test_what_pyyaml_writes_is_read_back(data: dict[str, object], flow: bool) -> None:
    text = yaml.safe_dump(data, default_flow_style=flow)
    document = parse(text.encode(), "f.yaml")
    assert document.problems == []
    assert document.data == data


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.binary(max_size=200), st.text(alphabet="[]{}:,-&*!?|>'\"%@`# \nab01_", max_size=60).map(str.encode))
)
def test_any_bytes_end_in_data_or_a_config_error(text: bytes) -> None:
    with contextlib.suppress(ConfigError):
        parse(text, "f.yaml")


@pytest.mark.parametrize("ending", ["\r", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize(
    "lines", [("a:1", "b: c: d"), ("a: [1", "b: }"), ("a: '", "b"), ("c: `", ""), ("a: &", "b:: :"), ("a: {b: //", "c")]
)
def test_lines_that_only_yaml_takes_for_lines(ending: str, lines: tuple[str, str]) -> None:
    """YAML ends lines at more characters than we do: its place of an error may be behind our last line."""
    with pytest.raises(ConfigError) as error:
        parse(ending.join(["", "", "", *lines, ""]).encode(), "test.yaml")
    assert error.value.problems[0].message
