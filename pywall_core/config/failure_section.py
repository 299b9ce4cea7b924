"""The section ``failure:``: what becomes of traffic when the firewall cannot decide."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from .section import Section


class Failure(Section):
    """What becomes of traffic when the firewall cannot decide. Fields hold the value in effect.

    ``all`` is the master: every switch that is not set takes its closed or its open value. ``midstream`` stays
    ``inspect`` under either.
    """

    all: Literal["closed", "open"] = Field(default="closed", description="the value that unset switches take")
    no_listener: Literal["drop", "accept"] = Field(
        default="drop", description="packets while no firewall process listens"
    )
    queue_full: Literal["drop", "accept"] = Field(
        default="drop", description="packets that find the kernel's queue full"
    )
    plugin_error: Literal["drop-packet", "drop-flow", "pass-packet", "pass-flow"] = Field(
        default="drop-packet",
        description="a packet at which a plugin raised, or whose chain asks for a quarantined plugin",
    )
    undecodable: Literal["drop-packet", "pass-packet"] = Field(
        default="drop-packet", description="a packet whose headers cannot be read"
    )
    stream: Literal["drop-flow", "pass-flow"] = Field(
        default="drop-flow",
        description="a TCP stream that cannot be put in order (memory limit, hole, conflicting overlap)",
    )
    table_full: Literal["drop-packet", "pass-packet"] = Field(
        default="drop-packet", description="the first packet of a flow for which the flow table has no room"
    )
    truncated: Literal["drop-packet", "pass-packet"] = Field(
        default="drop-packet", description="a packet of which less arrived than its header says"
    )
    ambiguous: Literal["drop-flow", "pass-flow"] = Field(
        default="drop-flow",
        description="bytes that servers read differently (smuggled requests), where a rule asks what they say",
    )
    midstream: Literal["inspect", "pass-flow", "drop-flow"] = Field(
        default="inspect", description="a TCP connection whose start was not seen"
    )

    @model_validator(mode="before")
    @classmethod
    def _take_master(cls, data: Any) -> Any:
        if data in ("open", "closed"):
            raise ValueError(f"write {{all: {data}}}")
        return {**OPEN, **data} if isinstance(data, dict) and data.get("all") == "open" else data


#: what ``failure: {all: open}`` means for each switch
OPEN = {
    "no_listener": "accept",
    "queue_full": "accept",
    "plugin_error": "pass-packet",
    "undecodable": "pass-packet",
    "stream": "pass-flow",
    "table_full": "pass-packet",
    "truncated": "pass-packet",
    "ambiguous": "pass-flow",
}
