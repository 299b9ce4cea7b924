"""YAML with a mark for every value: bounded, without surprises, all objections at once.

Built on PyYAML's event stream, which is not recursive, so that depth is bounded before anything can overflow. Scalars
follow the YAML 1.2 core schema; a plain scalar that YAML 1.1 reads as something else than it looks like (``010``,
``22:22``, ``1_000``, ``yes``) is refused with its unambiguous forms. Aliases, tags, merge keys and duplicate keys are
refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import yaml

from . import syntax
from .document import Document, Mark
from .encoding import decode
from .errors import ConfigError, Path, Problem, shown

MAX_BYTES: Final = 16 << 20
MAX_DEPTH: Final = 24
MAX_PROBLEMS: Final = 100

#: quotes that word processors put in place of those that YAML knows
_QUOTES: Final = frozenset("\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb\u2033\u2032")

#: libyaml's parser where PyYAML was built with it: ten times as fast, the same events
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,38})|0x[0-9a-fA-F]{1,16}")
_FLOAT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+([eE][-+]?[0-9]{1,3})?|[eE][-+]?[0-9]{1,3})")
_TRUTH: Final = re.compile(r"(?i:yes|no|on|off)")
_NUMBER_TRAP: Final = re.compile(
    r"""[-+]?0o?[0-9_]+                              # octal
      | [-+]?0b[01_]+
      | [-+]?(0x)?[0-9][0-9a-fA-F_]*_[0-9a-fA-F_.]*  # grouped by underscores
      | [-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?        # sexagesimal""",
    re.VERBOSE,
)


def parse(text: bytes, file: str) -> Document:
    """Read one YAML document; objections to single values are in ``problems``.

    A line that is no YAML is noted and left out, so that what is wrong with the rest is found as well.

    :raises ConfigError: nothing can be read of it, too large, or too deep
    """
    if len(text) > MAX_BYTES:
        raise ConfigError([Problem(1, 1, "", f"larger than {MAX_BYTES >> 20} MiB", file)])
    document = Document(file)
    decoded = decode(text, document)
    rest = syntax.hide(decoded)
    for line in syntax.tabs(rest):
        document.problems.append(document.at(Mark(line, 1), (), "a tab; indent with blanks"))
    rest = syntax.without_tabs(rest)
    for line in syntax.slashes(rest):
        document.problems.append(document.at(Mark(line, 1), (), "a comment begins with #, and not with //"))
    rest = syntax.without_slashes(rest)
    for _ in range(syntax.MAX_SKIPPED):
        skipped = _build(document, rest)
        if not skipped:
            break
        rest = syntax.skip_line(rest, skipped)
    document.marks.setdefault((), Mark(1, 1))
    if document.data is None and document.problems:
        raise ConfigError(document.problems)
    return document


