"""Feeds: the files of sets, fetched from their ``source``, checked, and put in place in one step."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from ..model.named_set import TYPES
from .set_section import SetSection
from .sets import MAX_FILE, load_file

_SCHEMES: Final = frozenset({"file", "http", "https"})
_TIMEOUT: Final = 60.0
#: a feed that shrinks below this share of what it had is taken for broken
_SMALLEST: Final = 0.1


class FeedError(Exception):
    """The feed cannot be used; the text is one line."""


def fetch(name: str, section: SetSection) -> int:
    """Fetch a set's source into its file. Return how many entries it has.

    :raises FeedError: it cannot be had, has no entries, has wrong ones, or lost nine tenths of them; the file is kept
    """
    source, file = section.source or "", section.file or ""
    if urlsplit(source).scheme not in _SCHEMES:
        raise FeedError(f"{name}: {source}: should be file://, http:// or https://")
    target = Path(file)
    try:
        with urlopen(Request(source, headers={"User-Agent": "pywall"}), timeout=_TIMEOUT) as answer:  # noqa: S310 - schemes are checked
            content = answer.read(MAX_FILE + 1)
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise FeedError(f"{name}: {source}: {getattr(reason, 'strerror', None) or reason}") from None
    if len(content) > MAX_FILE:
        raise FeedError(f"{name}: {source}: larger than {MAX_FILE >> 20} MiB")
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise FeedError(f"{name}: {target.parent}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        entries = _checked(name, section, temporary)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return entries


def _checked(name: str, section: SetSection, file: str) -> int:
    fresh = TYPES[section.type](name, section.size)
    wrong = load_file(fresh, file, section.column)
    if wrong:
        raise FeedError(f"{name}: {section.source}: {wrong[0].replace(file, 'line')}")
    if not len(fresh):
        raise FeedError(f"{name}: {section.source}: no entries")
    before = TYPES[section.type](name, section.size)
    if section.file is not None and Path(section.file).is_file():
        load_file(before, section.file, section.column)
    if len(fresh) < _SMALLEST * len(before):
        raise FeedError(f"{name}: {section.source}: {len(fresh)} entries where there were {len(before)}")
    return len(fresh)
