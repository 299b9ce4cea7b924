"""``iface``: network interfaces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from pydantic import Field, field_validator, model_validator

from pywall_core.api import NO, YES, Answer, Flow, Matcher, Packet, RuleIndex, RuleKind

from .globs import any_glob
from .one_or_many import OneOrMany, Word

if TYPE_CHECKING:
    from pywall_core.api import Host, Surroundings


#: characters of a device's name at most (IFNAMSIZ of linux/if.h, without the closing zero)
_LONGEST: Final = 15


class Iface(RuleKind):
    """Matches by the interfaces that the packet came in by and leaves by. An interface that the packet does not have
    (``out`` at INPUT, ``in`` at OUTPUT, both in a replayed capture) never matches."""

    kind: ClassVar[str] = "iface"
    needs_interfaces: ClassVar[bool] = True

    indev: OneOrMany[Word] | None = Field(
        default=None, alias="in", description='incoming: a name or pattern ("eth*"), or a list'
    )
    outdev: OneOrMany[Word] | None = Field(
        default=None, alias="out", description="outgoing: a name or pattern, or a list"
    )

    @field_validator("indev", "outdev")
    @classmethod
    def _are_devices(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in names or ():
            if form := _right_form(name):
                raise ValueError(f"{name!r} is not the name of a device: {form}")
        return names

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.indev is None and self.outdev is None:
            raise ValueError("'in' or 'out' is missing: write in: eth0")
        return self

    def covers(self, other: RuleKind) -> bool:
        return isinstance(other, Iface) and all(
            mine is None or (theirs is not None and set(mine) >= set(theirs))
            for mine, theirs in ((self.indev, other.indev), (self.outdev, other.outdev))
        )

    def lint(self, given: Mapping[str, Any], surroundings: Surroundings) -> Iterator[tuple[str, str, str]]:
        for parameter, names, hook in (("in", self.indev, "OUTPUT"), ("out", self.outdev, "INPUT")):
            if names is not None and surroundings.hooks == {hook}:
                way = "comes in by" if parameter == "in" else "leaves by"
                yield parameter, "W035", f"never matches: no packet of {hook} {way} a device; the other key is meant?"
        there = surroundings.interfaces
        for parameter, names in (("in", self.indev), ("out", self.outdev)):
            for name in names or ():
                if there is not None and not any(map(any_glob([name]), there)):
                    known = ", ".join(sorted(there))
                    yield parameter, "W011", f"no interface here is called {name!r} (there are: {known})"

    def index(self, host: Host) -> tuple[RuleIndex, ...]:
        return tuple(
            RuleIndex(("iface", way), look, literals=tuple(map(RuleIndex.literal_in_glob, names)))
            for way, look, names in (("in", _look_in, self.indev), ("out", _look_out, self.outdev))
            if names is not None
        )

    def compile(self, host: Host) -> Matcher:
        comes_in = None if self.indev is None else lru_cache(256)(any_glob(self.indev))
        goes_out = None if self.outdev is None else lru_cache(256)(any_glob(self.outdev))

        def match(packet: Packet, flow: Flow) -> Answer:
            if comes_in is not None and not (packet.indev and comes_in(packet.indev)):
                return NO
            if goes_out is not None and not (packet.outdev and goes_out(packet.outdev)):
                return NO
            return YES

        return match


def _right_form(name: str) -> str:
    """Return what is written instead of a name that no device can have; nothing for others."""
    bare = re.sub(r"^(?:!\s*|not\s+)", "", name)
    if bare != name:
        return f"for all but this, write {{not: {{rule: iface, in: {bare}}}}}"
    if name.lower() in ("any", "all"):
        return "for any device, leave the rule out"
    if re.search(r"[,;|\s]", name):
        return f"write a list, [{', '.join(re.split(r'[,;|' + chr(92) + 's]+', name))}]"
    alias = re.fullmatch(r"(\w+):\w+", name)
    if alias:
        return f"an alias is an address of the device, write {alias[1]}"
    if name.endswith("+"):
        return f"a pattern ends with *, write '{name[:-1]}*'"
    return "it has at most 15 characters, and no '/'" if len(name) > _LONGEST or "/" in name or not name else ""


def _look_in(packet: Packet, flow: Flow) -> tuple[str, ...]:
    return (packet.indev,) if packet.indev else ()


def _look_out(packet: Packet, flow: Flow) -> tuple[str, ...]:
    return (packet.outdev,) if packet.outdev else ()
