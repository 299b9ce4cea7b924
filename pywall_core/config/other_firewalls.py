"""Lines of ufw, iptables, nft, Suricata and others where a rule belongs: what is to be written instead."""

from __future__ import annotations

import re
from typing import Final

from ..model.verdict import Action
from .aliases import ACTION_ALIASES
from .errors import shown

_FORMS: Final = "{rule: KIND, ...}, {all: [...]}, {any: [...]} or {not: {...}}"
_CONVERT: Final = "'pywall convert FILE' writes a policy from"
_SOURCES: Final = (
    ("iptables-save", re.compile(r"ip6?tables\s|-[AID]\s|\*(?:filter|nat|mangle|raw)$|COMMIT$")),
    (
        "nft -j list ruleset",
        re.compile(
            r"(?:tcp|udp|ip6?|ct|meta|icmp|icmpv6|[io]if|[io]ifname|th|add|insert|nft)\s+\S+\s+\S+"
            r"|flush\s+ruleset|table\s+(?:inet|ip6?|arp|bridge|netdev)\s"
        ),
    ),
)
_SURICATA: Final = re.compile(r"(?:alert|drop|pass|reject|log|sdrop|activate|dynamic)\s+\S+\s+.+(?:[<-]>|<-)\s")
_PORT: Final = re.compile(r"port\s+(?P<port>\d{1,5})(?:\s*:?\s*(?P<action>[A-Za-z]+))?")
_LOG: Final = re.compile(r"(?:log|alert)(?:\s+prefix\s+\S+)?(?:\s+\w+)?", re.IGNORECASE)


def line_form(data: object) -> str:
    """Return what is said of a value where a rule is expected."""
    if isinstance(data, list) and len(data) == 1:
        return f"{shown(data)}: should be a rule: write it without the brackets of a list"
    if not isinstance(data, str):
        return f"{shown(data)}: should be a rule, {_FORMS}"
    text = data.strip()
    if keyed := re.fullmatch(r"(rule|all|any|not)[\s:=]+([a-z-]+)", text):
        return f"{shown(data)}: should be a rule: write '{keyed[1]}: {keyed[2]}', with a colon and a blank behind it"
    form = _written(text)
    for name, pattern in _SOURCES:
        if pattern.match(text):
            written = f"write {form}; " if form else ""
            return f"{shown(data)}: should be a rule; {written}{_CONVERT} the output of {name}"
    if _SURICATA.match(text):
        form = "of a rule of Suricata or Snort write what it looks for, {rule: fact, name: ...}"
        return f"{shown(data)}: should be a rule; {form}"
    return f"{shown(data)}: should be a rule{f'; write {form}' if form else f', {_FORMS}'}"


def key_form(key: str, value: object) -> str:
    """Return how a rule is written that is one key: ``port 22: ACCEPT``, ``ssh: allow``, ``allow: ssh``, or nothing."""
    if isinstance(value, (dict, list)) or value is None:
        return ""
    text = f"{key} {value}"
    form = _written(text) if " " in key or not {key.lower(), str(value).lower()}.isdisjoint(ACTION_NAMES) else ""
    return f"; write {form}" if form else ""


#: words that stand for an action, in lower case
ACTION_NAMES: Final = {
    **{name.lower(): name for name in Action.__members__},
    **{word: name for word, name in ACTION_ALIASES.items() if name in Action.__members__},
}


def _written(text: str) -> str:
    from .foreign_line import translated  # a policy without a mistake needs none of its expressions

    if form := translated(text):
        return form
    port = _PORT.fullmatch(text)
    if port:
        action = ACTION_NAMES.get((port["action"] or "").lower(), "ACCEPT")
        return f"{{rule: port, dst: {port['port']}, action: {action}}}"
    if _LOG.fullmatch(text):
        return "{rule: log, message: ...}, a rule of its own before the one that decides"
    fields = text.split()
    if len(fields) == 2 and fields[-1].lower() in ACTION_NAMES:
        return f"{{rule: app, is: {fields[0]}, action: {ACTION_NAMES[fields[-1].lower()]}}}"
    return ""
