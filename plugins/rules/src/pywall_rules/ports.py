"""Sets of port numbers, and the protocols that have ports."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from pywall_core.api import NamedSet

from .lists import one_or_more
from .templates import template_form

#: IP protocol numbers (IANA) of the transport protocols whose header begins with two port numbers.
PORT_PROTOCOLS: Final = {"tcp": 6, "udp": 17, "dccp": 33, "sctp": 132, "udplite": 136}

_RANGE: Final = re.compile(r"\s*\d+\s*-[\d\s-]*\d\s*")
#: Sets up to this size are hashed, larger ones become a table of 64 KiB.
_SMALL: Final = 256


class PortSet:
    """Port numbers 0 to 65535. ``has(port)`` is true for its members."""

    def __init__(self, ports: frozenset[int], named: tuple[str, ...] = ()) -> None:
        self.ports = ports
        #: names of sets whose members are members too
        self.named = named
        self.has: Callable[[int], object] = (
            ports.__contains__ if len(ports) <= _SMALL else bytes(port in ports for port in range(65536)).__getitem__
        )

    @classmethod
    def parse(cls, value: Any) -> PortSet:
        """From a number, a range ``"1000-2000"`` (inclusive), or a list of both.

        :raises ValueError: naming the entry that is not a port
        """
        if isinstance(value, cls):
            return value
        ports: set[int] = set()
        named: list[str] = []
        for entry in one_or_more(value):
            if isinstance(entry, str) and entry.startswith("@"):
                named.append(entry[1:])
            else:
                ports.update(_range(entry))
        return cls(frozenset(ports), tuple(named))

    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Return the first and last port of each range, without the named sets."""
        found: list[tuple[int, int]] = []
        for number in sorted(self.ports):
            if found and number == found[-1][1] + 1:
                found[-1] = found[-1][0], number
            else:
                found.append((number, number))
        return tuple(found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PortSet) and (self.named, self.ports) == (other.named, other.ports)

    def __hash__(self) -> int:
        return hash((self.named, self.ports))

    def bound(self, sets: Mapping[str, NamedSet]) -> Callable[[int], object]:
        """Return the function that says whether a port is a member, of the named sets as they are at that time too."""
        if not self.named:
            return self.has
        own, parts = self.has, [sets[name] for name in self.named]
        return lambda port: own(port) or any(port in part for part in parts)


#: dashes that word processors put in place of a hyphen
_DASHES: Final = "\u2010\u2011\u2012\u2013\u2014\u2212"


def port(entry: Any) -> int:
    """:raises ValueError: not a port number"""
    if type(entry) is not int or not 0 <= entry <= 65535:
        shown = str(entry).lower() if isinstance(entry, bool) else entry if isinstance(entry, int) else repr(entry)
        shown = "a mapping" if isinstance(entry, dict) else shown
        raise ValueError(f"{shown} is not a port{_right_form(entry)}")
    return entry


def port_text(text: str) -> int:
    """Return the port that a text says: ``22``. :raises ValueError: not a port number"""
    text = text.strip()
    return port(int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else text)


def _right_form(entry: Any) -> str:
    """Return how people write ports elsewhere, and how they are written here."""
    text = str(entry).strip()
    if isinstance(entry, list):
        return f": a list is not in a list, write {', '.join(map(str, entry))} without its brackets"
    if isinstance(entry, dict) and len(entry) == 1 and type(inside := next(iter(entry.values()))) is int:
        return f": write {inside}"
    if isinstance(entry, dict) and "a mapping" in entry:
        return ": a variable is written ${name}"
    if isinstance(entry, dict) and entry:
        return f": write a list with [ ], [{', '.join(map(str, entry))}]"
    if isinstance(entry, float) and entry.is_integer():
        return f": write {int(entry)}"
    if text.isdecimal() and isinstance(entry, str):
        return f": write {text} without quotes"
    if not isinstance(entry, bool) and (form := _span_form(text.strip("[]"))):
        return form
    if text.startswith(("!", "not ")):
        return f": for all but this, write {{not: {{rule: port, dst: {text.removeprefix('not').lstrip('!= ')}}}}}"
    if text.lower() in ("any", "all", "*"):
        return ": for any port, write {rule: protocol, is: tcp}"
    if template := template_form(text):
        return template
    if re.fullmatch(r"[$%]\W?\w+\W?", text):
        return f": a variable is written ${{{re.sub(chr(92) + 'W', '', text)}}}"
    sides = re.fullmatch(r"(?P<a>[\w-]+)\s*[/:]\s*(?P<b>[\w-]+)", text.lower())
    if sides:
        number, protocol = (sides["b"], sides["a"]) if sides["a"] in PORT_PROTOCOLS else (sides["a"], sides["b"])
        if protocol in PORT_PROTOCOLS and number.replace("-", "").isdecimal():
            return f": write {{rule: port, protocol: {protocol}, dst: {number}}}"
    if isinstance(entry, str) and text.replace("-", "").isalnum():
        with suppress(OSError):
            return (
                f": {text} has port {socket.getservbyname(text.lower())}, write {{rule: service, is: {text.lower()}}}"
            )
    return " (0-65535)"


def _span_form(text: str) -> str:
    """Return the form of several ports that are written otherwise: a range, an open range, a list."""
    plain = re.sub(f"[{_DASHES}]", "-", text)
    span = re.fullmatch(r"(\d*)\s*(?::|-|\.\.+|to)\s*(\d*)", plain)
    if span and span[1] and span[2] and int(span[1]) > int(span[2]):
        return f": a range has the lower port first; of a pair as Docker has it write the second, {span[2]}"
    if span and (span[1] or span[2]):
        form = f"{span[1] or 0}-{span[2] or 65535}"
        return f": a range is written with -, {form}" if plain != text else f": a range is written {form}"
    compared = re.fullmatch(r"([<>]=?)\s*(\d+)", text)
    if compared:
        sign, bound = compared[1], int(compared[2])
        return f": write {bound + (sign == '>')}-65535" if sign[0] == ">" else f": write 0-{bound - (sign == '<')}"
    published = re.fullmatch(r"[\d.]+:\d+:(\d+)(?:/\w+)?", text)
    if published:
        return f": write the container's port, {published[1]}, in the chain FORWARD"
    between = re.fullmatch(r"(\d+)\s*(><|<>)\s*(\d+)", text)  # pf: inside, outside
    if between:
        low, high = int(between[1]), int(between[3])
        return f": write {low + 1}-{high - 1}" if between[2] == "><" else f": write [0-{low - 1}, {high + 1}-65535]"
    several = [one for one in re.split(r"[\s,;|]+", text.strip("(){} ")) if one not in ("or", "and")]
    if len(several) > 1 and all(re.fullmatch(r"\d+(-\d+)?|[a-z][a-z-]*", one) for one in several):
        return f": write a list, [{', '.join(several)}]"
    return ""


def _range(entry: Any) -> range:
    if isinstance(entry, str) and _RANGE.fullmatch(entry):
        low, _, high = entry.partition("-")
        if "-" in high:
            raise ValueError(f"{entry!r} is not a port, nor a range, 1000-2000")
        first, last = port_text(low), port_text(high)
        if first > last:
            raise ValueError(f"{entry!r} is an empty range: the lower port comes first")
        return range(first, last + 1)
    found = port(entry)
    return range(found, found + 1)
