"""Choosing flows by an expression in the manner of pcap-filter(7).

``[src|dst] host ADDRESS``, ``[src|dst] net CIDR``, ``[src|dst] port N`` or ``N-M``, ``[src|dst] set NAME`` (an address
or port is in this named set; of a set of names or strings: a fact is), ``tcp``, ``udp``, ``icmp``, ``ip``, ``ip6``,
``proto N``, ``app NAME``, ``verdict accept|drop|reject``, ``rule PLACE`` (or a part of its title, in quotes),
``state NAME``, ``sni PATTERN``, ``fact NAME PATTERN``, ``process PATTERN`` (name or path), ``age <60`` or ``>60``
(seconds from the first to the last packet), joined by ``and``, ``or``, ``not`` and parentheses. ``src`` is the client.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import Final

from ..model.flow import Flow
from ..model.named_set import NamedSet
from ..model.packet import ICMP, ICMPV6, TCP, UDP
from ..model.verdict import Action

Predicate = Callable[[Flow], bool]

#: words and parentheses of an expression at most
MAX_WORDS: Final = 100

#: as Wireshark and people write it: tcp.port==22, port=22
_EQUATION: Final = re.compile(
    r"(?:(?:tcp|udp|ip)\.)?(host|net|port|set|addr|src|dst|proto|app|sni|rule|verdict|state)=+(\S+)"
)
_PROTOCOLS: Final = {"tcp": (TCP,), "udp": (UDP,), "icmp": (ICMP, ICMPV6), "icmp6": (ICMPV6,), "sctp": (132,)}


class FilterError(ValueError):
    """The expression cannot be understood; the text says where."""


def parse(expression: str, sets: Mapping[str, NamedSet] | None = None) -> Predicate:
    """Return the expression as a function of a flow. ``sets`` are those that it may name; None: any, of no members.

    :raises FilterError: it is no such expression, or names another set
    """
    tokens = re.findall(r"""[()]|"[^"]*"|'[^']*'|[<>]=?|[^\s()<>"']+""", expression)
    if len(tokens) > MAX_WORDS:
        raise FilterError(f"more than {MAX_WORDS} words")
    parser = _Parser(tokens, sets)
    predicate = parser.any_of()
    if parser.tokens:
        raise FilterError(f"{parser.tokens[0]!r} was not expected")
    return predicate


