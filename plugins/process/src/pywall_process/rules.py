"""The rule kinds ``process``, ``user`` and ``cgroup``: whose connection it is, at this host's end."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from pywall_core.api import NO, PENDING, YES, Answer, Flow, Matcher, Packet, RuleIndex, RuleKind, Surroundings

from .globs import any_glob

if TYPE_CHECKING:
    from pywall_core.api import Host

_TEXTS: Final = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
_USERS: Final = {
    "anyOf": [
        {"type": ["string", "integer"]},
        {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1},
    ]
}
_RANGE: Final = re.compile(r"(\d+)-(\d+)$")
_WILD: Final = re.compile(r"[*?\[]")
_LAST_UID: Final = 2**32 - 2


def _texts(value: Any) -> tuple[str, ...]:
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    if not values or not all(isinstance(each, str) and each for each in values):
        raise ValueError("a text or a list of texts is needed")
    return tuple(values)


def _users(value: Any) -> tuple[str, ...]:
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    if not values:
        raise ValueError("a user's name or number is needed, or a list")
    return tuple(_user(each) for each in values)


def _user(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise ValueError(f"{value!r} is no user: write a name (www-data), a number (33), or a range (1000-59999)")
    numbers = _RANGE.match(str(value))
    first, last = numbers.groups() if numbers else (str(value),) * 2
    if first.isdigit() and not 0 <= int(first) <= int(last) <= _LAST_UID:
        raise ValueError(
            f"{value!r} is no range of user ids: the first is the smaller one, the last at most {_LAST_UID}"
        )
    return str(value)


Globs = Annotated[tuple[str, ...], BeforeValidator(_texts), WithJsonSchema(_TEXTS)]
Users = Annotated[tuple[str, ...], BeforeValidator(_users), WithJsonSchema(_USERS)]


def _full(path: str) -> str:
    return f"/{path}" if "/" in path else f"/usr/bin/{path}"


class _Owned(RuleKind):
    """Base of kinds whose parameters are patterns for facts of the process."""

    scope: ClassVar = "flow"

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self._given():
            raise ValueError(f"one of {', '.join(type(self).model_fields)} is needed")
        return self

    def asks(self) -> tuple[str, ...]:
        return tuple(self._given())

    def index(self, host: Host) -> RuleIndex | None:
        given = list(self._given().items())
        if len(given) != 1:  # while one fact is open, another may say NO
            return None
        name, patterns = given[0]
        return RuleIndex(name, _look(host, name, str), literals=tuple(map(RuleIndex.literal_in_glob, patterns)))

    def compile(self, host: Host) -> Matcher:
        wanted = [(name, any_glob(patterns)) for name, patterns in self._given().items()]
        return _all_of(host, wanted)

    def _given(self) -> dict[str, tuple[str, ...]]:
        """Return the patterns by the facts that they are for."""
        given = {f"process.{name}": getattr(self, name) for name in type(self).model_fields}
        return {name: patterns for name, patterns in given.items() if patterns is not None}


class ProcessRule(_Owned):
    """Matches connections of a program of this host: the one that opens a connection, or that listens for it. What is
    given must all hold. Pending for the milliseconds until the process is known; forwarded packets have none. A program
    can lie about ``name`` and ``command``, not about ``path``; whoever may run a program may also use it as a tool."""

    kind: ClassVar[str] = "process"
    examples: ClassVar = ({"path": "/usr/bin/curl"}, {"path": "/opt/*", "parent": ["/usr/bin/bash", "/usr/bin/zsh"]})

    path: Globs | None = Field(
        default=None, description='the program\'s file, a pattern ("/opt/*"), or a list; * takes / as well'
    )
    name: Globs | None = Field(default=None, description="its short name as ps shows it, or a pattern, or a list")
    command: Globs | None = Field(
        default=None, description='pattern for its command line, "*backup.py*", the first 1024 characters; or a list'
    )
    parent: Globs | None = Field(default=None, description="the file of the program that started it, as in path")

    def lint(self, given: Mapping[str, Any], surroundings: Surroundings) -> Iterable[tuple[str, str, str]]:
        for field in ("path", "parent"):
            for pattern in getattr(self, field) or ():
                if not pattern.startswith(("/", "*", "?", "[")):
                    yield field, "W026", f"{pattern!r} is no full path and never matches: write {_full(pattern)}"
                elif surroundings.interfaces is not None and not _WILD.search(pattern) and not os.path.exists(pattern):
                    yield field, "W026", f"{pattern}: there is no such program here"
                elif surroundings.interfaces is not None and os.path.islink(pattern):
                    yield field, "W026", f"{pattern} is a link and never matches: write {os.path.realpath(pattern)}"


class UserRule(RuleKind):
    """Matches connections of a user of this host: who made the socket. Known at the first packet. Servers that begin as
    root and become another user keep the sockets that root has made."""

    kind: ClassVar[str] = "user"
    scope: ClassVar = "flow"
    examples: ClassVar = ({"is": "root"}, {"is": [0, "1000-59999"]})

    users: Users = Field(alias="is", description="a user's name or number, a range of numbers 1000-59999, or a list")

    def asks(self) -> tuple[str, ...]:
        return ("process.uid",)

    def lint(self, given: Mapping[str, Any], surroundings: Surroundings) -> Iterable[tuple[str, str, str]]:
        for user in self.users:
            if surroundings.interfaces is not None and _numbers(user) is None:
                yield "is", "W027", f"there is no user {user!r} here"

    def index(self, host: Host) -> RuleIndex:
        ranges = tuple(numbers for numbers in map(_numbers, self.users) if numbers is not None)
        return RuleIndex("process.uid", _look(host, "process.uid", int), ranges=ranges)

    def compile(self, host: Host) -> Matcher:
        ranges = [numbers for numbers in map(_numbers, self.users) if numbers is not None]
        return _all_of(host, [("process.uid", lambda uid: any(first <= uid <= last for first, last in ranges))])


class CgroupRule(_Owned):
    """Matches connections of a service, a user's service, or a container of this host, by the cgroup (version 2, or
    that of systemd) in which the socket was made; containers with a network of their own are forwarded and have none.
    What is given must all hold. Pending for the milliseconds until it is known."""

    kind: ClassVar[str] = "cgroup"
    examples: ClassVar = ({"unit": "nginx.service"}, {"path": "/user.slice/*"}, {"container": "3f4a*"})

    unit: Globs | None = Field(
        default=None, description="systemd's unit, nginx.service; a pattern (backup@*.service), or a list"
    )
    user_unit: Globs | None = Field(
        default=None, description="unit of a user's own systemd, as app-firefox-*.scope; users choose these names"
    )
    container: Globs | None = Field(default=None, description='id of the container, 64 digits, "3f4a*", or a list')
    cgroup: Globs | None = Field(
        default=None, alias="path", description='path of the cgroup, "/system.slice/*", or a list'
    )


KINDS: Final = (ProcessRule, UserRule, CgroupRule)


def _numbers(user: str) -> tuple[int, int] | None:
    """Return the first and last user id, None for a name that is not known here."""
    numbers = _RANGE.match(user)
    if numbers:
        return int(numbers[1]), int(numbers[2])
    if user.isdigit():
        return int(user), int(user)
    try:
        uid = pwd.getpwnam(user).pw_uid
    except KeyError:
        return None
    return uid, uid


def _look(host: Host, name: str, kind: type) -> Callable[[Packet, Flow], Sequence[Any] | None]:
    """Return the look-up of one fact; of another type it is no key."""
    state = host.fact_state

    def look(packet: Packet, flow: Flow) -> Sequence[Any] | None:
        value = flow.facts.get(name)
        if value is None:
            return None if state(flow, name) is PENDING else ()
        return (value,) if isinstance(value, kind) else ()

    return look


def _all_of(host: Host, wanted: list[tuple[str, Callable[[Any], bool]]]) -> Matcher:
    """Return a matcher that says YES when each fact is there and fits."""
    state = host.fact_state

    def match(packet: Packet, flow: Flow) -> Answer:
        facts = flow.facts
        answer: Answer = YES
        for name, fits in wanted:
            value = facts.get(name)
            if value is None:
                if state(flow, name) is not PENDING:
                    return NO
                answer = PENDING
            elif not _fits(fits, value):
                return NO
        return answer

    return match


def _fits(fits: Callable[[Any], bool], value: object) -> bool:
    """Facts may come from another process of the firewall: of the wrong type they fit nothing."""
    try:
        return fits(value)
    except TypeError:
        return False
