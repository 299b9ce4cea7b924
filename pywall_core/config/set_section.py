"""One entry of the section ``sets:``: a named set, its entries here and in a file."""

from __future__ import annotations

from pydantic import Field

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
