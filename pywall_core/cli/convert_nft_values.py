"""Values of nft's JSON as a policy writes them: addresses, ports, sets' elements, limits (libnftables-json(5))."""

from __future__ import annotations

from typing import Any

from .convert_lines import limit_rule
from .convert_matches import NoEqualError, Rule

Expression = dict[str, Any]


def values_of(right: Any) -> list[Any]:
    if isinstance(right, dict) and "set" in right:
        right = right["set"]
    return [element_of(value) for value in right] if isinstance(right, list) else [right]


def element_of(value: Any) -> Any:
    """Return an element of a set without its time to live, comment and counter."""
    return value["elem"]["val"] if isinstance(value, dict) and "elem" in value else value


def address_of(value: Any) -> str:
    if isinstance(value, dict) and "prefix" in value:
        return f"{value['prefix']['addr']}/{value['prefix']['len']}"
    return str(number_range(value))


def port_of(value: Any) -> int | str:
    port = number_range(value)
    if isinstance(port, str) and not port.replace("-", "").isdecimal():
        raise NoEqualError(f"the port {port} by name; write its number")
    return port


def number_range(value: Any) -> int | str:
    if isinstance(value, dict) and "range" in value:
        return "-".join(map(str, value["range"]))
    if not isinstance(value, (int, str)):
        raise NoEqualError("a concatenation has no equal")
    return value


def limit_as_rule(value: Expression) -> Rule:
    if value.get("rate_unit", "packets") != "packets":
        raise NoEqualError("a rate in bytes: write {rule: limit, of: bytes, over: 1MB/s}")
    limit = limit_rule(f"{value['rate']}/{value['per']}", str(value.get("burst", "")))
    return limit if value.get("inv") else {"not": limit}


def count_as_rule(value: Expression) -> Rule:
    limit: Rule = {"rule": "limit", "concurrent": value["val"], "by": "all"}
    return limit if value.get("inv") else {"not": limit}
