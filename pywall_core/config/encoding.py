"""The text of a policy from its bytes: UTF-8 without characters that YAML refuses, or what it is instead."""

from __future__ import annotations

import codecs
import re
from typing import Final

from .document import Document, Mark
from .errors import ConfigError
from .syntax import RESERVED

#: how files begin that are no text, and what is said of them
_MAGIC: Final = (
    (b"\x1f\x8b", "it is compressed, unpack it with gunzip"),
    (b"\x28\xb5\x2f\xfd", "it is compressed, unpack it with unzstd"),
    (b"\xfd7zXZ", "it is compressed, unpack it with unxz"),
    (b"PK\x03\x04", "it is a ZIP archive"),
    (b"\x7fELF", "it is a program"),
    (b"%PDF", "it is a PDF document"),
    (b"\xd4\xc3\xb2\xa1", "it is a capture: pywall replay reads it"),
    (b"\xa1\xb2\xc3\xd4", "it is a capture: pywall replay reads it"),
    (b"\x0a\x0d\x0d\x0a", "it is a capture: pywall replay reads it"),
)
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
#: what is not printable in YAML 1.2 (section 5.1)
_CONTROL: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def decode(text: bytes, document: Document) -> str:
    """Return the text, and let the document hold its lines.

    :raises ConfigError: it is no UTF-8, or has characters that YAML or this reader does not take
    """
    form = next((what for magic, what in _MAGIC if text.startswith(magic)), "")
    if form:
        raise ConfigError([document.at(Mark(1, 1), (), f"not a text: {form}")])
    if encoding := _wide(text):
        raise ConfigError([document.at(Mark(1, 1), (), f"not UTF-8 text: it is {encoding}, save it as UTF-8")])
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mark = _hold(document, text.decode("latin-1"), error.start)
        byte = text[error.start]
        seen = f"; in Latin-1 it is {chr(byte)!r}" if byte >= 0xA0 else ""
        message = f"not UTF-8 text, by the byte {byte:#x}{seen}: save the file as UTF-8"
        raise ConfigError([document.at(mark, (), message)]) from None
    mark = _hold(document, decoded, 0)
    if found := _CONTROL.search(decoded):
        mark = _hold(document, decoded, found.start())
        message = f"the control character U+{ord(found[0]):04X} is not allowed in YAML: delete it"
        raise ConfigError([document.at(mark, (), message)])
    if found := RESERVED.search(decoded):
        mark = _hold(document, decoded, found.start())
        raise ConfigError([document.at(mark, (), f"character {hex(ord(found[0]))} is not taken")])
    return decoded


def _wide(text: bytes) -> str:
    """Return the encoding of a text of two or four bytes a character, with its mark or without; nothing of others."""
    marked = next((name for mark, name in _MARKS if text.startswith(mark)), "")
    if marked or len(text) < 4:
        return marked
    zeros = [text[at:200:2].count(0) for at in (0, 1)]
    return "UTF-16" if max(zeros) > 8 and min(zeros) == 0 and len(text) % 2 == 0 else ""


def _hold(document: Document, text: str, at: int) -> Mark:
    """Keep the lines for excerpts; return the place of a character."""
    document.texts[document.file] = text.split("\n")
    return Mark(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
