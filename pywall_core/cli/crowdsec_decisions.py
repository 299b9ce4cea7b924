"""Decisions of a CrowdSec local API (LAPI), as entries of a named set with a time to live.

CrowdSec documentation, "Local API, for bouncers" and its swagger file: ``GET /v1/decisions/stream`` with the header
``X-Api-Key`` answers ``{"new": [...], "deleted": [...]}``, either may be null; with ``startup=true`` all that hold.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

_PATH: Final = "/v1/decisions/stream"
_TIMEOUT: Final = 60.0
_MAX_ANSWER: Final = 256 << 20
#: Go's time.Duration as text: "3h59m2.5s", "1h2m", "350ms", "-5s"
_PARTS: Final = re.compile(r"(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)")
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


class LapiError(Exception):
    """The API cannot be asked; the text is one line."""


@dataclass(slots=True)
class Wanted:
    """Which decisions are asked for: kinds of remedy, and as the API filters them, origins and parts of scenarios."""

    types: tuple[str, ...] = ("ban",)
    origins: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


@dataclass(slots=True)
class Lapi:
    """One API. ``authority`` is a file of certificates to trust instead of the system's."""

    url: str
    key: str
    wanted: Wanted = field(default_factory=Wanted)
    authority: str | None = None

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise LapiError(f"{self.url}: should be http://HOST:8080 or https://HOST:8080")

    def fetch(self, *, startup: bool) -> dict[str, Any]:
        """Return what has changed since the last request of this key, or with ``startup`` all that holds.

        :raises LapiError: it cannot be had
        """
        # here, since they are long to import, and every `pywall --help` imports this module
        import ssl
        from urllib.error import HTTPError, URLError
        from urllib.request import Request, urlopen

        query = {"startup": str(startup).lower(), "scopes": "ip,range"}
        for name, values in (
            ("origins", self.wanted.origins),
            ("scenarios_containing", self.wanted.scenarios),
            ("scenarios_not_containing", self.wanted.without),
        ):
            if values:
                query[name] = ",".join(values)
        address = f"{self.url.rstrip('/')}{_PATH}?{urlencode(query)}"
        headers = {"X-Api-Key": self.key, "User-Agent": "crowdsec-pywall-bouncer/v1", "Accept": "application/json"}
        try:
            context = ssl.create_default_context(cafile=self.authority) if address.startswith("https") else None
            with urlopen(Request(address, headers=headers), timeout=_TIMEOUT, context=context) as answer:  # noqa: S310 - the scheme is checked
                content = answer.read(_MAX_ANSWER + 1)
        except HTTPError as error:
            refused = error.code in (401, 403)
            remedy = ": the key is wrong; 'cscli bouncers add pywall' makes one" if refused else ""
            raise LapiError(f"{self.url}: answered {error.code}{remedy}") from None
        except (URLError, OSError, ValueError) as error:
            raise LapiError(f"{self.url}: {getattr(error, 'reason', error)}") from None
        if len(content) > _MAX_ANSWER:
            raise LapiError(f"{self.url}: the answer is larger than {_MAX_ANSWER >> 20} MiB")
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not {"new", "deleted"} & found.keys():
            raise LapiError(f"{self.url}: the answer is not that of a CrowdSec API")
        return found


@dataclass(slots=True)
class Changes:
    """What a set is to gain, by seconds to live, and to lose."""

    add: dict[float, list[str]] = field(default_factory=dict)
    delete: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.add or self.delete)

    @property
    def added(self) -> int:
        """Entries to add."""
        return sum(map(len, self.add.values()))


class Decisions:
    """The decisions that hold, by address or network. Several may hold for one; it is free when the last has gone."""

    def __init__(self, types: Iterable[str] = ("ban",)) -> None:
        self._types = frozenset(map(str.lower, types))
        self._held: dict[str, dict[object, float]] = {}
        #: decisions of other scopes or types, or that do not keep to the form
        self.skipped = 0

    def __len__(self) -> int:
        return len(self._held)

    def start(self, answer: dict[str, Any], present: Iterable[str], now: float) -> Changes:
        """Apply all decisions that hold, for a set that has the entries ``present``; ``now`` in seconds."""
        self._held.clear()
        changes = self.follow({"new": answer.get("new"), "deleted": None}, now)
        changes.delete = [entry for entry in present if entry not in self._held]
        return changes

    def follow(self, answer: dict[str, Any], now: float) -> Changes:
        """Apply what has changed. What a rounded time to live may add, at most 1 %, ends with its deletion."""
        changes = Changes()
        for entry, number, _ in self._read(answer.get("deleted"), ended=True):
            held = self._held.get(entry)
            if held is None or held.pop(number, None) is None:
                continue
            held_still = {key: end for key, end in held.items() if end > now}
            if held_still:
                self._held[entry] = held_still
            else:
                del self._held[entry]
                changes.delete.append(entry)
        longest: dict[str, float] = {}
        for entry, number, seconds in self._read(answer.get("new"), ended=False):
            self._held.setdefault(entry, {})[number] = now + seconds
            longest[entry] = max(longest.get(entry, 0.0), seconds)
        gone = set(changes.delete)
        for entry, seconds in longest.items():
            ends = max(self._held[entry].values()) - now
            changes.add.setdefault(_rounded(max(ends, seconds)), []).append(entry)
            gone.discard(entry)
        changes.delete = [entry for entry in changes.delete if entry in gone]
        return changes

    def _read(self, decisions: object, *, ended: bool) -> Iterator[tuple[str, object, float]]:
        """Yield (entry, the decision's number, seconds) of the decisions that concern us."""
        for decision in decisions if isinstance(decisions, list) else ():
            if not isinstance(decision, dict):
                self.skipped += 1
                continue
            entry = _entry(decision.get("scope"), decision.get("value"))
            seconds = duration(decision.get("duration"))
            if entry is None or str(decision.get("type", "")).lower() not in self._types:
                self.skipped += 1
            elif ended:
                yield entry, decision.get("id"), 0.0
            elif seconds is None or seconds <= 0:
                self.skipped += 1
            else:
                yield entry, decision.get("id"), seconds


def duration(text: object) -> float | None:
    """Return a duration as Go writes it in seconds, None where it is none: ``3h59m2.5s``."""
    if not isinstance(text, str):
        return None
    digits = text.removeprefix("-")
    parts = _PARTS.findall(digits)
    if not parts or "".join(number + unit for number, unit in parts) != digits:
        return None
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return -seconds if text.startswith("-") else seconds


def _entry(scope: object, value: object) -> str | None:
    """Return an address or network as named sets write it, None for other scopes."""
    if not isinstance(scope, str) or not isinstance(value, str) or scope.lower() not in ("ip", "range"):
        return None
    try:
        network = ipaddress.ip_network(value.strip(), strict=False)
    except ValueError:
        return None
    whole = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if whole else str(network)


def _rounded(seconds: float) -> float:
    """Return the next longer one of times to live in steps of 1 %, so that entries can be added together."""
    return math.ceil(1.01 ** math.ceil(math.log(max(seconds, 1.0)) / math.log(1.01)) * 10) / 10
