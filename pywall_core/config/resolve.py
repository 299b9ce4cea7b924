"""One document out of several: what a policy includes is put in its place, and its variables are written out.

Every value keeps the place in the file that it came from, so that errors name that file and line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final

from .document import Document, Mark
from .errors import ConfigError, Path, nearest, shown, some_of
from .files import UNREAD, bundled, is_inclusion
from .yaml_reader import parse

#: Sections of several files that are put together; of others the last file's holds, that is: the including one's.
_JOINED: Final = ("sets",)
#: Values of a policy at most, its variables written out.
MAX_VALUES: Final = 1_000_000
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_]+)?)\}")
_ENVIRONMENT: Final = "env:"


def resolve(texts: Mapping[str, bytes]) -> Document:
    """Return the document of the first file, whole.

    :raises ConfigError: it cannot be read
    """
    documents: dict[str, Document] = {}
    unread: dict[str, str] = {}
    problems = []
    for number, (file, text) in enumerate(texts.items()):
        if number and text.startswith(UNREAD):
            unread[file] = text.removeprefix(UNREAD).decode()
            continue
        try:
            documents[file] = parse(text, file)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError([*problems, *(problem for document in documents.values() for problem in document.problems)])
    main = next(iter(documents.values()))
    needed = len(texts) > 1 or b"${" in next(iter(texts.values()))
    if not isinstance(main.data, dict) or not (needed or {"vars", "include"} & set(main.data)):
        return main
    return _Resolver(main, documents, unread).document


class _Resolver:
    def __init__(self, main: Document, documents: Mapping[str, Document], unread: Mapping[str, str]) -> None:
        self.documents = documents
        self.unread = unread
        self.document = made = Document(main.file, data={})
        for document in documents.values():
            made.problems += document.problems
            made.texts.update(document.texts)
            made.broken |= document.broken
            made.ambiguous |= {self.placed(mark, document) for mark in document.ambiguous}
            made.refused_keys |= {self.placed(mark, document) for mark in document.refused_keys}
        made.marks[()] = main.marks.get((), Mark(0, 0))
        self.values = 0
        self.order: list[Document] = []
        self.list_includes(main, [])
        self.variables: dict[str, tuple[Document, Path, Any]] = {}
        for document in self.order:
            given = document.data.get("vars")
            if given is not None and not isinstance(given, dict):
                self.error(document, ("vars",), f"{shown(given)}: should be a mapping (name: value)")
                continue
            for name, value in (given or {}).items():
                self.variables[name] = (document, ("vars", name), value)
        self.known: dict[str, Any] = {}
        for name in self.variables:
            self.value(name, [])
        self.join()

    def list_includes(self, document: Document, above: list[str]) -> None:
        """Note the mappings that are put together, included ones first."""
        if document.file in above:
            self.error(document, ("include",), f"includes itself: {' -> '.join([*above, document.file])}")
            return
        given = document.data.get("include", [])
        for at, entry in enumerate(given if isinstance(given, list) else [given]):
            path: Path = ("include", at) if isinstance(given, list) else ("include",)
            if not isinstance(entry, str):
                self.error(document, path, f"{shown(entry)}: should be a file, a folder, or a list of them")
                continue
            for file in bundled(document.file, entry, {*self.documents, *self.unread}):
                other = self.documents.get(file)
                if file in self.unread:
                    self.error(document, path, f"{entry}: {self.unread[file]}")
                elif other is None:
                    self.error(document, path, f"{entry}: not read; a policy that comes with PyWall includes nothing")
                elif not isinstance(other.data, dict):
                    message = "holds no mapping; a list of rules is included in a chain, '- include: FILE'"
                    self.error(document, path, f"{entry}: {message}")
                elif other not in self.order:
                    self.list_includes(other, [*above, document.file])
        self.order.append(document)

    def join(self) -> None:
        made = self.document.data
        for document in self.order:
            for key, value in document.data.items():
                if key in ("include", "vars"):
                    continue
                if key == "chains" and isinstance(value, dict) and isinstance(made.get("chains", {}), dict):
                    self.join_chains(document, value)
                elif key in _JOINED and isinstance(value, dict) and isinstance(made.get(key, {}), dict):
                    self.mark((key,), document, (key,))
                    for name, entry in value.items():
                        made.setdefault(key, {})[name] = self.copy(entry, document, (key, name), (key, name), [])
                else:
                    made[key] = self.copy(value, document, (key,), (key,), [])

    def join_chains(self, document: Document, chains: dict[str, Any]) -> None:
        made = self.document.data.setdefault("chains", {})
        self.mark(("chains",), document, ("chains",))
        for name, rules in chains.items():
            path: Path = ("chains", name)
            self.mark(path, document, path)
            if rules is None:
                made.setdefault(name, None)
            elif isinstance(rules, list) and isinstance(made.get(name) or [], list):
                made[name] = made.get(name) or []
                self.add_rules(made[name], rules, document, path, path)
            else:
                made[name] = self.copy(rules, document, path, path, [])

    def add_rules(self, made: list[Any], rules: list[Any], source: Document, at: Path, to: Path) -> None:
        for number, rule in enumerate(rules):
            place = (*at, number)
            if not is_inclusion(rule):
                made.append(self.copy(rule, source, place, (*to, len(made)), []))
                continue
            for file in bundled(source.file, rule["include"], {*self.documents, *self.unread}):
                other = self.documents.get(file)
                if file in self.unread:
                    self.error(source, (*place, "include"), f"{rule['include']}: {self.unread[file]}")
                elif other is None or other is source:
                    self.error(source, place, f"{rule['include']}: cannot be included here")
                elif not isinstance(other.data, list):
                    message = "holds no list of rules; a mapping is included at the top of a file"
                    self.error(source, place, f"{rule['include']}: {message}")
                else:
                    self.add_rules(made, other.data, other, (), to)

    def copy(self, value: Any, source: Document, at: Path, to: Path, using: list[str]) -> Any:
        """Return the value with its variables written out; its places are noted under ``to``."""
        self.mark(to, source, at)
        self.count(1, source, at)
        if isinstance(value, dict):
            return {key: self.copy(entry, source, (*at, key), (*to, key), using) for key, entry in value.items()}
        if isinstance(value, list):
            made: list[Any] = []
            for number, entry in enumerate(value):
                found = self.copy(entry, source, (*at, number), (*to, len(made)), using)
                if isinstance(found, list) and isinstance(entry, str):  # a variable that stands for several entries
                    self.count(len(found), source, at)
                    for one in found:
                        self.mark((*to, len(made)), source, (*at, number))
                        made.append(one)
                else:
                    made.append(found)
            return made
        return self.expand(value, source, at, using) if isinstance(value, str) and "${" in value else value

    def count(self, values: int, source: Document, at: Path) -> None:
        self.values += values
        if self.values > MAX_VALUES:
            message = f"more than {MAX_VALUES} values when its variables are written out"
            raise ConfigError([*self.document.problems, source.problem(at, message)])

    def expand(self, text: str, source: Document, at: Path, using: list[str]) -> Any:
        whole = _VARIABLE.fullmatch(text)
        if whole:
            return self.named(whole[1], source, at, using)

        def replaced(found: re.Match[str]) -> str:
            value = self.named(found[1], source, at, using)
            if isinstance(value, (list, dict)):
                self.error(source, at, f"{found[0]} is {shown(value)}, which cannot be a part of a text")
                return ""
            return "" if value is None else str(value)

        return _VARIABLE.sub(replaced, text)

    def named(self, name: str, source: Document, at: Path, using: list[str]) -> Any:
        if name.startswith(_ENVIRONMENT):
            return self.environment(name.removeprefix(_ENVIRONMENT), source, at)
        if name not in self.variables:
            known = some_of(name, self.variables) or "none; they are defined under vars:"
            self.error(source, at, f"no variable {name!r}{nearest(name, self.variables)} (there are: {known})")
            return None
        return self.value(name, using)

    def environment(self, name: str, source: Document, at: Path) -> Any:
        if at[:1] != ("vars",):
            form = f"vars: {{{name.lower()}: ${{env:{name}}}}}"
            self.error(
                source, at, f"the environment is read under vars: only, write {form} and use ${{{name.lower()}}}"
            )
            return None
        text = os.environ.get(name)
        if text is None:
            self.error(source, at, f"the environment has no variable {name!r}")
            return None
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else text

    def value(self, name: str, using: list[str]) -> Any:
        if name in self.known:
            return self.known[name]
        source, path, value = self.variables[name]
        if name in using:
            self.error(source, path, f"refers to itself: {' -> '.join([*using, name])}")
            return None
        self.known[name] = found = self.copy(value, source, path, path, [*using, name])
        return found

    def error(self, source: Document, at: Path, message: str) -> None:
        problem = source.problem(at, message)
        if problem not in self.document.problems:
            self.document.problems.append(problem)

    def mark(self, to: Path, source: Document, at: Path) -> None:
        for places, ours in ((source.marks, self.document.marks), (source.keys, self.document.keys)):
            mark = places.get(at)
            if mark is not None:
                ours[to] = self.placed(mark, source)

    def placed(self, mark: Mark, source: Document) -> Mark:
        return mark if mark.file or source.file == self.document.file else mark._replace(file=source.file)
