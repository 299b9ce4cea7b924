"""The hand-over file: what the workers know of live flows, kept for the next start, on tmpfs and for root alone.

JSON lines: the first says version, boot and time, each other one is a message for a worker. Written by the supervisor,
which looks into none of them; workers read descriptions as hostile (:mod:`pywall_core.flows.handover`).
"""

from __future__ import annotations

import gc
import logging
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Final

import orjson

from ..flows.handover import VERSION
from ..flows.inheritance import MAX_FLOWS
from ..flows.packing import CHUNK
from .channel import Message

log: Final = logging.getLogger("pywall.supervisor")
#: Seconds after which a file says nothing any more.
MAX_AGE: Final = 60.0
#: Bytes of a line, and of the file.
MAX_LINE: Final = 1 << 20
MAX_FILE: Final = 64 << 20
MAX_LINES: Final = 2 * MAX_FLOWS // CHUNK
#: what a message may say to a worker
_KNOWN: Final = ("flows", "state")
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


def write(path: Path, messages: Iterable[Message]) -> int:
    """Write the file in one step, mode 0600; return its bytes. What is beyond its bounds is left out.

    :raises OSError: it cannot be written; the one before it stays, and no part of this one
    """
    temporary = path.with_name(f".{path.name}")
    try:
        size = _write(temporary, messages)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return size


def _write(temporary: Path, messages: Iterable[Message]) -> int:
    header = {"version": VERSION, "boot": _boot(), "time": monotonic()}
    size = 0
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        for number, content in enumerate((header, *messages)):
            line = orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)
            if len(line) > MAX_LINE:
                continue
            if number > MAX_LINES or size + len(line) > MAX_FILE:
                log.warning("hand-over: the file is full, the rest of what is known is not kept")
                break
            size += file.write(line)
    return size


@contextmanager
def collector_paused() -> Iterator[None]:
    """Messages of many flows are a million objects that no cycle is made of: looking for one takes longer than all."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def load(path: Path) -> list[Message]:
    """Return the messages of a file that is of this boot and at most a minute old; none where there is none.

    Nothing but what is known of flows comes out of it, whatever it holds, and nothing is waited for.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with collector_paused(), open(descriptor) as file:
            if not _is_ours(os.fstat(descriptor)):
                return []
            header = _parse(file.readline(MAX_LINE))
            age = monotonic() - float(header.get("time", -1e9))
            if header.get("version") != VERSION or header.get("boot") != _boot() or not 0 <= age <= MAX_AGE:
                return []
            found: list[Message] = []
            while (line := file.readline(MAX_LINE + 1)) and len(found) < MAX_LINES:
                if message := {key: value for key, value in _parse(line).items() if key in _KNOWN}:
                    found.append(message)
            return found
    except (OSError, ValueError, TypeError, RecursionError):
        return []


def _is_ours(status: os.stat_result) -> bool:
    """Return whether a file is one that :func:`write` may have made."""
    others_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return (
        stat.S_ISREG(status.st_mode)
        and status.st_uid == os.geteuid()
        and not others_write
        and status.st_size <= MAX_FILE
    )


def _parse(line: str) -> dict[str, Any]:
    """Return the object of a line; an empty one when the line is too long or holds something else."""
    if len(line) > MAX_LINE:
        return {}
    try:
        content = orjson.loads(line)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""
