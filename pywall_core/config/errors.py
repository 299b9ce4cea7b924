"""What is wrong with a configuration: collected, placed in the file, and put in words."""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel, BeforeValidator, ValidationError

from .aliases import ACTION_ALIASES, KEY_ALIASES, KEY_FORMS, VALUE_ALIASES
from .section_form import section_form

#: The way to a value: keys and list positions, ``("chains", "INPUT", 2, "dst")``.
Path = tuple[str | int, ...]
#: Names that a message lists at most.
MAX_LISTED: Final = 5
MAX_LISTED_LETTERS: Final = 140


def path_text(path: Path) -> str:
    """``chains.INPUT[2].dst``"""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def shown(value: object) -> str:
    """A value as it goes into a message: quoted as in YAML, printable, at most 60 characters."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def nearest(name: object, known: Iterable[str], aliases: Mapping[str, str | tuple[str, ...]] | None = None) -> str:
    """``"; did you mean 'port'?"``, or nothing where no known name is near. Upper and lower case count as the same.

    ``aliases`` maps lower-case names that people use to the name that they mean, or to several, of which the first
    that is one of ``known`` is meant.
    """
    lower: dict[str, str] = {}
    for entry in known:
        lower.setdefault(entry.lower(), entry)
    wanted = str(name).lower()
    meant = (aliases or {}).get(wanted, ())
    for one in (wanted, *((meant,) if isinstance(meant, str) else meant)):
        if one.lower() in lower:
            return f"; did you mean {lower[one.lower()]!r}?"
    found = difflib.get_close_matches(str(name), list(lower.values()), n=1, cutoff=0.6)
    found = found or [lower[near] for near in difflib.get_close_matches(wanted, list(lower), n=1, cutoff=0.6)]
    return f"; did you mean {found[0]!r}?" if found else ""


def some_of(name: object, known: Iterable[str]) -> str:
    """Return the names in ``known``: all of them where they are few, else the five nearest to ``name`` and how many
    more.
    """
    names = sorted(known)
    if len(names) <= 2 * MAX_LISTED and sum(map(len, names)) <= MAX_LISTED_LETTERS:
        return ", ".join(names)
    wanted = str(name).lower()
    near = sorted(names, key=lambda entry: -difflib.SequenceMatcher(None, wanted, entry.lower()).ratio())[:MAX_LISTED]
    return f"{', '.join(near)} and {len(names) - MAX_LISTED} more"


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong, or probably not meant. ``line`` and ``column`` count from 1; 0 where the place in the
    file is not known. ``code`` names a warning (``W012``). ``excerpt`` is the line of the file, below it a caret."""

    line: int
    column: int
    path: str
    message: str
    file: str = ""
    code: str = ""
    excerpt: str = field(default="", compare=False)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else f"{self.file}: " if self.file else ""
        code = f" [{self.code}]" if self.code else ""
        return place + (f"{self.path}: " if self.path else "") + self.message + code