def _build(document: Document, text: str) -> int:
    """Read the text into the document. The number of the line that must be left out first, 0: none."""
    attempt = Document(document.file, texts=document.texts)
    try:
        _Builder(attempt).build(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        lines = document.texts[document.file]
        message = syntax.words(error, lines)
        skipped = syntax.broken_line(error, lines)
        if skipped != line:
            line, column = skipped, (error.context_mark.column + 1 if error.context_mark else 1)
        if "no-break" in message:
            column = syntax.blank_at(lines[line - 1]) or column
        if (document.file, line) not in document.broken:
            document.problems.append(document.at(Mark(line, column), (), message))
        # a list entry that was left out is an empty one, which may still be in the wrong column
        known = (document.file, skipped) in document.broken and not syntax.is_emptied(text, skipped)
        document.broken.update({(document.file, line), (document.file, skipped)})
        return 0 if known else skipped
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        message = f"character {error.character!r} is not allowed in YAML"
        raise ConfigError([*document.problems, Problem(line, 1, "", message, document.file)]) from None
    except ConfigError as error:
        raise ConfigError([*document.problems, *error.problems]) from None
    document.data, document.marks, document.keys = attempt.data, attempt.marks, attempt.keys
    document.ambiguous, document.refused_keys = attempt.ambiguous, attempt.refused_keys
    document.problems += attempt.problems
    return 0


def _place(event: yaml.Event) -> Mark:
    mark = event.start_mark
    return Mark(mark.line + 1, mark.column + 1) if mark else Mark(0, 0)


@dataclass
class _Open:
    """A collection that is being read: a list, or a mapping with its pending key."""

    path: Path
    data: Any
    key: Any = None
    has_key: bool = False
    in_braces: bool = False


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
                message = f'write the value out, or "*{event.anchor}" in quotes for text'
                self._ambiguous(event, f"alias *{event.anchor}: aliases are not taken; {message}")
                self._add(event, f"*{event.anchor}")
            elif isinstance(event, yaml.ScalarEvent):
                self._add(event, self._scalar(event))
            elif isinstance(event, yaml.CollectionStartEvent):
                self._begin(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self.open.pop()

    def _stop(self, event: yaml.Event, message: str) -> None:
        problem = self.document.at(_place(event), self._path(), message)
        raise ConfigError([*self.document.problems, problem])

    def _path(self) -> Path:
        """Return where the next value goes."""
        if not self.open:
            return ()
        parent = self.open[-1]
        if isinstance(parent.data, list):
            return (*parent.path, len(parent.data))
        return (*parent.path, parent.key) if parent.has_key else parent.path

    def _object(self, event: yaml.Event, message: str) -> None:
        self.document.problems.append(self.document.at(_place(event), self._path(), message))
        if len(self.document.problems) >= MAX_PROBLEMS:
            raise ConfigError(self.document.problems)

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        if len(self.open) >= MAX_DEPTH:
            self._stop(event, f"nested deeper than {MAX_DEPTH} levels")
        self._check_tag(event)
        path = self._path()
        data: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._add(event, data)
        self.open.append(_Open(path, data, in_braces=bool(event.flow_style)))

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
            listed = ", or a list with [ ]" if parent.in_braces else ""
            quoted = f": write it in quotes, {str(key)!r}{listed}" if isinstance(key, (int, float)) else ""
            if isinstance(key, dict) and parent.in_braces:
                quoted = ", and a template is filled in before; a variable is written ${name}"
            self._object(event, f"{shown(key)} is not a key{quoted}; keys are text")
            self.document.refused_keys.add(_place(event))
            key = f"{shown(key)}"
        path = (*parent.path, key)
        if key == "<<":
            self.document.ambiguous.add(self.document.marks[parent.path])
            self.document.refused_keys.add(_place(event))
            parent.key, parent.has_key = key, True
            self._object(event, "merge keys are not taken; write the keys of the other mapping out")
        if key in parent.data:
            first = self.document.keys[path].line
            parent.key, parent.has_key = key, True
            self._object(event, f"duplicate key, already in line {first}")
        self.document.keys.setdefault(path, _place(event))
        parent.key, parent.has_key = key, True

    def _check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag not in (None, "!"):
            message = "tags are not taken"
            if "include" in event.tag:
                message += "; a file of rules is an entry of its own, include: FILE, one of addresses a set"
            elif event.tag.startswith("!"):
                message = "'!' does not negate, write {not: {rule: ...}}"
            self._object(event, f"tag {event.tag[:60]!r}: {message}")

    def _ambiguous(self, event: yaml.Event, message: str) -> None:
        self.document.ambiguous.add(_place(event))
        self._object(event, message)

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        self._check_tag(event)
        text = syntax.unhide(event.value)
        if event.style:  # quoted or a block; plain is None or, from libyaml, empty
            return text
        if text in _NULL:
            return None
        if text[0] in _QUOTES or text != text.strip(syntax.BLANKS):
            what = "a typographic quote: write ' or \"" if text[0] in _QUOTES else "a no-break space: write a blank"
            self._ambiguous(event, f"{shown(text)} begins or ends with {what}")
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
            try:
                meant = yaml.safe_load(text)
            except ValueError:  # 0b_ is a number for PyYAML's pattern, and none for int()
                meant = None
            reads = f" (YAML 1.1 reads {meant})" if isinstance(meant, (int, float)) else ""
            self._ambiguous(event, f'{text} is ambiguous in YAML{reads}: write "{text}" in quotes, or a plain number')
        return text
