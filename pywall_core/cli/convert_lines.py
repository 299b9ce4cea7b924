"""One line of ``iptables-save``: its conditions as rules of a policy, and its target."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote

from .convert_forward import ANSWERS
from .convert_matches import OPTIONS, NoEqualError, Rule, match_rules
from .convert_tcp_flags import SYN_ALONE, flags_begin

#: matches whose options are converted
_MATCHES: Final = (
    *("tcp", "udp", "sctp", "multiport", "conntrack", "state", "comment", "limit", "icmp", "icmp6", "iprange", "set"),
    *("recent", "hashlimit", "connlimit", "time", "owner", "cgroup"),
)
#: what to write instead of a match that has no equal
_MATCH_FORMS: Final = {
    "geoip": "; write {rule: geo, database: FILE.mmdb, src: [CN, RU], action: DROP}",
    "string": "; by what it means: {rule: fact, name: http.path, contains: evil, action: DROP}",
}
_PER: Final = {"second": "s", "sec": "s", "minute": "m", "min": "m", "hour": "h", "day": "d"}


class LineParser:
    """One rule's words: its conditions, its target, and what belongs to the target."""

    def __init__(self, words: list[str], hook: str) -> None:
        self.words = list(words)
        self.hook = hook
        self.found: list[Rule] = []
        self.extra: Rule = {}
        self.protocol = self.target = self.rate = self.burst = ""
        self.ports: list[Rule] = []
        #: options of matches that are said by one rule together: recent, hashlimit, connlimit, time
        self.matched: dict[str, str] = {}
        #: a condition that may only be met by less than it asks: right for what refuses, wrong for what accepts
        self.refuses_only = False

    def parse(self) -> tuple[list[Rule], str, Rule]:
        """Read all words. :raises NoEqualError: something that no rule kind asks"""
        while self.words:
            word = self.words.pop(0)
            negated = word == "!"
            if negated:
                word = self.words.pop(0)
            if word in OPTIONS:
                self.take_match(word, negated)
                continue
            if word in ("--tcp-flags", "--syn"):
                self.take_flags(word, negated)
                continue
            option = _OPTIONS.get(word)
            if option is None or not self.words:
                raise NoEqualError(f"{word} has no equal{_FORMS.get(word, '')}")
            option(self, word, self.words.pop(0), negated)
        if self.protocol not in ("", "all") and not any("rule" in rule for rule in self.ports):
            self.found.append({"rule": "protocol", "is": _protocol(self.protocol)})
        self.found += self.ports
        for rule in match_rules(self.matched):
            self.found.append(rule)
            self.refuses_only = self.refuses_only or rule.get("rule") == "seen"
        self.found = [rule for at, rule in enumerate(self.found) if rule not in self.found[:at]]
        if self.rate:
            self.found.append({"not": limit_rule(self.rate, self.burst)})
        return self.found, self.target, self.extra

    def match_protocol(self, word: str, value: str, negated: bool) -> None:
        name = {"ipv6-icmp": "icmpv6", "icmp6": "icmpv6"}.get(value, value)
        if negated:
            self.found.append({"not": {"rule": "protocol", "is": _protocol(name)}})
        else:
            self.protocol = name

    def match_address(self, word: str, value: str, negated: bool) -> None:
        side = "src" if word in ("-s", "--source") else "dst"
        if negated:  # iptables knows one family alone
            self.found.append({"rule": "ip", side: "::/0" if ":" in value else "0.0.0.0/0"})
        self.found.append(_maybe_not({"rule": "ip", side: _list(value)}, negated))

    def match_interface(self, word: str, value: str, negated: bool) -> None:
        side = "in" if word in ("-i", "--in-interface") else "out"
        name = value[:-1] + "*" if value.endswith("+") else value
        self.found.append(_maybe_not({"rule": "iface", side: name}, negated))

    def match_ports(self, word: str, value: str, negated: bool) -> None:
        if self.protocol not in ("tcp", "udp", "sctp", "udplite", "dccp"):
            raise NoEqualError(f"{word} without a protocol that has ports")
        side = "dst" if word.startswith("--d") else "src"
        self.ports.append(_maybe_not({"rule": "port", "protocol": self.protocol, side: _ports(value)}, negated))

    def take_match(self, word: str, negated: bool) -> None:
        """Note an option of a match with all its values."""
        count = OPTIONS[word]
        if negated or len(self.words) < count:
            raise NoEqualError(f"{'! ' if negated else ''}{word} has no equal")
        self.matched[word] = " ".join(self.words[:count])
        del self.words[:count]

    def take_flags(self, word: str, negated: bool) -> None:
        """Read flags of TCP: those of a connection's first segment mean its begin."""
        flags = SYN_ALONE if word == "--syn" else tuple(self.words[:2])
        if word != "--syn":
            del self.words[:2]
        flags_begin(flags, negated)
        self.found += state_rules({"NEW"}, self.hook, False)

    def match_state(self, word: str, value: str, negated: bool) -> None:
        self.found += state_rules(set(value.split(",")), self.hook, negated)

    def load_match(self, word: str, value: str, negated: bool) -> None:
        if value not in _MATCHES:
            raise NoEqualError(f"the match {value} has no equal{_MATCH_FORMS.get(value, '')}")

    def note_rate(self, word: str, value: str, negated: bool) -> None:
        if word == "--limit":
            self.rate = value
        else:
            self.burst = value

    def note_extra(self, word: str, value: str, negated: bool) -> None:
        if value.startswith(("dapp_", "sapp_")):  # ufw's own, of an application profile
            value = unquote(value.partition("_")[2])
        self.extra[{"--comment": "comment", "--log-prefix": "prefix"}.get(word, word)] = value

    def set_target(self, word: str, value: str, negated: bool) -> None:
        self.target = value


