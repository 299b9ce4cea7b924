"""Options of the plugin in the YAML. Apart from the plugin, because pydantic takes longer to import than all of it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Options of the plugin in the YAML."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["learned", "hedge"] = Field("learned", description="the trained model, or the paper's tests alone")
    window: int = Field(
        65536, ge=32, le=1 << 20, description="octets of payload, both directions, after which the answer stands"
    )
    packets: int = Field(
        32, ge=1, le=4096, description="payloads after which the answer stands, if `least` octets came"
    )
    least: int = Field(1024, ge=32, description="octets below which the number of payloads does not settle it")
    gamma: float = Field(
        2.0, ge=0.1, le=2.0, description="method hedge: deviations that chi-square may exceed its mean by"
    )
    alpha: float = Field(0.01, gt=0, lt=0.5, description="method hedge: significance of the SP 800-22 tests")
