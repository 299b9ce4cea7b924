"""Cases: a folder with captures, a configuration, and what is expected of the events.

A case has ``expect.yaml``, one or more captures, and ``pywall.yaml`` (without it the embedded default policy is used).
Each capture is replayed by itself; the filters look at the events of all of them, in order::

    description: SSH is detected on any port, and dropped
    replay: {local: [198.51.100.0/24]}        # or {hook: FORWARD}
    expect:
      - {match: {event_type: flow, app_proto: ssh, verdict.action: drop}, count: 2}
      - {match: {event_type: ssh, ssh.client.software_version: {glob: "OpenSSH_*"}}}
      - {absent: {event_type: anomaly}}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ..config import ConfigError
from ..config.document import Document
from ..config.errors import explain
from ..config.yaml_reader import parse
from ..model.packet import HOOK_NAMES
from .replay import Hooks, captures, replay

Event = dict[str, Any]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Count(_Section):
    """How many events; ``{min: 1}`` or ``{max: 3}`` or both."""

    min: int = Field(default=0, ge=0, description="at least so many")
    max: int | None = Field(default=None, ge=0, description="at most so many")


class Test(_Section):
    """What one field is held to, when it is not a plain value."""

    __test__ = False

    glob: str | None = Field(default=None, description="a text that this pattern matches (* ? [...])")
    one_of: list[Any] | None = Field(default=None, alias="in", description="one of these values")
    exists: bool | None = Field(default=None, description="whether the event has the field")
    contains: Any = Field(default=None, description="a list or text that holds this")

    def holds(self, found: bool, value: Any) -> bool:
        """Return True if the field was found with this value, or was not found."""
        if self.exists is not None and found is not self.exists:
            return False
        if self.glob is not None and not (isinstance(value, str) and fnmatchcase(value, self.glob)):
            return False
        if self.one_of is not None and value not in self.one_of:
            return False
        return self.contains is None or (isinstance(value, list | str) and self.contains in value)


class Filter(_Section):
    """``match`` with ``count`` (at least one, unless given), or ``absent``: fields by dotted name."""

    match: dict[str, Any] | None = Field(default=None, description="fields of the events that are expected")
    count: int | Count = Field(default=Count(min=1), description="how many match: a number, or {min: 1, max: 3}")
    absent: dict[str, Any] | None = Field(default=None, description="fields that no event may have together")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.match is None) is (self.absent is None):
            raise ValueError("a filter has either 'match' or 'absent'")
        if self.absent is not None and "count" in self.model_fields_set:
            raise ValueError("'count' goes with 'match'")
        return self

    @field_validator("match", "absent")
    @classmethod
    def _tests(cls, fields: dict[str, Any] | None) -> dict[str, Any] | None:
        if fields is None:
            return None
        return {
            name: Test.model_validate(value) if isinstance(value, dict) else value for name, value in fields.items()
        }

    def problem(self, events: list[Event]) -> str | None:
        """Return what is wrong with these events, or None."""
        fields = self.match if self.match is not None else self.absent or {}
        n = sum(_matches(event, fields) for event in events)
        if self.absent is not None:
            return f"{n} events match what should be absent: {_text(fields)}" if n else None
        wanted = self.count if isinstance(self.count, Count) else Count(min=self.count, max=self.count)
        if n >= wanted.min and (wanted.max is None or n <= wanted.max):
            return None
        number = str(wanted.min) if wanted.min == wanted.max else f"{wanted.min} to {wanted.max}"
        number = f"at least {wanted.min}" if wanted.max is None else number
        return (
            f"{n} events match, expected {number}: {_text(fields)}{_nearest(events, fields) if n < wanted.min else ''}"
        )


class ReplayOptions(_Section):
    """As the options of ``pywall replay``."""

    local: list[str] = Field(default=[], description="networks that are our side")
    hook: Literal["INPUT", "OUTPUT", "FORWARD"] | None = Field(default=None, description="all packets by this hook")

    @field_validator("local")
    @classmethod
    def _networks(cls, networks: list[str]) -> list[str]:
        for network in networks:
            ip_network(network, strict=False)
        return networks


class Expectation(_Section):
    """``expect.yaml``."""

    description: str = Field(default="", description="what the case shows")
    replay: ReplayOptions = ReplayOptions()
    expect: list[Filter] = Field(min_length=1, description="filters on the events")


@dataclass(slots=True)
class Result:
    """How one case went. ``problems`` are lines with the place in ``expect.yaml``; none: it passed."""

    name: str
    description: str = ""
    checks: int = 0
    problems: list[str] = field(default_factory=list)


def cases(folder: Path) -> list[Path]:
    """Return all case folders at or below ``folder``, in order of their names."""
    return sorted(path.parent for path in folder.rglob("expect.yaml"))


def verify(folder: Path) -> Result:
    """Run one case.

    :raises ConfigError: ``expect.yaml`` or ``pywall.yaml`` is wrong
    :raises PluginError: a plugin cannot be loaded
    """
    document, expectation = _expectation(folder / "expect.yaml")
    result = Result(str(folder), expectation.description, len(expectation.expect))
    files = captures([str(folder)])
    if not files:
        result.problems.append(f"{folder}: no capture")
    events = list(_events(folder, files, expectation.replay, result))
    for position, wanted in enumerate(expectation.expect):
        problem = wanted.problem(events)
        if problem is not None:
            result.problems.append(str(document.problem(("expect", position), problem)))
    return result


def _events(folder: Path, files: list[str], options: ReplayOptions, result: Result) -> Iterator[Event]:
    from ..config import load
    from ..engine.engine import Engine
    from ..plugins.loader import load as load_plugins

    policy = folder / "pywall.yaml"
    config = load(str(policy) if policy.exists() else None, strict=False)
    plugins = load_plugins(config)
    fixed = {name: number for number, name in HOOK_NAMES.items()}.get(options.hook or "")
    for file in files:
        found: list[Event] = []
        engine = Engine(config, plugins, live=False, sink=found.append, pcap_filename=Path(file).name)
        hooks = Hooks([ip_network(network, strict=False) for network in options.local], fixed)
        summary = replay(engine, file, hooks)
        if summary.error is not None:
            result.problems.append(summary.error)
        yield from found


def _expectation(path: Path) -> tuple[Document, Expectation]:
    document = parse(path.read_bytes(), str(path))
    if document.problems:
        raise ConfigError(document.problems)
    try:
        return document, Expectation.model_validate(document.data)
    except ValidationError as error:
        for place, message in explain(error, Expectation):
            document.error(place, message)
        raise ConfigError(document.problems) from None


def _field(event: Event, name: str) -> tuple[bool, Any]:
    """Return a field by its dotted name; a number picks from a list. Names that hold dots themselves are found too."""
    at: Any = event
    steps = name.split(".")
    while steps:
        if isinstance(at, list) and steps[0].isdigit() and int(steps[0]) < len(at):
            at = at[int(steps.pop(0))]
            continue
        if not isinstance(at, dict):
            return False, None
        for size in range(len(steps), 0, -1):
            key = ".".join(steps[:size])
            if key in at:
                at = at[key]
                del steps[:size]
                break
        else:
            return False, None
    return True, at


def _holds(event: Event, name: str, wanted: Any) -> bool:
    found, value = _field(event, name)
    if isinstance(wanted, Test):
        return wanted.holds(found, value)
    return found and type(value) is type(wanted) and bool(value == wanted)


def _matches(event: Event, fields: dict[str, Any]) -> bool:
    return all(_holds(event, name, wanted) for name, wanted in fields.items())


def _nearest(events: list[Event], fields: dict[str, Any]) -> str:
    """Return the event that fails in the fewest fields, and in which."""
    wrong = [[name for name, wanted in fields.items() if not _holds(event, name, wanted)] for event in events]
    named = [(len(names), i) for i, names in enumerate(wrong) if "event_type" not in names]
    if not named:
        return "; there is no such event_type"
    _, i = min(named)
    differing = ", ".join(f"{name} is {_field(events[i], name)[1]!r}" for name in wrong[i])
    return f"; the nearest: {differing}" if differing else ""


def _text(fields: dict[str, Any]) -> str:
    parts = []
    for name, wanted in fields.items():
        shown = wanted.model_dump(exclude_none=True, by_alias=True) if isinstance(wanted, Test) else wanted
        parts.append(f"{name}: {shown}")
    return "{" + ", ".join(parts) + "}"
