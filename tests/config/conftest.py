"""Rules of small kinds, bound from a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import Field

from pywall_core.config import BoundRule, ConfigError, bind_chains, load
from pywall_core.model.rule_kind import RuleKind


class Size(RuleKind):
    """Needs a number."""

    kind: ClassVar[str] = "size"
    least: int = Field(ge=0, description="bytes")


class Look(RuleKind):
    """Only looks."""

    kind: ClassVar[str] = "look"
    decides: ClassVar[bool] = False


class Name(RuleKind):
    """Asks for a protocol."""

    kind: ClassVar[str] = "name"
    of: list[str] = Field(description="names")

    def protocols(self) -> tuple[str, ...]:
        return tuple(self.of)


class Memory(RuleKind):
    """Remembers hosts, and stands on TCP states."""

    kind: ClassVar[str] = "memory"
    state: ClassVar = "host"
    requires: ClassVar[tuple[str, ...]] = ("tcp-state",)


class Asks(RuleKind):
    """Asks for a fact."""

    kind: ClassVar[str] = "asks"
    fact: str = Field(description="its name")

    def asks(self) -> tuple[str, ...]:
        return (self.fact,)


KINDS: dict[str, type[RuleKind]] = {kind.kind: kind for kind in (Size, Look, Name, Memory, Asks)}


def bind(tmp_path: Path, text: str, **known: Any) -> dict[str, list[BoundRule]]:
    file = tmp_path / "p.yaml"
    file.write_text(text)
    return bind_chains(load(file, strict=False), KINDS, **known)


def refused(tmp_path: Path, text: str, **known: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        bind(tmp_path, text, **known)
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]
