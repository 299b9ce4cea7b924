"""What people write as an entry of a named set, and how it is written here."""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import ip_address, summarize_address_range
from socket import getservbyname
from typing import Any, Final

#: networks that are written out for a range, at most
_MOST_NETWORKS: Final = 8
_NAME: Final = re.compile(r"=?(?:[\w-]+\.)+[^\W\d][\w-]*")


def address_form(entry: Any) -> str:
    """Return the right form of an entry that is no address or network."""
    text = str(entry).strip()
    bare, place, port = text.rpartition(":")
    if form := _negated(text) or _several(text) or _any(text):
        return form
    if "-" in text and (spans := _networks_of(text)):
        return f": a set has no ranges, write the networks {', '.join(spans)}"
    if re.fullmatch(r"(?:\d+\.){1,3}\*(?:\.\*)*", text):
        known = [part for part in text.split(".") if part != "*"]
        return f": write {'.'.join([*known, *['0'] * (4 - len(known))])}/{8 * len(known)}"
    if place and port.isdecimal() and _is_address(bare.strip("[]")):
        return f": an entry has no port, write {bare.strip('[]')}"
    if _is_address(text.strip("[]")):
        return f": write {text.strip('[]')} without brackets"
    if _NAME.fullmatch(text):
        return f": names go into a set of their own, {{type: names, entries: [{text}]}}"
    if "/" in text and _is_address(text.partition("/")[0]):
        return ": a length is at most 32, or 128 of IPv6"
    return " (192.0.2.1, 192.0.2.0/24, 2001:db8::/32)"


def port_form(entry: Any) -> str:
    """Return the right form of an entry that is no port or range of ports."""
    text = str(entry).strip()
    if form := _negated(text) or _several(text) or _any(text):
        return form
    if span := re.fullmatch(r"(\d*)\s*(?::|\.\.+|-|\u2013)\s*(\d*)", text):
        first, last = int(span[1] or 0), int(span[2] or 65535)
        if (span[1] or (span[2] and "-" not in text)) and first <= last <= 65535:
            return f": a range is written {first}-{last}"
    if number := re.fullmatch(r"(\d+)\s*/\s*\w+", text):
        return f": an entry has no protocol, write {number[1]}; the rule says it, {{rule: port, protocol: tcp, ...}}"
    with suppress(OSError, ValueError):
        return f": {text} has port {getservbyname(text.lower())}, write the number"
    return " (443, 1000-2000; at most 65535)"


def name_form(entry: Any) -> str:
    """Return the right form of an entry that is no domain name."""
    text = str(entry).strip()
    if form := _negated(text) or _several(text):
        return form
    if _is_address(text):
        return f": addresses go into a set of their own, {{type: addresses, entries: [{text}]}}"
    inside = re.search(r"(?:\w+://|\|\|)?(?:[^/@\s]*@)?((?:[\w-]+\.)+[^\W\d][\w-]*)(?:[:/^].*)?$", text)
    if inside and inside[1] != text:
        return f": write {inside[1]}"
    return " (example.org; =example.org for it alone)"


def _negated(text: str) -> str:
    bare = re.sub(r"^(?:!\s*|not\s+)", "", text)
    return "" if bare == text else f": a set has no exceptions; put {bare} into one of its own, and 'not' into the rule"


def _several(text: str) -> str:
    parts = re.split(r"\s*[,;]\s*|\s+", text.strip("{} "))
    return f": write a list, [{', '.join(parts)}]" if len(parts) > 1 and all(map(_plain, parts)) else ""


def _plain(text: str) -> bool:
    return _is_address(text.partition("/")[0]) or text.isdecimal() or _NAME.fullmatch(text) is not None


def _any(text: str) -> str:
    return ": for any, leave the set out of the rule" if text.lower() in ("any", "all", "*") else ""


def _is_address(text: str) -> bool:
    with suppress(ValueError):
        return bool(ip_address(text))
    return False


def _networks_of(text: str) -> list[str]:
    """Return the networks of a range ``10.0.0.1-10.0.0.9`` or ``10.0.0.1-9``; the first few of many."""
    first, _, last = (part.strip() for part in text.partition("-"))
    if last.isdecimal():
        last = f"{first.rpartition('.')[0]}.{last}"
    with suppress(ValueError, TypeError):
        found = [str(one) for one in summarize_address_range(ip_address(first), ip_address(last))]
        plain = [one.removesuffix("/32").removesuffix("/128") for one in found[:_MOST_NETWORKS]]
        return [*plain, *(["..."] if len(found) > _MOST_NETWORKS else [])]
    return []