class _Parser:
    def __init__(self, tokens: list[str], sets: Mapping[str, NamedSet] | None) -> None:
        self.tokens = tokens
        self.sets = sets

    def any_of(self) -> Predicate:
        parts = [self.all_of()]
        while self.tokens[:1] == ["or"]:
            self.tokens.pop(0)
            parts.append(self.all_of())
        return parts[0] if len(parts) == 1 else lambda flow: any(part(flow) for part in parts)

    def all_of(self) -> Predicate:
        parts = [self.one()]
        while self.tokens and self.tokens[0] not in ("or", ")"):
            if self.tokens[0] == "and":
                self.tokens.pop(0)
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else lambda flow: all(part(flow) for part in parts)

    def one(self) -> Predicate:
        word = self.next("an expression")
        if word == "not":
            inner = self.one()
            return lambda flow: not inner(flow)
        if word == "(":
            inner = self.any_of()
            if self.next("')'") != ")":
                raise FilterError("')' is missing")
            return inner
        if word in ("src", "dst"):
            return self.end(self.next("host, net, port or set"), (word,))
        if word in ("host", "net", "port", "set"):
            return self.end(word, ("src", "dst"))
        if word in _PROTOCOLS:
            numbers = _PROTOCOLS[word]
            return lambda flow: flow.proto in numbers
        if word in ("ip", "ip6"):
            version = 6 if word == "ip6" else 4
            return lambda flow: flow.version == version
        if word == "proto":
            number = self.number(self.next("a protocol number"), 255)
            return lambda flow: flow.proto == number
        if word == "app":
            name = self.next("a protocol's name")
            return lambda flow: name in (flow.app_proto, flow.app_proto_orig)
        if word in _ASKED:
            return _ASKED[word](self)
        if found := _EQUATION.fullmatch(word):
            asked = {"addr": "host", "src": "src host", "dst": "dst host"}.get(found[1], found[1])
            raise FilterError(f"{word!r}: write {asked} {found[2]}")
        raise FilterError(
            f"{word!r} is not known (host, net, port, set, src, dst, {', '.join([*_PROTOCOLS, *_OTHERS])})"
        )

    def pattern(self, wanted: str) -> Callable[[object], bool]:
        """Return a shell pattern, upper and lower case alike; in quotes if it has blanks."""
        text = self.next(wanted).strip("\"'").lower()
        return lambda value: fnmatchcase(str(value).lower(), text)

    def verdict(self) -> Predicate:
        name = self.next("accept, drop or reject").lower()
        if name not in {action.value for action in Action}:
            raise FilterError(f"{name!r} is not a verdict (accept, drop, reject)")
        return lambda flow: (verdict := flow.final or flow.verdict) is not None and verdict.action.value == name

    def rule(self) -> Predicate:
        text = self.next("a rule's place or title").strip("\"'").lower()

        def chosen(flow: Flow) -> bool:
            verdict = flow.final or flow.verdict
            return verdict is not None and (verdict.rule.lower() == text or text in verdict.title.lower())

        return chosen

    def state(self) -> Predicate:
        name = self.next("a state").lower()
        return lambda flow: name in (flow.state, flow.tcp.client_state.lower(), flow.tcp.server_state.lower())

    def sni(self) -> Predicate:
        matches = self.pattern("a name")
        return lambda flow: any(
            matches(flow.facts[name]) for name in ("tls.sni", "quic.sni", "dtls.sni") if name in flow.facts
        )

    def fact(self) -> Predicate:
        name = self.next("a fact's name")
        matches = self.pattern("the fact's value")
        return lambda flow: name in flow.facts and matches(flow.facts[name])

    def process(self) -> Predicate:
        matches = self.pattern("a program's name or path")
        return lambda flow: any(
            matches(flow.facts[name]) for name in ("process.name", "process.path") if name in flow.facts
        )

    def age(self) -> Predicate:
        sign = self.next("< or >")
        seconds = self.number(self.next("seconds"), 1 << 31)
        if sign not in ("<", ">"):
            raise FilterError("age is followed by < or > and seconds")
        return lambda flow: (flow.last - flow.start < seconds) == (sign == "<")

    def end(self, kind: str, sides: tuple[str, ...]) -> Predicate:
        value = self.next(f"a value for {kind}")
        if kind == "port":
            low, _, high = value.partition("-")
            first, last = self.number(low, 65535), self.number(high or low, 65535)
            return lambda flow: any(first <= getattr(flow, side[0] + "port") <= last for side in sides)
        if kind == "set":
            return self.member(value.removeprefix("@"), sides)
        if kind not in ("host", "net"):
            raise FilterError(f"{kind!r} is not known (host, net, port, set)")
        try:
            network = ip_network(value, strict=False)
        except ValueError as error:
            raise FilterError(str(error)) from None
        return lambda flow: any(ip_address(getattr(flow, side)) in network for side in sides)

    def member(self, name: str, sides: tuple[str, ...]) -> Predicate:
        if self.sets is None:
            return lambda flow: False
        members = self.sets.get(name)
        if members is None:
            raise FilterError(f"there is no set {name!r} (there are: {', '.join(self.sets) or 'none'})")
        if members.type == "addresses":
            return lambda flow: any(getattr(flow, side) in members for side in sides)
        if members.type == "ports":
            return lambda flow: any(getattr(flow, side[0] + "port") in members for side in sides)
        return lambda flow: any(value in members for value in _texts(flow.facts.values()))

    def next(self, wanted: str) -> str:
        if not self.tokens:
            raise FilterError(f"{wanted} is missing at the end")
        return self.tokens.pop(0)

    @staticmethod
    def number(text: str, most: int) -> int:
        if not (text.isascii() and text.isdigit()) or int(text) > most:
            raise FilterError(f"{text!r} is not a number from 0 to {most}")
        return int(text)


def _texts(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, (list, tuple, set, frozenset)):
            yield from _texts(value)
        elif not isinstance(value, bytes):
            yield str(value)


_ASKED: Final[dict[str, Callable[[_Parser], Predicate]]] = {
    "verdict": _Parser.verdict,
    "rule": _Parser.rule,
    "state": _Parser.state,
    "sni": _Parser.sni,
    "fact": _Parser.fact,
    "process": _Parser.process,
    "age": _Parser.age,
}
_OTHERS: Final = ("ip", "ip6", "proto", "app", *_ASKED)
