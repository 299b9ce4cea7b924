"""Port sets, and what is not a port."""

from __future__ import annotations

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pywall_rules.port import Port
from pywall_rules.ports import PortSet

ports = st.integers(0, 65535)
ranges = st.tuples(ports, ports).map(sorted)


@settings(max_examples=100, deadline=None)
@given(st.lists(ports, max_size=5), st.lists(ranges, max_size=3), st.lists(ports, min_size=1, max_size=20))
def test_members_are_those_listed(singles: list[int], spans: list[list[int]], asked: list[int]) -> None:
    entries: list[object] = [*singles, *(f"{low}-{high}" for low, high in spans)]
    if not entries:
        return
    found = PortSet.parse(entries)
    for port in [*asked, *singles, *(edge for span in spans for edge in span)]:
        expected = port in singles or any(low <= port <= high for low, high in spans)
        assert bool(found.has(port)) is expected


def test_all_ports() -> None:
    everything = PortSet.parse("0-65535")
    assert all(everything.has(port) for port in (0, 1, 65535))


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (70000, "70000 is not a port (0-65535)"),
        (-1, "-1 is not a port: a range is written 0-1"),
        ("ssh", "'ssh' is not a port: ssh has port 22, write {rule: service, is: ssh}"),
        ("22", "'22' is not a port: write 22 without quotes"),
        (True, "true is not a port (0-65535)"),
        (22.0, "22.0 is not a port: write 22"),
        (None, "None is not a port (0-65535)"),
        ("1-70000", "70000 is not a port (0-65535)"),
        ("9-3", "'9-3' is an empty range: the lower port comes first"),
        ("1-2-3", "'1-2-3' is not a port, nor a range, 1000-2000"),
        ("-5", "'-5' is not a port: a range is written 0-5"),
        ("²", "'²' is not a port (0-65535)"),
        ([], "an empty list matches nothing"),
        ({}, "a mapping is not a port (0-65535)"),
    ],
)
def test_what_is_no_port_is_named(entry: object, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        PortSet.parse(entry)
    assert str(caught.value) == words


@pytest.mark.parametrize("form", [22, "1000-2000", "1000 - 2000", "@web", [22, "@web", "1-3"]])
def test_an_editor_takes_each_form_of_ports(form: object) -> None:
    jsonschema.validate({"dst": form}, Port.model_json_schema())
    assert Port.model_validate({"dst": form}).dst is not None


def test_an_editor_marks_what_is_no_port() -> None:
    for form in ("web", "@", "22", 65536, "1:3", []):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"dst": form}, Port.model_json_schema())
