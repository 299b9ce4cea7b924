"""Options of the plugin, as the YAML gives them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Timeouts(BaseModel):
    """Seconds after its last packet at which a connection's entry is freed, by the state of the connection."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    new: float = Field(default=30.0, gt=0, description="handshake not complete, or only one side was seen")
    established: float = Field(default=7440.0, gt=0, description="open; 2 hours 4 minutes is RFC 5382's least")
    closing: float = Field(default=120.0, gt=0, description="one side or both have sent their FIN")
    closed: float = Field(default=30.0, gt=0, description="both FINs acknowledged, or reset")


class StreamOptions(BaseModel):
    """Options of ``stream``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    checksum: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="drop segments with a wrong checksum; auto: not with queue.gso, not content and "
        "acknowledgements that this machine sends (outside tunnels), and in replay not from senders that left "
        "checksums to the network card",
    )
    mptcp: Literal["strip", "allow", "drop"] = Field(
        default="strip",
        description="Multipath TCP: several connections may carry one stream, which no rule sees whole. strip: take "
        "the option out of handshakes whose content rules ask for, so that they go on as plain TCP; drop: refuse them",
    )
    flow_memory: int = Field(
        default=4 << 20,
        ge=1 << 16,
        description="bytes held for one direction of a connection: unacknowledged or out of order",
    )
    memory: int = Field(default=64 << 20, ge=1 << 20, description="bytes held for all connections")
    timeouts: Timeouts = Field(default=Timeouts(), description="seconds without a packet")

    @field_validator("checksum", mode="before")
    @classmethod
    def _yaml_word(cls, value: object) -> object:
        """Take the truths that unquoted on and off are answered with."""
        return ("off", "on")[value] if isinstance(value, bool) else value
