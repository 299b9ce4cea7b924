"""Sections: unknown keys, converted types and later changes are refused, in every section."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pywall_core.config.failure_section import Failure
from pywall_core.config.queue_section import Queue
from pywall_core.config.section import Section
from pywall_core.config.set_section import SetSection


def sections(base: type[Section] = Section) -> list[type[Section]]:
    """Return all sections, those of :mod:`pywall_core.config` at least."""
    found = []
    for section in base.__subclasses__():
        if section.__module__.startswith("pywall_core."):
            found += [section, *sections(section)]
    return found


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.__name__)
def test_an_unknown_key_is_refused_everywhere(section: type[Section]) -> None:
    with pytest.raises(ValidationError) as caught:
        section.model_validate({"no_such_key": 1})
    types = {error["type"] for error in caught.value.errors()}
    assert "extra_forbidden" in types or section.__name__ == "PluginEntry", "there a key is a plugin's name"
    assert {Failure, Queue, SetSection} <= set(sections())


@pytest.mark.parametrize(
    ("section", "data"),
    [(Queue, {"number": "1"}), (Queue, {"offload": "yes"}), (Queue, {"workers": 1.0}), (Failure, {"all": 1})],
)
def test_types_are_not_converted(section: type[Section], data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        section.model_validate(data)


def test_nothing_changes_after_loading() -> None:
    queue = Queue()
    with pytest.raises(ValidationError, match="frozen"):
        queue.number = 7  # type: ignore[misc]
