"""Files of the first PyWall (2015, 2021) as a policy: JSON with chains by name, each a list of rules."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any, Final

from ..installed import entry_points

Rule = dict[str, Any]

#: The ancestors' rules, with the parameters that each takes besides ``name`` and ``action``.
_PORTS: Final = ("protocol", "src_lo", "src_hi", "dst_lo", "dst_hi")
PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "SourceIPRule": ("cidr_range",),
    "DestinationIPRule": ("cidr_range",),
    "PortRule": ("protocol", "src_port", "dst_port"),
    "PortRangeRule": _PORTS,
    "IPPortRule": (*_PORTS, "src_ip", "dst_ip"),
    "TCPRule": (),
    "TCPStateRule": ("match_if", "match_if_not"),
    "PortKnocking": ("protocol", "port", "src_port", "timeout", "doors"),
    "PrintRule": (),
    "TrueRule": (),
    "EntropyRule": (),
}
#: what can be converted
_READ: Final = "give the output of iptables-save or nft -j list ruleset, ufw's user.rules, or JSON of the first PyWall"


class Converter:
    """The conversion of one file. ``notes`` are remarks for the user."""

    def __init__(self, file: str) -> None:
        from ..config.document import Document

        self.document = Document(file)
        self.notes: list[str] = []
        self.plugins = ["rules"]

    def convert(self) -> dict[str, Any]:
        """Return the configuration as plain data.

        :raises ConfigError: all that cannot be converted
        """
        from ..config import ConfigError

        data = self._read()
        default = data.pop("default_chain", "ACCEPT")
        if default not in ("ACCEPT", "DROP"):
            self.document.error(("default_chain",), f"{default!r} is neither ACCEPT nor DROP")
        chains = {self._chain_name(name): self._chain(name, rules, data) for name, rules in data.items()}
        chains.setdefault("INPUT", [])
        if self.document.problems:
            raise ConfigError(self.document.problems)
        return {
            "version": 1,
            "queue": {"hooks": ["INPUT", "OUTPUT"], "loopback": True},
            "plugins": self.plugins,
            "chains": self._reached(chains),
            "default": "ACCEPT" if default == "ACCEPT" else {"INPUT": default, "OUTPUT": "ACCEPT"},
        }

    def _read(self) -> dict[str, Any]:
        from ..config import ConfigError, Problem
        from ..config.yaml_reader import MAX_BYTES, parse

        file = self.document.file
        with FilePath(file).open("rb") as stream:
            text = stream.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise ConfigError([Problem(0, 0, "", f"larger than {MAX_BYTES >> 20} MiB", file)])
        try:
            data = json.loads(text, object_pairs_hook=_no_duplicates)
        except UnicodeDecodeError:
            raise ConfigError([Problem(0, 0, "", f"not text; {_READ}", file)]) from None
        except json.JSONDecodeError as error:
            what = f"not JSON: {error.msg}" if text.lstrip()[:1] in (b"{", b"[") else "no rules that are known"
            raise ConfigError([Problem(error.lineno, error.colno, "", f"{what}; {_READ}", file)]) from None
        except (ValueError, RecursionError) as error:
            raise ConfigError([Problem(0, 0, "", f"not JSON: {error}", file)]) from None
        with contextlib.suppress(ConfigError):
            self.document.marks = parse(text, file).marks  # JSON is YAML, tabs aside
        if not isinstance(data, dict):
            raise ConfigError([Problem(1, 1, "", "should be an object: chains by name, and default_chain", file)])
        return data

    def _chain(self, name: str, rules: Any, chains: dict[str, Any]) -> list[Rule]:
        if not isinstance(rules, list):
            self.document.error((name,), "a chain is a list of rules")
            return []
        converted: list[Rule] = []
        for at, rule in enumerate(rules):
            converted += self._rule(rule, (name, at), chains)
        return converted

    def _rule(self, rule: Any, path: tuple[str | int, ...], chains: dict[str, Any]) -> list[Rule]:
        from ..config import nearest

        name = rule.get("name") if isinstance(rule, dict) else None
        if name not in PARAMETERS:
            known = ", ".join(PARAMETERS)
            self.document.error((*path, "name"), f"there is no rule {name!r}{_nearest_rule(name)} (known: {known})")
            return []
        known_keys = ("name", "action", *PARAMETERS[name])
        for key in rule:
            if key not in known_keys:
                self.document.error((*path, key), f"{name} has no parameter {key!r}{nearest(key, known_keys)}")
        action = rule.get("action", "ACCEPT" if name == "PortKnocking" else "DROP")
        if action not in ("ACCEPT", "DROP") and action not in chains:
            known = ", ".join(["ACCEPT", "DROP", *chains])
            self.document.error((*path, "action"), f"{action!r} is neither an action nor a chain (known: {known})")
            return []
        try:
            converted = _CONVERT[name](self, rule)
        except (KeyError, TypeError, ValueError) as error:
            what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
            self.document.error(path, f"{name}: {what}")
            return []
        if name == "PrintRule":
            return converted
        return [{**part, "action": self._chain_name(action)} for part in converted]

    @staticmethod
    def _chain_name(name: str) -> str:
        """The ancestors filtered INPUT only; a chain that bears another hook's name must not become that hook's."""
        return f"CHAIN_{name}" if name in ("OUTPUT", "FORWARD") else name

    def _reached(self, chains: dict[str, list[Rule]]) -> dict[str, list[Rule]]:
        reached = ["INPUT"]
        for name in reached:
            targets = [rule["action"] for rule in chains[name] if rule.get("action") in chains]
            reached += [target for target in dict.fromkeys(targets) if target not in reached]
        for name in chains:
            if name not in reached:
                self.notes.append(f"chain {name} is left out: no rule leads there")
        return {name: chains[name] for name in reached}

    def _need(self, *plugins: str) -> None:
        self.plugins += [name for name in plugins if name not in self.plugins]

    def _tcp_state(self, rule: Rule) -> list[Rule]:
        if ("match_if" in rule) == ("match_if_not" in rule):
            raise ValueError("exactly one of 'match_if' and 'match_if_not' is given")
        self._need("stream")
        key = "match_if" if "match_if" in rule else "match_if_not"
        return [{"rule": "tcp-state", "is" if key == "match_if" else "not": rule[key]}]

    def _entropy(self, rule: Rule) -> list[Rule]:
        """SSH was matched, TLS and OpenVPN let through; only what is unknown was classified by its bytes."""
        if not entry_points(group="pywall.plugins", name="hedge"):
            raise ValueError("needs the plugin 'hedge', which is not installed: pip install pywall-hedge")
        self._need("stream", "protocols", "hedge")
        return [{"rule": "app", "is": "ssh"}, {"rule": "payload", "is": "encrypted", "min_entropy": 5.0}]


def _nearest_rule(name: object) -> str:
    """By beginning first: ``PortFilter`` is nearer to ``PortRule`` than its letters say."""
    from ..config import nearest

    text = str(name)
    hint = nearest(text, PARAMETERS)
    if hint:
        return hint
    alike = sorted(known for known in PARAMETERS if known[:4] == text[:4])
    return f"; did you mean {' or '.join(map(repr, alike))}?" if alike else ""


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"duplicate key {key!r}")
        found[key] = value
    return found


def _protocol(rule: Rule) -> str:
    protocol = str(rule["protocol"]).lower()
    if protocol not in ("tcp", "udp"):
        raise ValueError(f"{rule['protocol']!r} is neither TCP nor UDP")
    return protocol


def _range(rule: Rule, side: str) -> int | str | None:
    low, high = rule.get(f"{side}_lo"), rule.get(f"{side}_hi")
    if low is None and high is None:
        return None
    low, high = 0 if low is None else int(low), 65535 if high is None else int(high)
    return low if low == high else f"{low}-{high}"


def _ports(rule: Rule, src: int | str | None, dst: int | str | None) -> Rule:
    if src is None and dst is None:
        return {"rule": "protocol", "is": _protocol(rule)}
    given = {key: value for key, value in (("src", src), ("dst", dst)) if value is not None}
    return {"rule": "port", "protocol": _protocol(rule), **given}


def _port(converter: Converter, rule: Rule) -> list[Rule]:
    return [_ports(rule, rule.get("src_port"), rule.get("dst_port"))]


def _port_range(converter: Converter, rule: Rule) -> list[Rule]:
    return [_ports(rule, _range(rule, "src"), _range(rule, "dst"))]


def _ip_port(converter: Converter, rule: Rule) -> list[Rule]:
    addresses = {side: rule[f"{side}_ip"] for side in ("src", "dst") if f"{side}_ip" in rule}
    ports = _port_range(converter, rule)
    return [{"all": [*ports, {"rule": "ip", **addresses}]}] if addresses else ports


def _knocking(converter: Converter, rule: Rule) -> list[Rule]:
    timeout = rule.get("timeout", 60)
    knock = {
        "rule": "knock",
        "protocol": _protocol(rule),
        "port": rule["port"],
        "doors": [f"{port}/{protocol.lower()}" for protocol, port in rule["doors"]],
        "window": timeout,
        "grant": timeout,
    }
    if "src_port" in rule:
        knock["src_port"] = rule["src_port"]
    return [knock]


_CONVERT: Final[dict[str, Callable[[Converter, Rule], list[Rule]]]] = {
    "SourceIPRule": lambda _, rule: [{"rule": "ip", "src": rule["cidr_range"]}],
    "DestinationIPRule": lambda _, rule: [{"rule": "ip", "dst": rule["cidr_range"]}],
    "PortRule": _port,
    "PortRangeRule": _port_range,
    "IPPortRule": _ip_port,
    "TCPRule": lambda _, rule: [{"rule": "protocol", "is": "tcp"}],
    "TCPStateRule": Converter._tcp_state,
    "PortKnocking": _knocking,
    "PrintRule": lambda _, rule: [{"rule": "log", "each": "packet", "message": "packet"}],
    "TrueRule": lambda _, rule: [{"rule": "always"}],
    "EntropyRule": Converter._entropy,
}
