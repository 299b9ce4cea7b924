"""``fact``: any fact that detectors and classifiers learnt about the flow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator, model_validator

from pywall_core.api import NO, PENDING, YES, Answer, Flow, Matcher, Packet, PolicyFile, RuleIndex, RuleKind, SetType

from .comparisons import comparison_form
from .domain import name_and_above
from .globs import any_glob
from .linear import linear, literals_in
from .lists import FileColumn, lines_of, one_or_more, text
from .one_or_many import OneOrMany

if TYPE_CHECKING:
    from pywall_core.api import Host, Surroundings

Value = str | int | float | bool


def _values(value: Any) -> tuple[Value, ...] | str | FileColumn:
    if isinstance(value, str) and value.startswith("@"):
        return value
    if isinstance(value, (dict, FileColumn)):
        return FileColumn.model_validate(value)
    values = one_or_more(list(value) if isinstance(value, tuple) else value)
    for entry in values:
        if not isinstance(entry, (str, int, float)):
            raise ValueError(f"{entry!r} is neither text nor a number nor true or false")
    return tuple(values)


def _globs(value: Any) -> tuple[str, ...]:
    return tuple(text(entry) for entry in one_or_more(list(value) if isinstance(value, tuple) else value))


_TEXTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
_ONE = {"type": ["string", "number", "boolean"]}
_LISTED = FileColumn.model_json_schema()


class Fact(RuleKind):
    """Matches by one fact of the flow, such as ``tls.sni`` or ``ssh.client.software_version``. A fact that is a list
    matches when one of its values does. Exactly one question is given; ``least`` and ``most`` may go together."""

    kind: ClassVar[str] = "fact"
    scope: ClassVar = "flow"

    name: str = Field(description="the fact's dotted name", min_length=1, json_schema_extra={"x-pywall": "fact"})
    equals: Annotated[Value | None, WithJsonSchema(_ONE)] = Field(
        default=None, alias="is", description="the value, exactly"
    )
    among: Annotated[
        tuple[Value, ...] | str | FileColumn | None,
        BeforeValidator(_values),
        WithJsonSchema({"anyOf": [{"type": "array", "items": _ONE}, {"type": "string", "pattern": "^@"}, _LISTED]}),
    ] = Field(
        default=None,
        alias="in",
        description="a list of values, one of which it is, @NAME for a named set, or {file: FILE, column: number or "
        "name} for a column of a file; digests there are written with colons or without, in upper or lower case",
    )
    glob: Annotated[tuple[str, ...] | None, BeforeValidator(_globs), WithJsonSchema(_TEXTS)] = Field(
        default=None, description='patterns for the whole value, upper and lower case alike: "*.example", or a list'
    )
    file: PolicyFile | None = Field(default=None, description="a file of values, one a line, # begins a comment")
    suffix: OneOrMany[str] | None = Field(
        default=None,
        description="a name or a list: the value is it or below it, www.example.com for example.com",
    )
    contains: OneOrMany[str] | None = Field(default=None, description="a text within it, upper and lower case alike")
    regex: str | None = Field(default=None, description="a regular expression found in it, in linear time")
    least: float | None = Field(default=None, description="a number: the value is this or more")
    most: float | None = Field(default=None, description="a number: the value is this or less")
    same_as: str | None = Field(
        default=None,
        min_length=1,
        description="another fact's name: both have the same value, upper and lower case alike",
        json_schema_extra={"x-pywall": "fact"},
    )
    exists: bool | None = Field(default=None, description="true: the flow has the fact; false: it has not")

    @field_validator("equals", mode="before")
    @classmethod
    def _is_one(cls, value: object) -> object:
        if isinstance(value, (list, tuple)):
            raise ValueError(f"several values: write in: [{', '.join(map(str, value))}]")
        return value

    @field_validator("equals", "among")
    @classmethod
    def _is_no_comparison(cls, value: Any, info: ValidationInfo) -> Any:
        for entry in value if isinstance(value, tuple) else (value,):
            if form := comparison_form(info.data.get("name", "..."), entry):
                raise ValueError(f"{entry!r} is compared as a text, exactly: write {form}")
        return value

    @field_validator("suffix")
    @classmethod
    def _is_bare(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in names or ():
            if "*" in name:
                raise ValueError(f"{name!r}: a suffix has no *, write {name.removeprefix('*').lstrip('.') or 'org'}")
        return names

    @field_validator("regex")
    @classmethod
    def _is_linear(cls, regex: str | None) -> str | None:
        if regex is not None:
            linear(regex)
        return regex

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        questions = (self.equals, self.among, self.glob, self.file, self.exists, self.suffix, self.contains, self.regex)
        ranged = self.least is not None or self.most is not None
        given = sum(question is not None for question in (*questions, self.same_as)) + ranged
        if given != 1:
            raise ValueError(f"exactly one of {', '.join(_QUESTIONS)} is given")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"no number is at least {self.least:g} and at most {self.most:g}")
        if self.file is not None or isinstance(self.among, FileColumn):
            self._test()
        return self

    def lint(self, given: Mapping[str, Any], surroundings: Surroundings) -> Iterator[tuple[str, str, str]]:
        for key, entries in (("is", (self.equals,)), ("in", self.among)):
            for entry in entries if isinstance(entries, tuple) else ():
                if isinstance(entry, str) and entry.isdecimal():
                    yield key, "W034", f"{entry!r} in quotes is a text and equals no number: write {entry} for a number"

    def asks(self) -> tuple[str, ...]:
        other = () if self.same_as is None else (self.same_as,)
        return other if self.name.removeprefix("flow.") in _AT_START else (self.name, *other)

    def sets(self) -> tuple[tuple[str, tuple[SetType, ...]], ...]:
        return ((self.among[1:], ("names", "strings")),) if isinstance(self.among, str) else ()

    def index(self, host: Host) -> RuleIndex | None:
        if self.name.removeprefix("flow.") in _AT_START or self.same_as is not None:
            return None
        name, state = self.name, host.fact_state
        question, keys_of = self._question()

        def look(packet: Packet, flow: Flow) -> list[Any] | None:
            if state(flow, name) is PENDING:
                return None
            value = _known(flow, name)
            if question == "exists":
                return [value is not None]
            values = value if isinstance(value, _SEVERAL) else () if value is None else (value,)
            return [key for entry in values for key in keys_of(entry)]

        sets = tuple(host.sets[one] for one, _ in self.sets())
        return RuleIndex(("fact", name, question), look, *self._wanted(question), sets)

    def _question(self) -> tuple[str, Callable[[Any], Iterable[Any]]]:
        """Return what is asked, and what is looked up of a value for it."""
        if self.equals is not None or isinstance(self.among, tuple):
            return "is", lambda value: (_typed(value),) if isinstance(value, (str, int, float)) else ()
        if self.suffix is not None:
            return "suffix", lambda value: name_and_above(str(value))
        if self.exists is not None:
            return "exists", lambda value: ()
        if self.least is not None or self.most is not None:
            return "number", lambda value: (value,) if isinstance(value, (int, float)) else ()
        if isinstance(self.among, FileColumn):
            return "column", lambda value: (_plain(str(value)),)
        return ("set" if isinstance(self.among, str) else "file" if self.file is not None else "text"), _as_text

    def _wanted(self, question: str) -> tuple[tuple[Any, ...], tuple[tuple[Any, Any], ...], tuple[str, ...]]:
        """Return the keys, ranges and literals of the rule's index."""
        if question == "is":
            among = self.among if isinstance(self.among, tuple) else (self.equals,)
            return tuple(_typed(entry) for entry in among), (), ()
        if question == "suffix":
            return tuple(entry.strip(".").lower() for entry in self.suffix or ()), (), ()
        if question == "exists":
            return (self.exists,), (), ()
        if question == "number":
            low = float("-inf") if self.least is None else self.least
            high = float("inf") if self.most is None else self.most
            return (), ((low, high),) if low <= high else (), ()
        if question == "file":
            return tuple(entry for _, entry in lines_of(self.file or "")), (), ()
        if isinstance(self.among, FileColumn):
            return tuple(_plain(entry) for entry in self.among.values()), (), ()
        if self.regex is not None:
            return (), (), literals_in(self.regex)
        return (), (), self.contains or tuple(map(RuleIndex.literal_in_glob, self.glob or ()))

    def compile(self, host: Host) -> Matcher:
        name = self.name
        attribute = name.removeprefix("flow.")
        state = host.fact_state
        wanted = self._test(host)
        absent = YES if self.exists is False else NO
        other = self.same_as

        def match(packet: Packet, flow: Flow) -> Answer:
            if attribute in _AT_START:
                value = getattr(flow, attribute)
            elif state(flow, name) is PENDING:
                return PENDING
            else:
                value = _known(flow, name)
            if value is None:
                return absent
            if other is not None:
                if state(flow, other) is PENDING:
                    return PENDING
                return YES if _same(value, flow.facts.get(other)) else NO
            if isinstance(value, _SEVERAL):
                return YES if any(wanted(entry) for entry in value) else NO
            return YES if wanted(value) else NO

        return match

    def _test(self, host: Host | None = None) -> Callable[[Any], object]:
        """Return what is asked of a value that is there."""
        if self.exists is not None:
            return lambda value: self.exists
        if self.glob is not None:
            matches = any_glob(self.glob, ignore_case=True)
            return lambda value: matches(str(value))
        if self.suffix is not None:
            names = tuple(name.strip(".").lower() for name in self.suffix)
            below = tuple(f".{name}" for name in names)
            return lambda value: (domain := str(value).lower().rstrip(".")) in names or domain.endswith(below)
        if self.contains is not None:
            parts = tuple(part.lower() for part in self.contains)
            return lambda value: any(part in str(value).lower() for part in parts)
        if self.regex is not None:
            search = linear(self.regex)
            return lambda value: search(str(value)[:MAX_SEARCHED])
        if self.least is not None or self.most is not None:
            low = float("-inf") if self.least is None else self.least
            high = float("inf") if self.most is None else self.most
            return lambda value: isinstance(value, (int, float)) and low <= value <= high
        if self.file is not None:
            listed = frozenset(entry for _, entry in lines_of(self.file))
            return lambda value: str(value) in listed
        if isinstance(self.among, str):
            assert host is not None
            return host.sets[self.among[1:]].__contains__
        if isinstance(self.among, FileColumn):
            entries = frozenset(_plain(entry) for entry in self.among.values())
            return lambda value: _plain(str(value)) in entries
        among = self.among if self.among is not None else (self.equals,)
        exact = frozenset(_typed(value) for value in among)
        return lambda value: _typed(value) in exact if isinstance(value, (str, int, float)) else False


