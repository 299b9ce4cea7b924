"""The configuration as models: every key, its values, its default, what it is for.

Large sections have modules of their own, ``*_section.py``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ..model.packet import FORWARD, HOOK_NAMES
from ..model.policy_file import named_in
from ..model.verdict import Action
from .aliases import ACTION_ALIASES
from .document import Document
from .errors import ConfigError, Path, Problem, explain, nearest, quoted_numbers, shown
from .failure_section import Failure
from .queue_section import Queue
from .section import Section
from .set_section import SetSections

ActionName = Literal["ACCEPT", "DROP", "REJECT"]
ModelT = TypeVar("ModelT", bound=BaseModel)


class Detection(Section):
    """How much of a flow detectors may see, for each direction."""

    bytes: int = Field(default=16_384, ge=64, le=1 << 20, description="bytes of payload")
    packets: int = Field(default=32, ge=1, le=4096, description="packets with payload")
    all: bool | None = Field(
        default=None,
        description="keep inspecting after the verdict is final, so that flows are named (null: in replay, not live)",
    )
    tunnels: bool = Field(
        default=False,
        description="look inside IPIP, 6in4, GRE, EtherIP, VXLAN, Geneve and Teredo: rules see packets inside too",
    )


class PluginEntry(Section):
    """One entry of ``plugins``: a name, or a mapping of one name to its options. One that is wrong has no name."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_yaml(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"name": data}
        if isinstance(data, dict) and len(data) == 1:
            ((name, options),) = data.items()
            if options is None or isinstance(options, dict):
                return {"name": name, "options": options or {}}
            raise ValueError(f"the options of {name!r} are a mapping (key: value)")
        raise ValueError("a plugin is its name, or one name with its options: {stream: {checksum: auto}}")

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {
            "description": "a plugin's entry-point name, or that name with its options",
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": {"type": ["object", "null"]},
                },
            ],
        }


class Default(Section):
    """What is done at the end of a chain, and at a queued hook without one: one action, or one a hook (hooks that are
    not named: ACCEPT)."""

    INPUT: ActionName = Field(default="ACCEPT", description="packets to this host")
    OUTPUT: ActionName = Field(default="ACCEPT", description="packets from this host")
    FORWARD: ActionName = Field(default="ACCEPT", description="packets that pass through")

    @model_validator(mode="before")
    @classmethod
    def _from_yaml(cls, data: Any) -> Any:
        if data is None or isinstance(data, dict):
            return data
        if data in ("ACCEPT", "DROP", "REJECT"):
            return dict.fromkeys(HOOK_NAMES.values(), data)
        hint = nearest(data, ("ACCEPT", "DROP", "REJECT"), ACTION_ALIASES)
        raise ValueError(
            f"{shown(data)} is not an action{hint} (allowed: ACCEPT, DROP, REJECT, or one a hook: {{INPUT: DROP}})"
        )

    def action(self, hook: int) -> Action:
        """Return the action for a netfilter hook number."""
        return Action[getattr(self, HOOK_NAMES.get(hook, "INPUT"))]

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        action = {"enum": ["ACCEPT", "DROP", "REJECT"]}
        hooks = dict.fromkeys(sorted(HOOK_NAMES.values()), action)
        return {"anyOf": [action, {"type": "object", "properties": hooks, "additionalProperties": False}]}


class Table(Section):
    """The flow table."""

    flows: int = Field(default=131_072, ge=16, le=16_777_216, description="entries at most")


class PacketFiles(Section):
    """A bounded ring of pcapng files: packets that were dropped or raised an alert, each with its reason."""

    file: str = Field(description="the newest file; older ones are FILE.1, FILE.2 ...")
    megabytes: int = Field(default=16, ge=1, le=100_000, description="size of one file, in millions of bytes")
    files: int = Field(default=4, ge=1, le=1000, description="files that are kept")

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: object) -> object:
        return {"file": value} if isinstance(value, str) else value


class Events(Section):
    """Where EVE JSON events go."""

    file: str | None = Field(default=None, description="file that events are appended to")
    stdout: bool = Field(default=False, description="write events to standard output")
    syslog: bool = Field(default=False, description="hand events to the local syslog")
    socket: str | None = Field(default=None, description="unix stream socket that events are sent to")
    pcap: PacketFiles | None = Field(
        default=None, description="pcapng files of packets that were dropped or raised an alert, the oldest go"
    )
    types: list[str] | None = Field(default=None, description="event types that are written; null: all")
    stats: int = Field(
        default=60, ge=0, le=86_400, description="seconds between two `stats` events of a running firewall; 0: none"
    )


class Run(Section):
    """The processes."""

    user: str | None = Field(default=None, description="user that workers run as")


def _plugin_list(plugins: object) -> object:
    if isinstance(plugins, str):
        if plugins.startswith("-"):
            raise ValueError("a blank must follow the dash that begins an entry: write '- '")
        raise ValueError(f"{plugins!r} is not a list: write [{', '.join(plugins.replace(',', ' ').split())}]")
    if isinstance(plugins, dict):
        raise ValueError("a mapping is not a list: begin each plugin with '- ', as '- rules'")
    return plugins


