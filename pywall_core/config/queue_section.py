"""The section ``queue:``: what the kernel queues, and how."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from .section import Section

HookName = Literal["INPUT", "OUTPUT", "FORWARD"]


def _no_repeats(names: object) -> object:
    if isinstance(names, list):
        for at, name in enumerate(names):
            if name in names[:at]:
                raise ValueError(f"duplicate entry {name!r}")
    return names


class Queue(Section):
    """What the kernel queues, and how."""

    number: int = Field(
        default=1, ge=0, le=65535, description="NFQUEUE number; workers take this one and the following ones"
    )
    workers: int = Field(
        default=1, ge=1, le=15, description="worker processes, a queue each; as many numbers again serve reloads"
    )
    hooks: Annotated[list[HookName], BeforeValidator(_no_repeats)] = Field(
        default=["INPUT", "OUTPUT"],
        min_length=1,
        description="hooks whose packets are queued; without this key FORWARD alone when it is the only hook with a "
        "chain, else INPUT and OUTPUT, and FORWARD when it has one",
    )
    loopback: bool = Field(default=False, description="queue the traffic of lo as well")
    offload: bool = Field(default=True, description="the kernel carries verdicts that can no longer change (connmark)")
    length: int = Field(default=4096, ge=1, le=1_048_576, description="packets that may wait in the kernel's queue")
    socket_buffer: int = Field(
        default=4_194_304, ge=65_536, le=1 << 30, description="receive buffer of the queue's socket, bytes"
    )
    range: int = Field(
        default=3584, ge=128, le=65_535, description="bytes of each packet that are copied from the kernel"
    )
    batch: int = Field(
        default=64, ge=1, le=1024, description="verdicts that go to the kernel together at most; 1: each by itself"
    )
    skip_bare_acks: Literal["auto", False] = Field(
        default="auto",
        description="TCP segments without content are not queued in the first packets of a connection, where no rule "
        "and no plugin asks for them (`pywall check` says whether)",
    )
    gso: bool = Field(
        default=False, description="take packets as the network card segments them (up to 64 KiB) in one piece"
    )
    deal: Literal["connection", "host"] = Field(
        default="connection",
        description="what stays with one of several workers: a connection, or all of a pair of hosts",
    )
    mark_mask: int | None = Field(
        default=None,
        ge=1,
        le=0xFFFFFFFF,
        description="bits of packet mark and connmark that are PyWall's, 15 or more; "
        "without it 0x01ffff00, or other ones where somebody else uses these",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.number + self.workers > 65536:
            raise ValueError(f"queue numbers {self.number} to {self.number + self.workers - 1} go beyond 65535")
        return self
