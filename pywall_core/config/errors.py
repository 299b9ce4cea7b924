"""What is wrong with a configuration: collected, placed in the file, and put in words."""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

#: The way to a value: keys and list positions, ``("chains", "INPUT", 2, "dst")``.
Path = tuple[str | int, ...]


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


def nearest(name: object, known: Iterable[str]) -> str:
    """``"; did you mean 'port'?"``, or nothing where no known name is near."""
    found = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong. ``line`` and ``column`` count from 1; 0 where the place in the file is not known."""

    line: int
    column: int
    path: str
    message: str
    file: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else f"{self.file}: " if self.file else ""
        return place + (f"{self.path}: " if self.path else "") + self.message


class ConfigError(Exception):
    """The configuration cannot be used. ``problems`` holds all that was found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


def explain(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[Path, str]]:
    """Path and words of each thing that pydantic objects to in data for ``model``."""
    for item in error.errors(include_url=False):
        path: Path = item["loc"]
        value = item["input"]
        kind = item["type"]
        context: dict[str, Any] = item.get("ctx", {})
        if kind == "extra_forbidden":
            known = sorted(field_names(_model_at(model, path[:-1])))
            message = f"unknown key{nearest(path[-1], known)} (allowed: {', '.join(known) or 'none'})"
        elif kind == "missing":
            path, message = path[:-1], f"{path[-1]!r} is missing"
        elif kind == "literal_error":
            allowed = context["expected"].replace(" or ", ", ")
            names = [name.strip().strip("'") for name in allowed.split(",")]
            message = f"{shown(value)} is not allowed{nearest(value, names)} (allowed: {', '.join(names)})"
        elif kind in ("value_error", "assertion_error"):
            message = str(context["error"])
        elif kind == "frozen_instance":
            message = "cannot be changed"
        else:
            expected = _EXPECTED.get(kind) or _SHOULD.sub("", item["msg"])
            message = f"{shown(value)}: should {expected.removesuffix(', not 0')}"
        yield path, message


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
    """The keys that a model takes, by the names used in the YAML."""
    if model is None:
        return set()
    return {field.alias or name for name, field in model.model_fields.items()}


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """The model that describes the mapping at ``path``; None where it cannot be told."""
    current: type[BaseModel] | None = model
    for step in path:
        if isinstance(step, int) or current is None:
            continue
        field = current.model_fields.get(step) or next(
            (field for field in current.model_fields.values() if field.alias == step), None
        )
        current = _model_in(field.annotation) if field is not None else None
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    return next(filter(None, map(_model_in, typing.get_args(annotation))), None)
