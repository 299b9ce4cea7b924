"""The right form of a section that got a single value or a list."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.config.section_form import section_form


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("queue",), 3, ": write {number: 3}"),
        (("events",), "/var/log/eve.json", ": write {file: /var/log/eve.json}"),
        (("detection",), 4000, ": write {bytes: 4000}"),
        (("sets", "bad"), ["a", "b"], ": write {entries: [a, b]}"),
        (("sets", "bad"), ["a", "b", "c", "d"], ": write {entries: [a, b, c, ...]}"),
        (("sets", "bad"), "list.txt", ": write {file: list.txt}"),
        (("sets",), "list.txt", ""),
        (("queue", "number"), 3, ""),
        (("table",), 65536, ": write {flows: 65536}"),
        (("detection",), True, ""),
        (("failure", "stream"), 3, ""),
    ],
)
def test_the_form_of_each_section(path: tuple[str | int, ...], value: Any, said: str) -> None:
    assert section_form(path, value) == said