_OPTIONS: Final = {
    **dict.fromkeys(("-p", "--protocol"), LineParser.match_protocol),
    **dict.fromkeys(("-s", "--source", "-d", "--destination"), LineParser.match_address),
    **dict.fromkeys(("-i", "--in-interface", "-o", "--out-interface"), LineParser.match_interface),
    **dict.fromkeys(("--dport", "--sport", "--dports", "--sports"), LineParser.match_ports),
    **dict.fromkeys(("--destination-port", "--source-port"), LineParser.match_ports),
    **dict.fromkeys(("--ctstate", "--state"), LineParser.match_state),
    **dict.fromkeys(("-m", "--match"), LineParser.load_match),
    **dict.fromkeys(("--limit", "--limit-burst"), LineParser.note_rate),
    **dict.fromkeys(("--comment", "--log-prefix", "--log-level", "--reject-with"), LineParser.note_extra),
    **dict.fromkeys(("-j", "--jump"), LineParser.set_target),
}


#: what to write instead of an option that has no equal
_FORMS: Final = {
    **dict.fromkeys(
        ("--icmp-type", "--icmpv6-type"), "; all ICMP: {rule: protocol, is: [icmp, icmpv6], action: ACCEPT}"
    ),
    "--gid-owner": "; by user: {rule: user, is: 1000}",
}


def _maybe_not(rule: Rule, no: bool) -> Rule:
    return {"not": rule} if no else rule


def _protocol(text: str) -> str | int:
    return int(text) if text.isdecimal() else text


def _list(text: str) -> str | list[str]:
    parts = text.split(",")
    return parts if len(parts) > 1 else text


def _ports(text: str) -> Any:
    parts: list[Any] = []
    for part in text.split(","):
        low, colon, high = part.partition(":")
        if not (low + high).isdecimal():
            raise NoEqualError(f"the port {part} by name; write its number")
        parts.append(f"{low or 0}-{high or 65535}" if colon else int(low))
    return parts if len(parts) > 1 else parts[0]


def state_rules(states: set[str], hook: str, no: bool) -> list[Rule]:
    """Return the conditions for states of conntrack. :raises NoEqualError: there are none"""
    if no:
        raise NoEqualError("a negated state has no equal")
    if states == {"RELATED"}:
        raise NoEqualError("related connections alone: {rule: flow, expected: ftp-data}")
    if states <= {"RELATED", "ESTABLISHED"}:
        if hook == "FORWARD":
            return [dict(ANSWERS)]
        return [{"rule": "flow", "initiator": "local" if hook == "INPUT" else "remote"}]
    if states == {"INVALID"}:
        raise NoEqualError("the plugin `stream` drops invalid segments by itself")
    if "NEW" in states and "INVALID" not in states:
        if "ESTABLISHED" in states or hook == "FORWARD":
            return []
        return [{"rule": "flow", "initiator": "remote" if hook == "INPUT" else "local"}]
    raise NoEqualError(f"the states {','.join(sorted(states))} have no equal")


def limit_rule(rate: str, burst: str) -> Rule:
    """Return what is over a rate, 5/second. :raises NoEqualError: the rate is another one"""
    number, _, per = rate.partition("/")
    if not number.isdecimal() or per not in {**_PER, **{short: short for short in "smhd"}}:
        raise NoEqualError(f"the rate {rate}")
    limit: Rule = {"rule": "limit", "over": f"{number}/{_PER.get(per, per)}", "of": "packets", "by": "all"}
    return {**limit, "burst": int(burst)} if burst.isdecimal() else limit
