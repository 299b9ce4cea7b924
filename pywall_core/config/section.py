"""Section: base of all parts of the configuration."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Base of all sections: unknown keys are refused, types are not converted, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