def _known(flow: Flow, name: str) -> Any:
    return (getattr(flow, name) or None) if name in _ATTRIBUTES else flow.facts.get(name)


def _as_text(value: object) -> tuple[str]:
    return (str(value),)


def _plain(value: str) -> str:
    """Return a text as it is compared with those of a file: digests in lower case and without colons."""
    bare = value.replace(":", "").lower()
    return bare if len(bare) in _DIGESTS and not bare.strip(_HEX) else value


def _typed(value: object) -> tuple[type, object]:
    """Return what makes ``1``, ``1.0`` and ``True`` three values."""
    return type(value), value


def _same(one: object, two: object) -> bool:
    if isinstance(one, str) and isinstance(two, str):
        return one.lower() == two.lower()
    return two is not None and one == two


_QUESTIONS = (
    "'is'", "'in'", "'glob'", "'file'", "'suffix'", "'contains'", "'regex'", "'least' or 'most'", "'same_as'",
    "'exists'",
)  # fmt: skip
_SEVERAL = (list, tuple, set, frozenset)
#: hexadecimal digits of MD5, SHA-1, SHA-256, SHA-384 and SHA-512
_DIGESTS = frozenset({32, 40, 64, 96, 128})
_HEX = "0123456789abcdef"
#: characters of a value that a regular expression is tried on
MAX_SEARCHED = 4096
#: facts that the core keeps as attributes of the flow
_ATTRIBUTES = frozenset({"app_proto", "app_proto_orig", "app_proto_outer"})
#: attributes of the flow that are known from its first packet on; written ``flow.expected`` or without the prefix
_AT_START = frozenset({"expected", "older"})
