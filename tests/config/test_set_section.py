"""The section ``sets:``: what an entry may have, and what a name may be."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from pywall_core.config.set_section import SetSections
from pywall_core.model.named_set import MAX_ENTRIES

SECTIONS: TypeAdapter[Any] = TypeAdapter(SetSections)


def test_a_name_alone_is_an_empty_set_of_addresses() -> None:
    (made,) = SECTIONS.validate_python({"blocked": None}).values()
    assert (made.type, made.entries, made.file, made.size) == ("addresses", [], None, MAX_ENTRIES)


@pytest.mark.parametrize("name", ["", "Ads", "9lives", "a b", "a" * 21, "-x"])
def test_names_that_rules_could_not_write(name: str) -> None:
    with pytest.raises(ValidationError, match="is not a set name"):
        SECTIONS.validate_python({name: None})


@pytest.mark.parametrize(
    "wrong", [{"type": "hosts"}, {"column": 0}, {"size": 0}, {"size": 1 << 25}, {"entry": ["192.0.2.1"]}]
)
def test_what_a_set_cannot_have(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SECTIONS.validate_python({"blocked": wrong})


def test_every_key_is_described() -> None:
    (made,) = SECTIONS.validate_python({"blocked": {}}).values()
    assert all(field.description for name, field in type(made).model_fields.items() if name != "file_and_line")
