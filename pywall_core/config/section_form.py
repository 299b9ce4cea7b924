"""The right form of a section that got a single value or a list."""

from __future__ import annotations

from typing import Final

#: keys of a rule that stand among the chains when they are indented too little
_RULE_KEYS: Final = frozenset({"rule", "all", "any", "not", "action", "src", "dst", "is", "protocol", "in", "out"})


def section_form(path: tuple[str | int, ...], value: object) -> str:
    """Return how a section is written that got a single value or a list: ``: write {number: 1}``, or nothing."""
    if value is None and path and path[0] != "version" and len(path) == 1:
        return ": nothing stands below it; indent what belongs to it, or leave the key out"
    if path == ("queue",) and isinstance(value, int):
        return f": write {{number: {value}}}"
    if path == ("failure",) and isinstance(value, str):
        return f": write {{all: {'open' if 'open' in value or value in ('accept', 'allow', 'pass') else 'closed'}}}"
    if path == ("chains",) and isinstance(value, list):
        return ": write INPUT: [...] without the dash in front of it"
    if path == ("sets",) and isinstance(value, list) and value and isinstance(value[0], str):
        return f": write {{{value[0]}: {{}}}}, {{}} for a set that begins empty"
    if path[:1] == ("chains",) and len(path) == 2:
        return _chain_form(str(path[1]), value)
    if path == ("queue", "workers") and not str(value).isdecimal():
        return ": write the number of CPUs that are for it, 1 to 15"
    if path == ("events",) and isinstance(value, str):
        return f": write {{file: {value}}}"
    if path == ("table",) and isinstance(value, int) and not isinstance(value, bool):
        return f": write {{flows: {value}}}"
    if path == ("detection",) and isinstance(value, int) and not isinstance(value, bool):
        return f": write {{bytes: {value}}}"
    if len(path) == 2 and path[0] == "sets" and isinstance(value, list):
        few = [str(entry) for entry in value[:3]] + ["..."] * (len(value) > 3)
        return f": write {{entries: [{', '.join(few)}]}}"
    if len(path) == 2 and path[0] == "sets" and isinstance(value, str):
        return f": write {{file: {value}}}"
    return ""


def _chain_form(name: str, value: object) -> str:
    """Return how a chain is written that is no list of rules."""
    if name in _RULE_KEYS and not isinstance(value, list):
        return f" of rules; {name!r} is a key of a rule: indent it as the other keys of its rule"
    if isinstance(value, str) and value.strip().startswith("- "):
        return f": leave | or > out behind {name}:"
    if isinstance(value, str) and value.upper() in ("ACCEPT", "DROP", "REJECT", "ALLOW", "DENY"):
        action = {"ALLOW": "ACCEPT", "DENY": "DROP"}.get(value.upper(), value.upper())
        return f" of rules: what is done at the end of a chain is said apart from chains, default: {{{name}: {action}}}"
    if isinstance(value, dict) and len(value) == 1 and isinstance(next(iter(value.values())), list):
        return f" of rules: write them below {name}: itself, without {next(iter(value))!r}"
    if isinstance(value, dict):
        return ": begin each entry with '- '"
    return f" of rules: write {name}: [{{rule: ..., action: ...}}]"
