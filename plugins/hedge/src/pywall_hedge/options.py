"""Options of the plugin in the YAML. Apart from the plugin, because pydantic takes longer to import than all of it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Options of the plugin in the YAML."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["learned", "hedge"] = Field("learned", description="the trained model, or the paper's tests alone")
    false_drop: float = Field(
        0.0125, gt=0, lt=0.5, description="share of the flows that are not encrypted which may be called encrypted"
    )
    miss: float = Field(0.05, gt=0, lt=0.5, description="share of the encrypted flows that may be called not encrypted")
    prior: float = Field(
        0.8,
        gt=0,
        lt=1,
        description="probability that a flow without a confirmed name is encrypted, before its first byte",
    )
    window: int = Field(
        65536, ge=32, le=1 << 20, description="bytes of payload, both directions, after which the answer is final"
    )
    gamma: float = Field(
        2.0, ge=0.1, le=2.0, description="method hedge: deviations that chi-square may exceed its mean by"
    )
    alpha: float = Field(0.01, gt=0, lt=0.5, description="method hedge: significance of the SP 800-22 tests")
