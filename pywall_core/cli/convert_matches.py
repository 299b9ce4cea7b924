"""Options of iptables' matches that count, know sets, the time or the user, as rules of a policy."""

from __future__ import annotations

import re
from typing import Any, Final

Rule = dict[str, Any]

#: The options, and how many values each has.
OPTIONS: Final = {
    **dict.fromkeys(
        ("--src-range", "--dst-range", "--uid-owner", "--timestart", "--timestop", "--weekdays", "--path"), 1
    ),
    **dict.fromkeys(("--seconds", "--hitcount", "--name", "--mask", "--connlimit-above", "--connlimit-mask"), 1),
    **dict.fromkeys(("--hashlimit-upto", "--hashlimit-above", "--hashlimit-burst", "--hashlimit-mode"), 1),
    **dict.fromkeys(("--hashlimit-name", "--hashlimit-srcmask", "--hashlimit-htable-expire"), 1),
    **dict.fromkeys(("--update", "--rcheck", "--rsource", "--connlimit-saddr", "--utc", "--kerneltz"), 0),
    "--match-set": 2,
}
_MODES: Final = {
    "srcip": "source",
    "dstip": "destination",
    "srcip,dstip": "pair",
    "dstip,dstport": "service",
    "": "all",
}
_PER: Final = {"second": "s", "sec": "s", "s": "s", "minute": "m", "min": "m", "m": "m", "hour": "h", "h": "h"}


class NoEqualError(ValueError):
    """The rule cannot be said in a policy; the text says why."""


def match_rules(given: dict[str, str]) -> list[Rule]:
    """Return the rules for the options of one line. :raises NoEqualError: they have no equal"""
    rules: list[Rule] = []
    for option, side in (("--src-range", "src"), ("--dst-range", "dst")):
        if option in given:
            rules.append({"rule": "ip", side: given[option]})
    if "--match-set" in given:
        rules.append(_in_set(*given["--match-set"].split()))
    if "--uid-owner" in given:
        rules.append({"rule": "user", "is": _number(given["--uid-owner"], "a user by name or range")})
    if "--path" in given:  # of xt_cgroup: the group and those below it
        path = given["--path"].strip("/")
        rules.append({"rule": "cgroup", "path": [f"/{path}", f"/{path}/*"]})
    if {"--timestart", "--timestop", "--weekdays"} & set(given):
        rules.append(_time(given))
    if "--update" in given or "--rcheck" in given:
        rules.append(_recent(given))
    if "--connlimit-above" in given:
        most = {"rule": "limit", "concurrent": _number(given["--connlimit-above"], "connections")}
        rules.append({**most, **_prefix(given.get("--connlimit-mask", "32"))})
    if "--hashlimit-upto" in given or "--hashlimit-above" in given:
        rules.append(_hashlimit(given))
    return rules


def _in_set(name: str, sides: str) -> Rule:
    if sides not in ("src", "dst") or not re.fullmatch(r"[A-Za-z_][\w.-]*", name):
        raise NoEqualError(f"the set {name} by {sides} has no equal")
    return {"rule": "ip", sides: f"@{name}"}


def _number(text: str, what: str) -> int:
    if not text.isdecimal():
        raise NoEqualError(f"{what} ({text}) has no equal")
    return int(text)


def _time(given: dict[str, str]) -> Rule:
    rule: Rule = {"rule": "time", **({} if "--kerneltz" in given else {"zone": "UTC"})}
    if "--timestart" in given or "--timestop" in given:
        begin, end = given.get("--timestart", "00:00")[:5], given.get("--timestop", "24:00")[:5]
        rule["hours"] = f"{begin}-{end}"
    if "--weekdays" in given:
        days = [day.lower()[:3] for day in given["--weekdays"].split(",")]
        if not set(days) <= {"mon", "tue", "wed", "thu", "fri", "sat", "sun"}:
            raise NoEqualError(f"the days {given['--weekdays']} have no equal")
        rule["days"] = days
    return rule


def _recent(given: dict[str, str]) -> Rule:
    """Of a list that another line fills: the rule counts by itself, at the latest when the list would be full."""
    if "--seconds" not in given or "--hitcount" not in given:
        raise NoEqualError("the match recent without --seconds and --hitcount has no equal")
    seconds, times = (_number(given[option], option) for option in ("--seconds", "--hitcount"))
    return {"rule": "seen", "times": times, "within": f"{seconds}s"}


def _hashlimit(given: dict[str, str]) -> Rule:
    above = given.get("--hashlimit-above")
    number, _, per = (above or given["--hashlimit-upto"]).partition("/")
    by = _MODES.get(given.get("--hashlimit-mode", ""))
    if not number.isdecimal() or per not in _PER or by is None:
        raise NoEqualError("the match hashlimit by bytes, days or this mode has no equal")
    burst = _number(given.get("--hashlimit-burst", "5"), "the burst")
    limit: Rule = {"rule": "limit", "over": f"{number}/{_PER[per]}", "of": "packets", "by": by, "burst": burst}
    limit |= _prefix(given.get("--hashlimit-srcmask", "32"))
    return limit if above else {"not": limit}


def _prefix(mask: str) -> Rule:
    return {} if mask == "32" else {"prefix4": _number(mask, "a mask")}