class ConfigError(Exception):
    """The configuration cannot be used. ``problems`` holds all that was found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


def explain(
    error: ValidationError, model: type[BaseModel], data: object = None, also: Collection[str] = ()
) -> Iterator[tuple[Path, str]]:
    """Yield path and words of each thing that pydantic objects to in ``data`` for ``model``.

    ``also`` are keys that are allowed in addition to the model's. A union is one thing: its branches, which pydantic
    lists one by one, are said in one message.
    """
    branches: dict[Path, list[str]] = {}
    for item in error.errors(include_url=False):
        path = _in_data(item["loc"], data) if data is not None else item["loc"]
        in_no_union = path == item["loc"]
        path, message = _words(path, item, model, also)
        if item["type"] == "missing" and in_no_union:
            yield path, message  # two keys that are missing are two things, not branches of one
        else:
            branches.setdefault(path, []).append(message)
    for path, messages in branches.items():
        in_union = len(messages) > 1 and all("unknown key" not in message for message in messages)
        for message in [_union_words(messages)] if in_union else messages:
            yield path, message


def _in_data(loc: Path, data: Any) -> Path:
    """Return the part of pydantic's location that leads through the data: the rest are names of a union's branches."""
    if loc[-1:] == ("[key]",):  # pydantic's word for the key of a mapping
        return loc[:-1]
    for at, step in enumerate(loc):
        inside = (isinstance(data, dict) and step in data) or (
            isinstance(data, list) and isinstance(step, int) and step < len(data)
        )
        if not inside:
            return loc[: at + 1] if isinstance(data, dict) and at == len(loc) - 1 else loc[:at]
        data = data[step]
    return loc


def _union_words(messages: list[str]) -> str:
    """Return one message of several about the same value: the one that names what is allowed, else all joined."""
    named = [message for message in messages if "(allowed:" in message]
    if named:
        return named[0]
    first, *others = dict.fromkeys(messages)
    return first + "".join(f" or {other.partition('should ')[2] or other}" for other in others)


def _words(path: Path, item: Mapping[str, Any], model: type[BaseModel], also: Collection[str]) -> tuple[Path, str]:
    value = item["input"]
    kind = item["type"]
    context: dict[str, Any] = item.get("ctx", {})
    if kind == "extra_forbidden":
        known = field_names(_model_at(model, path[:-1])) | set(also)
        said = unknown_key(path[-1], known)
        if value is None and said.startswith("unknown key (allowed"):
            said = f"unknown key without a value; a list is written in brackets, [..., {path[-1]}]"
        elif isinstance(value, dict) and len(inside := sorted(known & value.keys())) > 1:
            said = f"unknown key; {', '.join(inside[:3])} belong here: write them without {path[-1]!r} above them"
        return path, said
    if kind == "missing":
        return path[:-1], f"{path[-1]!r} is missing: write {path[-1]}: ..."
    if kind == "literal_error":
        allowed = context["expected"].replace(" or ", ", ")
        names = [name.strip().strip("'") for name in allowed.split(",")]
        if isinstance(value, str) and value in names:
            return path, f"{shown(value)}: write {value} without quotes"
        hint = nearest(value, names, ACTION_ALIASES) or nearest(value, names, VALUE_ALIASES)
        if isinstance(value, list) and len(value) > 1:
            hint = ": it takes one; write a rule for each, or leave the key out for any"
        parts = re.split(r"\s*[/,|]\s*", value) if isinstance(value, str) else []
        if len(parts) > 1 and set(parts) <= set(names):
            hint = ": it takes one; write a rule for each, or leave the key out for any"
        elif str(value).lower() in ("any", "all", "both", "*"):
            hint = ": for any, leave the key out"
        return path, f"{shown(value)} is not allowed{hint} (allowed: {', '.join(names)})"
    if kind in ("value_error", "assertion_error"):
        return path, str(context["error"])
    if kind == "frozen_instance":
        return path, "cannot be changed"
    expected = _EXPECTED.get(kind) or _SHOULD.sub("", item["msg"])
    plain = f"{shown(value)}: should {expected.removesuffix(', not 0')}"
    return path, plain + (section_form(path, value) or _right_form(kind, value))


def quoted_numbers(data: object, made: BaseModel) -> Iterator[tuple[str, str]]:
    """Yield the keys of ``data`` whose text in quotes pydantic took for the number, or for true or false, that the
    field of ``made`` demands, and what is said of each.
    """
    for name, info in type(made).model_fields.items():
        key = info.alias or name
        value = data.get(key) if isinstance(data, dict) else None
        plain = {*(typing.get_args(info.annotation) or (info.annotation,))} - {types.NoneType}
        own = any(isinstance(one, BeforeValidator) for one in info.metadata)
        if isinstance(value, str) and plain and plain <= {int, float, bool} and not own:
            right = shown(getattr(made, name)) if bool in plain else value.strip()
            yield key, f"{shown(value)}: write {right} without quotes"


def unknown_key(key: object, known: Iterable[str]) -> str:
    """Return what is said of a key that is not in ``known``, with the right form of mistakes that people make."""
    names = sorted(known)
    head, colon, rest = str(key).partition(":")
    if colon and rest and head in names:
        return f"unknown key: a blank must follow the colon, write '{head}: {rest}'"
    if "chains" in names and "plugins" in names:
        names = sorted({*names, "include", "vars"})
    if "chains" in names and str(key).upper() in ("INPUT", "OUTPUT", "FORWARD"):
        return f"unknown key; chains are keys of chains, write chains: {{{str(key).upper()}: [...]}}"
    if str(key) == "is" and "is" not in names:  # kinds with two sides ask for neither by this name
        return "unknown key; write 'dst' or 'src'" if "dst" in names else unknown_key("interface", names)
    if key in ("bypass", "queue-bypass", "queue_bypass") and "workers" in names:
        return "unknown key; what becomes of packets that nobody takes is said under failure: {no_listener: accept}"
    if key in ("is", "name", "app", "program", "exe") and "parent" in names and "path" in names:
        return "unknown key; write path: /usr/bin/..."
    if str(key).isupper() and "action" in names:
        return f"unknown key; write 'action: {key}'"
    if key in ("from", "to", "start", "end") and "hours" in names:
        return "unknown key; write hours: 08:00-18:00"
    if key in KEY_FORMS and "action" in names:
        return f"unknown key; {KEY_FORMS[str(key)]}"
    return f"unknown key{nearest(key, names, KEY_ALIASES)} (allowed: {', '.join(names) or 'none'})"


def _right_form(kind: str, value: object) -> str:
    """Return how to write the value instead: a number without quotes, a list with brackets, a mapping under its key."""
    if kind in ("int_type", "int_parsing", "float_type", "float_parsing") and isinstance(value, str):
        number = value.strip().lstrip("-")
        if kind.startswith("float") and (share := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", number)):
            return f": write {float(share[1]) / 100:g}"
        if number.isdecimal():
            return f": write {value.strip()} without quotes"
        found = re.fullmatch(r"(?:[<>]=?|==?|/)?\s*(\d+)(?:\s*/?[A-Za-z]+)?", number)
        return f": write {found[1]}" if found and not _SIZE.fullmatch(number) else _size_form(number)
    if kind == "list_type" and isinstance(value, (str, int, float)):
        return f": write [{value}]"
    if kind == "list_type" and isinstance(value, dict):
        return ": begin each entry with '- '"
    return ""


_SIZE: Final = re.compile(r"(\d+)\s*([kKmMgG])(i?)[bB]?")


def _size_form(text: str) -> str:
    """Return how a size with a unit is written: ``64 KiB`` is 65536."""
    found = _SIZE.fullmatch(text)
    if not found:
        return ""
    power = "kmg".index(found[2].lower()) + 1
    return f": write {int(found[1]) * (1024 if found[3] or found[2].islower() else 1000) ** power}"


#: how pydantic begins: "Input should be greater than 0", "List should have at least 1 item"
_SHOULD = re.compile(r"^.*?\bshould ")
_EXPECTED = {
    "int_type": "be a whole number",
    "int_parsing": "be a whole number",
    "int_from_float": "be a whole number",
    "float_type": "be a number",
    "float_parsing": "be a number",
    "bool_type": "be true or false",
    "bool_parsing": "be true or false",
    "string_type": "be text (in quotes if it looks like a number)",
    "dict_type": "be a mapping (key: value)",
    "model_type": "be a mapping (key: value)",
    "model_attributes_type": "be a mapping (key: value)",
    "list_type": "be a list",
    "tuple_type": "be a list",
}


def field_names(model: type[BaseModel] | None) -> set[str]:
    """Return the keys that a model takes, by the names used in the YAML."""
    if model is None:
        return set()
    return {field.alias or name for name, field in model.model_fields.items()}


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """Return the model that describes the mapping at ``path``; None where it cannot be told."""
    current: type[BaseModel] | None = model
    named_by_key = False  # a mapping from names to models: the next step is a name
    for step in path:
        if isinstance(step, int) or current is None:
            continue
        if named_by_key:
            named_by_key = False
            continue
        field = current.model_fields.get(step) or next(
            (field for field in current.model_fields.values() if field.alias == step), None
        )
        current = _model_in(field.annotation) if field is not None else None
        named_by_key = field is not None and typing.get_origin(field.annotation) is dict
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    return next(filter(None, map(_model_in, typing.get_args(annotation))), None)
