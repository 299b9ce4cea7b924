"""Where a report's events come from: an EVE file, or captures through ``pywall replay`` and ``pywall explain``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

Event = dict[str, Any]

#: a flow as two runs of the same capture know it: its Community ID, its client, its start
FlowKey = tuple[str, str, str]


class SourceError(Exception):
    """The events cannot be had; the text is one line that says why."""


@dataclass(slots=True)
class Policy:
    """What ``pywall replay`` is told in addition to the captures."""

    config: str | None = None
    against: str | None = None
    sides: list[str] = field(default_factory=list)
    #: a capture could not be read, or not to its end
    damaged: bool = False
    #: what was said of the captures, which are read several times
    said: set[str] = field(default_factory=set)

    def arguments(self) -> list[str]:
        """Return the command line's arguments."""
        return [*(["--config", self.config] if self.config else []), *self.sides]


def events_of_file(path: str) -> Iterator[Event]:
    """Return the events of an EVE file; ``-`` is standard input. Lines that are no JSON object are passed over.

    :raises SourceError: the file cannot be read, or no line of it is one
    """
    try:
        with sys.stdin if path == "-" else Path(path).open(encoding="utf-8", errors="replace") as file:
            events = _parsed(file)
            first = next(events, None)
            if first is None:
                raise SourceError(f"{path}: no line is an event (EVE JSON)")
            yield first
            yield from events
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from None


def events_of_captures(captures: Sequence[str], policy: Policy) -> Iterator[Event]:
    """Return the events of ``pywall replay --json``.

    :raises SourceError: the command failed; captures that are cut off give what can be read
    """
    yield from _run(policy, "replay", "--json", *policy.arguments(), *captures)


def changed_flows(captures: Sequence[str], policy: Policy) -> list[Event]:
    """Return the flow events whose verdict the policy ``against`` changes; ``pywall.against`` says into what."""
    if policy.against is None:
        return []
    return list(_run(policy, "replay", "--json", "--against", policy.against, *policy.arguments(), *captures))


def stories(captures: Sequence[str], policy: Policy) -> dict[FlowKey, list[Any]]:
    """Return the steps of each flow as ``pywall explain --json`` tells them."""
    found: dict[FlowKey, list[Any]] = {}
    for capture in captures:
        for story in _run(policy, "explain", "--json", *policy.arguments(), capture):
            found[flow_key(story["event"])] = story["steps"]
    return found


def flow_key(event: Event) -> FlowKey:
    """Return what identifies a flow over several runs."""
    return event["community_id"], event["src_ip"], event["flow"]["start"]


def _run(policy: Policy, *arguments: str) -> Iterator[Event]:
    command = [sys.executable, "-c", "from pywall_core.cli import main; raise SystemExit(main())", *arguments]
    found = False
    with TemporaryFile("w+", encoding="utf-8", errors="replace") as said:  # a pipe that nobody reads yet would fill
        with subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=subprocess.PIPE, stderr=said, text=True, encoding="utf-8"
        ) as process:
            assert process.stdout is not None
            for event in _parsed(process.stdout):
                found = True
                yield event
        said.seek(0)
        for line in said:
            if line not in policy.said:
                policy.said.add(line)
                print(line, end="", file=sys.stderr)
    policy.damaged |= process.returncode == 1
    # 1: a capture could not be read to its end, or nothing could be done at all
    if process.returncode not in (0, 1) or (process.returncode == 1 and not found):
        raise SourceError(f"pywall {arguments[0]} failed (exit code {process.returncode})")


def _parsed(lines: IO[str]) -> Iterator[Event]:
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event
