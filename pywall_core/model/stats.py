"""Counters of several engines as one: those of a firewall's workers, or of the shares of a capture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]


def sum_stats(parts: Iterable[Mapping[str, Any]]) -> Json:
    """Return the sum of ``stats``: numbers are added, lists of counters joined by what they are counters of. The time
    of a rule's last hit (``rule_last``) is the latest.
    """
    total: Json = {}
    for part in parts:
        for name, value in part.items():
            if name not in total:
                total[name] = value
            elif name == "rule_last":
                before = total[name]
                total[name] = {rule: max(value.get(rule, 0.0), before.get(rule, 0.0)) for rule in value | before}
            else:
                total[name] = _add(total[name], value)
    return total


def _add(one: Any, two: Any) -> Any:
    if isinstance(one, dict) and isinstance(two, dict):
        return sum_stats([one, two])
    if isinstance(one, bool) or isinstance(two, bool):
        return one or two
    if isinstance(one, int | float) and isinstance(two, int | float):
        return one + two
    if isinstance(one, list) and isinstance(two, list):
        return _add_counters(one + two)
    return one or two


def _add_counters(rows: list[Json]) -> list[Json]:
    packets: dict[tuple[tuple[str, Any], ...], int] = {}
    for row in rows:
        key = tuple((name, value) for name, value in row.items() if name != "packets")
        packets[key] = packets.get(key, 0) + row["packets"]
    return [{**dict(key), "packets": n} for key, n in packets.items()]
