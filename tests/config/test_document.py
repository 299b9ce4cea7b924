"""A document knows the place of each value, and says objections with it, each once."""

from __future__ import annotations

import pytest

from pywall_core.config.document import Document, Mark

TEXT = ["one: 1", "rules:", "  - {rule: ip, of: x}  # pywall: ignore[W001, W002]", "\tlast: 2"]


@pytest.fixture
def document() -> Document:
    found = Document("f.yaml", texts={"f.yaml": TEXT})
    found.marks = {(): Mark(1, 1), ("rules",): Mark(3, 3), ("rules", 0): Mark(3, 5), ("rules", 0, "of"): Mark(3, 20)}
    found.keys = {("rules",): Mark(2, 1), ("rules", 0, "of"): Mark(3, 16)}
    return found


def test_an_objection_is_at_the_value_or_at_its_key(document: Document) -> None:
    assert document.problem(("rules", 0, "of"), "no").column == 20
    assert document.problem(("rules", 0, "of"), "no", key=True).column == 16


def test_an_objection_to_what_is_missing_is_at_the_nearest_place_above(document: Document) -> None:
    problem = document.problem(("rules", 0, "src", "port"), "is missing")
    assert (problem.line, problem.column, problem.path) == (3, 5, "rules[0].src.port")


def test_a_value_that_yaml_objects_to_gets_no_second_objection(document: Document) -> None:
    document.ambiguous.add(Mark(3, 20))
    document.error(("rules", 0, "of"), "wrong")
    assert document.problems == []
    document.error(("rules", 0, "of"), "wrong key", key=True)
    assert [problem.message for problem in document.problems] == ["wrong key"]


def test_a_line_that_could_not_be_read_gets_no_second_objection(document: Document) -> None:
    document.broken.add(("f.yaml", 3))
    document.error(("rules", 0), "is missing")
    assert document.problems == []


def test_a_value_of_another_file_is_objected_to_there(document: Document) -> None:
    document.marks["rules", 1] = Mark(7, 2, "more.yaml")
    document.texts["more.yaml"] = ["line"] * 7
    document.error(("rules", 1), "wrong")
    assert str(document.problems[0]).startswith("more.yaml:7:2: ")


@pytest.mark.parametrize(("code", "noted"), [("W001", 0), ("W002", 0), ("W003", 1)])
def test_a_warning_is_not_noted_where_its_line_says_so(document: Document, code: str, noted: int) -> None:
    document.warn(("rules", 0), code, "probably not meant")
    assert len(document.warnings) == noted


def test_a_warning_is_noted_once(document: Document) -> None:
    for _ in range(2):
        document.warn((), "W009", "probably not meant")
    assert len(document.warnings) == 1


def test_an_excerpt_has_a_caret_below_the_place(document: Document) -> None:
    assert document.excerpt(Mark(1, 6)) == "one: 1\n     ^"
    assert document.excerpt(Mark(4, 2)) == " last: 2\n ^", "a tab is shown as one blank"


def test_of_a_long_line_a_part_is_shown(document: Document) -> None:
    document.texts["f.yaml"] = ["x" * 200 + "HERE" + "y" * 200]
    line, caret = document.excerpt(Mark(1, 201)).split("\n")
    assert len(line) <= 100
    assert line[caret.index("^") :].startswith("HERE")


@pytest.mark.parametrize("mark", [Mark(0, 0), Mark(5, 1), Mark(1, 1, "another.yaml")])
def test_there_is_no_excerpt_without_a_line(document: Document, mark: Mark) -> None:
    assert document.excerpt(mark) == ""
