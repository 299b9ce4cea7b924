"""YAML with a mark for every value: bounded, without surprises, all objections at once.

Built on PyYAML's event stream, which is not recursive, so that depth is bounded before anything can overflow. Scalars
follow the YAML 1.2 core schema; a plain scalar that YAML 1.1 reads as something else than it looks like (``010``,
``22:22``, ``1_000``, ``yes``) is refused with its unambiguous forms. Aliases, tags, merge keys and duplicate keys are
refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from .errors import ConfigError, Path, Problem, path_text, shown

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 24
MAX_PROBLEMS: Final = 100

#: libyaml's parser where PyYAML was built with it: ten times as fast, the same events
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})|0x[0-9a-fA-F]{1,16}")
_FLOAT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+([eE][-+]?[0-9]{1,3})?|[eE][-+]?[0-9]{1,3})")
_TRUTH: Final = re.compile(r"(?i:yes|no|on|off)")
_NUMBER_TRAP: Final = re.compile(
    r"""[-+]?0o?[0-9_]+                              # octal
      | [-+]?0b[01_]+
      | [-+]?(0x)?[0-9][0-9a-fA-F_]*_[0-9a-fA-F_.]*  # grouped by underscores
      | [-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?        # sexagesimal""",
    re.VERBOSE,
)


@dataclass
class Document:
    """Parsed YAML: plain data, and line and column (from 1) of every value and key by its path."""

    file: str
    data: Any = None
    marks: dict[Path, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    ambiguous: set[tuple[int, int]] = field(default_factory=set)

    def problem(self, path: Path, message: str, *, key: bool = False) -> Problem:
        """An objection to the value at ``path`` (``key``: to its key), marked at the nearest place in the file."""
        at = path
        while at and at not in self.marks:
            at = at[:-1]
        mark = (self.keys if key or at != path else self.marks).get(at) or self.marks.get(at, (0, 0))
        return Problem(*mark, path_text(path), message, self.file)

    def error(self, path: Path, message: str, *, key: bool = False) -> None:
        """Note an objection, unless the same value was already objected to as YAML."""
        problem = self.problem(path, message, key=key)
        if key or (problem.line, problem.column) not in self.ambiguous:
            self.problems.append(problem)


def parse(text: bytes, file: str) -> Document:
    """Read one YAML document; objections to single values are in ``problems``.

    :raises ConfigError: not YAML at all, too large, or too deep
    """
    if len(text) > MAX_BYTES:
        raise ConfigError([Problem(0, 0, "", f"larger than {MAX_BYTES >> 20} MiB", file)])
    document = Document(file)
    try:
        _Builder(document).build(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(line, 1, "", "not UTF-8 text", file)]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        words = ", ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError([*document.problems, Problem(line, column, "", f"not YAML: {words}", file)]) from None
    except yaml.reader.ReaderError as error:
        line = text.decode("utf-8-sig")[: error.position].count("\n") + 1
        raise ConfigError([Problem(line, 1, "", f"not YAML: character {error.character!r}", file)]) from None
    return document


def _place(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (0, 0)


@dataclass
class _Open:
    """A collection that is being read: a list, or a mapping with its pending key."""

    path: Path
    data: Any
    key: Any = None
    has_key: bool = False


class _Builder:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.open: list[_Open] = []

    def build(self, text: str) -> None:
        documents = 0
        for event in yaml.parse(text, Loader=LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(event, "a second document; one file holds one configuration")
            elif isinstance(event, yaml.AliasEvent):
                self._stop(event, f"alias *{event.anchor}: aliases are not taken, write the value out")
            elif isinstance(event, yaml.ScalarEvent):
                self._add(event, self._scalar(event))
            elif isinstance(event, yaml.CollectionStartEvent):
                self._begin(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self.open.pop()

    def _stop(self, event: yaml.Event, message: str) -> None:
        problem = Problem(*_place(event), path_text(self._path()), message, self.document.file)
        raise ConfigError([*self.document.problems, problem])

    def _path(self) -> Path:
        """Where the next value goes."""
        if not self.open:
            return ()
        parent = self.open[-1]
        if isinstance(parent.data, list):
            return (*parent.path, len(parent.data))
        return (*parent.path, parent.key) if parent.has_key else parent.path

    def _object(self, event: yaml.Event, message: str) -> None:
        problem = Problem(*_place(event), path_text(self._path()), message, self.document.file)
        self.document.problems.append(problem)
        if len(self.document.problems) >= MAX_PROBLEMS:
            raise ConfigError(self.document.problems)

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        if len(self.open) >= MAX_DEPTH:
            self._stop(event, f"nested deeper than {MAX_DEPTH} levels")
        self._check_tag(event)
        path = self._path()
        data: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._add(event, data)
        self.open.append(_Open(path, data))

    def _add(self, event: yaml.Event, value: Any) -> None:
        mark = _place(event)
        if not self.open:
            self.document.data = value
            self.document.marks[()] = mark
            return
        parent = self.open[-1]
        path = self._path()
        if isinstance(parent.data, list):
            parent.data.append(value)
        elif not parent.has_key:
            self._set_key(event, parent, value)
            return
        else:
            parent.has_key = False
            parent.data[parent.key] = value
        self.document.marks[path] = mark

    def _set_key(self, event: yaml.Event, parent: _Open, key: Any) -> None:
        if not isinstance(key, str):
            quoted = f": write it in quotes, {str(key)!r}" if isinstance(key, (int, float)) else ""
            self._object(event, f"{shown(key)} is no key{quoted}; keys are text")
            key = f"{shown(key)}"
        path = (*parent.path, key)
        if key in parent.data:
            first = self.document.keys[path][0]
            parent.key, parent.has_key = key, True
            self._object(event, f"duplicate key, already in line {first}")
        self.document.keys.setdefault(path, _place(event))
        parent.key, parent.has_key = key, True

    def _check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag not in (None, "!"):
            self._object(event, f"tag {event.tag[:60]!r}: tags are not taken")

    def _ambiguous(self, event: yaml.ScalarEvent, message: str) -> None:
        self.document.ambiguous.add(_place(event))
        self._object(event, message)

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        self._check_tag(event)
        text: str = event.value
        if event.style:  # quoted or a block; plain is None or, from libyaml, empty
            return text
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if _INT.fullmatch(text):
            return int(text, 0) if text.startswith("0x") else int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        if _TRUTH.fullmatch(text):
            truth = "true" if text.lower() in ("yes", "on") else "false"
            self._ambiguous(event, f'{text} is ambiguous in YAML: write {truth}, or "{text}" in quotes for the word')
        elif len(text) < 80 and _NUMBER_TRAP.fullmatch(text):
            meant = yaml.safe_load(text)
            reads = f" (YAML 1.1 reads {meant})" if isinstance(meant, (int, float)) else ""
            self._ambiguous(event, f'{text} is ambiguous in YAML{reads}: write "{text}" in quotes, or a plain number')
        return text
