"""The section ``sets:``: each entry is a named set, its entries here and in a file."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from ..model.named_set import MAX_ENTRIES, SetType
from .section import Section


class SetSection(Section):
    """One named set."""

    type: SetType = Field(
        default="addresses",
        description="addresses (and networks), ports (and ranges), names (domains with all below them), or strings "
        "(fingerprints and the like)",
    )
    entries: list[str | int] = Field(default=[], description="entries that it begins with")
    file: str | None = Field(
        default=None,
        description="a file of entries, one a line, # begins a comment; or a hosts file (0.0.0.0 name); also gzipped",
    )
    column: int | None = Field(
        default=None, ge=1, description="the file is CSV: the entry is in this column, counted from 1"
    )
    source: str | None = Field(
        default=None, description="where `pywall set refresh` gets the file from: file://, http:// or https://"
    )
    size: int = Field(default=MAX_ENTRIES, ge=1, le=16_777_216, description="entries at most")

    @field_validator("source")
    @classmethod
    def _is_fetched(cls, source: str | None) -> str | None:
        if source is not None and not re.match(r"(?:https?://[^/]|file:///)", source):
            form = f": write file://{source}" if source.startswith("/") else ""
            raise ValueError(f"{source!r} should be file:///PATH, http:// or https://{form}")
        return source


def _name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,19}", name):
        lower = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")
        form = f": write {lower}" if re.fullmatch(r"[a-z][a-z0-9_-]{0,19}", lower) else ""
        raise ValueError(f"{name!r} is not a set name (a-z, 0-9, '_', '-', at most 20, a letter first){form}")
    return name


def _sections(sets: object) -> object:
    if isinstance(sets, dict):
        return {name: {} if section is None else section for name, section in sets.items()}
    return sets


SetSections = Annotated[dict[Annotated[str, AfterValidator(_name)], SetSection], BeforeValidator(_sections)]
