"""YAML's own objections in plain words with the right form, and how to read on behind a line that is no YAML.

Two things that policies say are no YAML: ``${name}`` inside ``{...}`` and ``@name`` at the start of a value. Before the
text is parsed, both are written with characters of the private use area (U+E000 to U+E002, which a policy cannot
contain), of the same width, so that columns stay right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import yaml

#: Lines that are skipped at most, after which the rest of a file is not read.
MAX_SKIPPED: Final = 20

_OPEN, _CLOSE, _AT = "\ue000", "\ue001", "\ue002"
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_.:-]*)\}")
_HIDDEN_VARIABLE: Final = re.compile(rf"\${_OPEN}([A-Za-z0-9_.:-]+){_CLOSE}")
_SET: Final = re.compile(r"(?<=[\s\[{,])@(?=[A-Za-z_])")
_SLASHES: Final = re.compile(r"^([ ]*)//", re.MULTILINE)
_TAB: Final = re.compile(r"^[ ]*\t[ \t]*", re.MULTILINE)


#: blanks that word processors and web pages put in place of the one that YAML knows
BLANKS: Final = "\u00a0\u2007\u202f\u2009\u200b\u2060\u3000\ufeff"
_BLANKS: Final = re.compile(f"[{BLANKS}]")

#: characters that a policy cannot contain
RESERVED: Final = re.compile(f"[{_OPEN}{_CLOSE}{_AT}]")


def hide(text: str) -> str:
    """Return the text with ``${name}`` and ``@name`` in a form that YAML takes for plain text of the same width."""
    return _SET.sub(_AT, _VARIABLE.sub(rf"${_OPEN}\1{_CLOSE}", text))


def unhide(text: str) -> str:
    """Return the reverse of :func:`hide`."""
    return _HIDDEN_VARIABLE.sub(r"${\1}", text).replace(_AT, "@") if max(text, default="") >= "\ue000" else text


def tabs(text: str) -> Iterator[int]:
    """Numbers (from 1) of the lines that are indented with a tab."""
    for found in _TAB.finditer(text):
        yield text.count("\n", 0, found.start()) + 1


def without_tabs(text: str) -> str:
    """Return the text, each tab of an indentation replaced by a blank."""
    return _TAB.sub(lambda found: found[0].replace("\t", " "), text)


def slashes(text: str) -> Iterator[int]:
    """Numbers (from 1) of the lines that are a comment of other languages."""
    for found in _SLASHES.finditer(text):
        yield text.count("\n", 0, found.start()) + 1


def without_slashes(text: str) -> str:
    """Return the text, such lines written as comments."""
    return _SLASHES.sub(r"\1#/", text)


def blank_at(line: str) -> int:
    """Return the column, from 1, of the first blank that YAML does not know; 0: there is none."""
    found = _BLANKS.search(line)
    return found.start() + 1 if found else 0


def is_emptied(text: str, number: int) -> bool:
    """Return whether a line was left out before, as an entry of a list that is empty."""
    lines = text.split("\n")
    return 0 < number <= len(lines) and lines[number - 1].strip() == "- ~"


def words(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> str:
    """Return what is wrong with the ``lines`` of a file, and the right form."""
    return _template_words(error, lines) or _problem_words(error, lines)


def _template_words(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> str:
    """Return what is said of a file for Jinja and the like; nothing where the place is none of a template."""
    marks = [mark for mark in (error.problem_mark, error.context_mark) if mark]
    if any(sign in _line(lines, mark.line) for mark in marks for sign in ("{%", "%}", "{#")):
        return "a template: it is filled in before PyWall reads the file; a variable is written ${name}"
    return ""


def _problem_words(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> str:
    problem = error.problem or ""
    context = error.context or ""
    keyless = "could not find expected ':'" in problem and error.context_mark
    mark = error.context_mark if keyless else error.problem_mark
    line = _line(lines, mark.line if mark else 0)
    column = error.problem_mark.column if error.problem_mark else 0
    if "tab character" in problem or r"'\t'" in problem:
        return "a tab; indent with blanks"
    if "cannot start any token" in problem:
        found = re.search(r"character '(.)'", problem)
        start = found[1] if found else line[column : column + 1]
        if start == "\t":
            return "a tab; write a blank"
        return f'text that begins with {start} needs quotes: "{start}..."'
    if "alphabetic or numeric character" in problem:
        return 'text that begins with * or & needs quotes: "*..."'
    if "expected node content" in problem and line[column:].startswith(":"):
        return 'text that begins with : needs quotes: "::1"'
    if form := _line_words(line) or _around_words(line, column, f"{context} {problem}"):
        return form
    if _glued(error, lines):
        return "a key without its ': '; a blank must follow the colon"
    if "mapping values are not allowed" in problem:
        return "a ':' where no key is expected; indent as the lines above, or put a value that contains ': ' in quotes"
    if "flow" in context:
        return _flow_words(context, problem, line, column)
    if "quoted scalar" in context:
        return "a closing quote is missing"
    if "could not find expected ':'" in problem:
        return "a key without its ': '; a blank must follow the colon"
    if "block collection" in context or "block sequence" in context:
        dash = error.context_mark.column + 1 if error.context_mark else 1
        return f"not indented as the list above: an entry's '- ' is in column {dash}, its keys in column {dash + 2}"
    if "block mapping" in context:
        return f"not indented as the keys above, in column {error.context_mark.column + 1 if error.context_mark else 1}"
    if "expected <document start>" in problem:
        return "not indented as the lines above"
    return "not YAML: " + ", ".join(part for part in (context, problem) if part)


def _around_words(line: str, column: int, said: str) -> str:
    """Return what is wrong at the brackets and colons of a line that is none of ``{...}`` over several lines."""
    if re.match(r"\s*(?:- )?[A-Za-z_]+:[\[{]", line):
        return "a blank must follow the colon, write 'key: {...}'"
    if "while parsing a block" in said and line[column : column + 1] in tuple(",;}])"):
        return f"nothing follows what a {{ }} or [ ] closes: leave out {line[column]!r}"
    if span := re.search(r"\b(\d{1,5}):\s*[,}]", line[: column + 2]):
        return f"a range is written {span[1]}-65535"
    if "scanning a plain scalar" in said and "unexpected ':'" in said:
        return "text with a : at its end needs quotes: 'fe80::'"
    return ""


def _flow_words(context: str, problem: str, line: str, column: int) -> str:
    """Return what is wrong inside ``{...}`` or ``[...]``."""
    before = line[: column + 1]
    if "expected node content" in problem and re.search(r",\s*,", line):
        return "two commas with nothing between them"
    if "flow mapping" in context and re.search(r"\w;\s*\w", before):
        return "a comma parts the keys of { }, and not a semicolon"
    if re.search(r"'[^',{}]*'\w$", before):
        return "an apostrophe within '...' is written twice, 'it''s', or the text is put in \"...\""
    if re.search(r"\[[0-9a-fA-F]*:[0-9a-fA-F:.]*\]:\d*$", before):
        return "an address is written without brackets, and its port is a rule of its own: {rule: port, dst: ...}"
    bracket = "}" if "flow mapping" in context else "]"
    quotes = ", or quotes around a text that contains ': '" if re.search(r":\s[^,:\"']+:$", before) else ""
    return f"a comma or the closing {bracket} is missing{quotes}"


def _line_words(line: str) -> str:
    """Return what is wrong with the line of an error, as its text alone tells; else nothing."""
    if found := re.match(r"\s*([\u2010-\u2015\u2022\u2212*+])\s+\S", line):
        return f"an entry begins with '- ', and not with {found[1]!r}"
    if _BLANKS.search(line):
        return "a no-break space: write a blank"
    if re.match(r"\s*-[^\s-]", line):
        return "a blank must follow the dash that begins an entry: write '- '"
    if re.search(r"[}\]\w]\s*//", line):
        return "a comment begins with #, and not with //"
    if re.search(r"\{\s*(not|all|any)\s*:\s*rule\s*:", line):
        return "what is under not, all and any has braces of its own: {not: {rule: ...}}, {all: [{rule: ...}]}"
    return ""


def _glued(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> int:
    """Return the number (from 1) of the line ``key:value`` that the parser took for text and went on from, 0: there
    is none.
    """
    at = error.problem_mark.line if error.problem_mark and "mapping values" in (error.problem or "") else 0
    return at if at and re.fullmatch(r"\s*[A-Za-z_]+:\S.*", _line(lines, at - 1)) else 0


def broken_line(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> int:
    """Return the number (from 1) of the line that is to be left out: where an open bracket or quote began, else where
    it ended.
    """
    glued = _glued(error, lines)
    if glued:
        return glued
    if "could not find expected ':'" in (error.problem or "") and error.context_mark:
        return error.context_mark.line + 1
    begun, at = error.context_mark, error.problem_mark
    opened = begun is not None and ("flow" in (error.context or "") or "quoted" in (error.context or ""))
    mark = begun if opened else at or begun
    return mark.line + 1 if mark else 0


def skip_line(text: str, number: int) -> str:
    """Return the text with a line left out: a list entry becomes an empty one, so that those behind it keep their
    places.
    """
    lines = text.split("\n")
    if number > len(lines):
        return ""
    line = lines[number - 1]
    indented = line[: len(line) - len(line.lstrip())]
    is_entry = line.lstrip().startswith("- ") and line.strip() != "- ~"
    lines[number - 1] = f"{indented}- ~" if is_entry else ""
    return "\n".join(lines)


def _line(lines: Sequence[str], number: int) -> str:
    """Return a line, counted from 0; YAML breaks lines at more characters than we do, so there may be none."""
    return lines[number] if number < len(lines) else ""