def _whole(version: object) -> object:
    if isinstance(version, (bool, float)):
        raise ValueError(f"{shown(version)} is not allowed: write 1")
    return version


def _chain_names(chains: object) -> object:
    if isinstance(chains, dict):
        for name in chains:
            if name in Action.__members__:
                raise ValueError(f"{name} is an action and cannot name a chain")
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", str(name)):
                raise ValueError(f"{name!r} is not a chain name (letters, digits, '_', '-', '.', at most 64)")
        return {name: [] if rules is None else rules for name, rules in chains.items()}
    return chains


class Config(Section):
    """A whole configuration. Made by :func:`pywall_core.config.load`, or from plain data by ``Config(...)``."""

    version: Annotated[Literal[1], BeforeValidator(_whole)] = Field(default=1, description="version of this format")
    queue: Queue = Queue()
    failure: Failure = Failure()
    detection: Detection = Detection()
    plugins: Annotated[list[PluginEntry], BeforeValidator(_plugin_list)] = Field(
        default=[], description="the plugins that are called, in this order"
    )
    sets: SetSections = Field(
        default={}, description="named sets of addresses, ports, names or strings, which rules ask for by @name"
    )
    chains: Annotated[dict[str, list[Any]], BeforeValidator(_chain_names)] = Field(
        default={}, description="what is done: lists of rules by chain name, first match decides"
    )
    default: Default = Field(default=Default(), description="what is done at the end of a chain")
    mode: Literal["enforce", "observe"] = Field(
        default="enforce", description="observe: verdicts are reported, traffic passes"
    )
    table: Table = Table()
    events: Events = Events()
    run: Run = Run()

    _document: Document = PrivateAttr(default_factory=lambda: Document(""))

    @model_validator(mode="before")
    @classmethod
    def _queue_forward(cls, data: Any) -> Any:
        chains = data.get("chains") if isinstance(data, dict) else None
        if not isinstance(chains, dict) or HOOK_NAMES[FORWARD] not in chains:
            return data
        queue = data.get("queue", {})
        if not isinstance(queue, dict) or "hooks" in queue:
            return data
        alone = HOOK_NAMES.keys() - {FORWARD}
        others = [HOOK_NAMES[hook] for hook in sorted(alone) if HOOK_NAMES[hook] in chains]
        hooks = ["INPUT", "OUTPUT", "FORWARD"] if others else ["FORWARD"]
        return {**data, "queue": {**queue, "hooks": hooks}}

    def effective_default(self) -> Default:
        """Return the default of each hook: that of the file, ACCEPT where packets are not queued."""
        unqueued = {name: "ACCEPT" for name in HOOK_NAMES.values() if name not in self.queue.hooks}
        return self.default.model_copy(update=unqueued)

    @property
    def source(self) -> str:
        """The file that this was read from, as given; empty for plain data."""
        return self._document.file

    @property
    def warnings(self) -> list[str]:
        """What is allowed but probably not meant, a line each."""
        return [str(problem) for problem in self._document.warnings]

    @property
    def suspicious(self) -> list[Problem]:
        """The warnings with their places and excerpts."""
        return self._document.warnings

    @property
    def problems(self) -> list[Problem]:
        """What was found to be wrong so far."""
        return self._document.problems

    def error(self, path: Path, message: str, *, key: bool = False) -> None:
        """Note an error at the value at ``path`` (``key=True``: at its key). :meth:`check` raises what was noted."""
        self._document.error(path, message, key=key)

    def warn(self, path: Path, code: str, message: str, *, key: bool = False) -> None:
        """Note what is allowed but probably not meant: see docs/reference/warnings.md for the codes."""
        self._document.warn(path, code, message, key=key)

    def check(self) -> None:
        """:raises ConfigError: with all errors noted so far."""
        if self._document.problems:
            raise ConfigError(self._document.problems)

    def validate_part(self, model: type[ModelT], data: Any, path: Path, *, also: Collection[str] = ()) -> ModelT | None:
        """``data``, found at ``path``, as ``model``; None when it does not fit, its errors are then noted.

        ``also``: keys that are allowed in addition to the model's, for what is said of an unknown one.
        """
        try:
            with named_in(self._document.file_of(path)):
                made = model.model_validate(data)
            for key, message in (quoted := list(quoted_numbers(data, made))):
                self.error((*path, key), message)
            return None if quoted else made
        except ValidationError as error:
            for inner, message in explain(error, model, data, also):
                self.error((*path, *inner), message, key="unknown key" in message)
            return None

    @property
    def given(self) -> frozenset[str]:
        """Top-level keys of the file."""
        return frozenset(data) if isinstance(data := self._document.data, dict) else frozenset()

    def is_lost(self, section: str) -> bool:
        """Return whether the line that begins a section could not be read."""
        return self._document.is_lost(section)

    def at(self, path: Path) -> Any:
        """Return the value at ``path`` as it is written in the file. :raises LookupError: there is none"""
        data = self._document.data
        for step in path:
            data = data[step]
        return data

    def place(self, path: Path) -> str:
        """``file:line`` of a value, or empty when it did not come from a file."""
        mark = self._document.marks.get(path)
        return f"{mark.file or self._document.file}:{mark.line}" if mark else ""
