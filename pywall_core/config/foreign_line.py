"""One line of ufw, pf, nft, iptables or firewalld, read word by word: the rule that says the same here.

A line is translated when every word of it is understood, and not at all otherwise.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, ip_network
from typing import Any, Final

from ..model.verdict import Action
from .aliases import ACTION_ALIASES
from .fields import rule_of_fields

_ACTIONS: Final = {**{name.lower(): name for name in Action.__members__}, **ACTION_ALIASES}
#: words in front of a value, and the field that the value is
_VALUES: Final = {
    **dict.fromkeys(("from", "saddr", "-s", "--source", "source", "src-address", "remoteip"), "src"),
    **dict.fromkeys(("to", "daddr", "-d", "--destination", "destination", "dst-address", "localip"), "dst"),
    **dict.fromkeys(("dport", "dports", "--dport", "--dports", "--add-port", "port", "dst-port", "localport"), "dport"),
    **dict.fromkeys(("sport", "--sport", "--sports", "src-port", "remoteport"), "sport"),
    **dict.fromkeys(("proto", "-p", "--protocol", "l4proto", "protocol"), "protocol"),
    **dict.fromkeys(("-i", "iif", "iifname", "--in-interface", "in-interface"), "in"),
    **dict.fromkeys(("-o", "oif", "oifname", "--out-interface", "out-interface"), "out"),
    **dict.fromkeys(("app", "service", "--add-service"), "service"),
    **dict.fromkeys(("-j", "--jump"), "action"),
    **dict.fromkeys(("skuid", "--uid-owner"), "uid"),
}
#: words that say nothing which the chain does not say
_NOISE: Final = frozenset(
    re.findall(
        r"\S+",
        "ufw rule in out quick inet inet6 ip ip6 any all anywhere counter meta firewall-cmd --permanent family ipv4 "
        "ipv6 address name nft",
    )
)
#: words with which firewalld names what is open
_OPENED: Final = frozenset({"--add-service", "--add-port", "service", "port"})
_SERVICES: Final = {"openssh": "ssh", "apache": "http", "apache full": "web", "nginx full": "web", "www": "http"}
_ALL: Final = frozenset({"all", "any", "anywhere", "counter"})
_WORD: Final = re.compile(r'\{[^}]*\}|"[^"]*"|[^\s=;<>/"{}]+(?:/[^\s=;<>"]+)?|<\w+>')
_PORTS: Final = re.compile(r"(\d{1,5}(?:[:-]\d{1,5})?(?:,\d{1,5}(?:[:-]\d{1,5})?)*)(?:/(tcp|udp))?")
_DEFAULT: Final = re.compile(
    r"(?:ufw\s+)?(?:default|policy)\s+(?P<action>\w+)(?:\s+(?P<way>incoming|outgoing|routed))?|-P\s+(?P<chain>[A-Z]+)"
    r"\s+(?P<target>\w+)|:(?P<hook>INPUT|OUTPUT|FORWARD)\s+(?P<policy>\w+).*"
)
_WAYS: Final = {"incoming": "INPUT", "outgoing": "OUTPUT", "routed": "FORWARD"}


#: what follows a connection, which every rule here does, and what is said by the action alone
_IMPLIED: Final = re.compile(
    r"\b(?:keep|modulate|synproxy) state\b(?!\s*\()|\bflags \S+|\bct state new\b|\bno-df\b"
    r"|-m (?:state|conntrack) --(?:ct)?state NEW\b|-m comment --comment (?:\"[^\"]*\"|\S+)|-m \w+"
    r"|--(?:syn|reject-with \S+)|\bwith (?:tcp reset|icmp\S* \S+(?: \S+)?)|\bcomment \"[^\"]*\"|-[AI] [A-Z]+(?: \d+)?"
    r"|\btcp flags syn\b|\blog(?: prefix \"[^\"]*\")?(?=\s)"
)
_ANSWERS: Final = re.compile(r"(?:ct state|--(?:ct)?state)\s+[{\s]*(?:related\s*,\s*)?established.*", re.IGNORECASE)
#: commands of MikroTik and Windows: what is in front of a rule's words, and what the chain says already
_COMMAND: Final = re.compile(r"(?:/?ip firewall filter )?(?:netsh advfirewall firewall )?(?:add )?(?:rule )?(?=(\w+)=)")
_CHAIN: Final = re.compile(r"\b(?:chain|dir|name)=\S+|\baction=")
#: ends of a rule of Windows: the remote one sends what comes in, and is sent what goes out
_ENDS: Final = re.compile(r"\b(?:remote|local)(?=(?:ip|port)=)", re.IGNORECASE)
_CISCO_END: Final = r"(any|host [\w.:]+|[\d.]+ [\d.]+)(?: (eq|range) (\S+)(?: (\d+))?)?"
_CISCO: Final = re.compile(
    rf"(?:access-list \S+ (?:extended )?)?(permit|deny) (\w+) {_CISCO_END} {_CISCO_END}(?: log\S*| established)*"
)
_ALL_BITS: Final = 0xFFFF_FFFF
_NEGATED: Final = re.compile(r"!=\s*|!\s*(?=-)|(?<=\s)!\s*(?=\S)")


def translated(line: str) -> str:
    """Return what is written here instead of a line of another firewall, or nothing where it is not understood."""
    if _ANSWERS.search(line) and re.search(r"\baccept\b", line, re.IGNORECASE):
        return "{rule: flow, initiator: local, action: ACCEPT} in INPUT, and initiator: remote in OUTPUT"
    if re.search(r"\bdir=out\b", line, re.IGNORECASE):
        line = _ENDS.sub(lambda end: "local" if end[0].lower() == "remote" else "remote", line)
    if re.search(r"\b(?:chain|dir)=\w+", line):
        line = _CHAIN.sub("", _COMMAND.sub("", line, count=1))
    line = _of_cisco(line) or line
    line = re.sub(r"^(?:sudo\s+)?(?:ip6?tables|nft add rule \w+ \w+ \w+)\s+", "", line)
    if form := _default(line) or _section(line):
        return form
    plain = " ".join(_IMPLIED.sub(" ", line).split())
    negated = _NEGATED.findall(plain)
    form = _rule(_NEGATED.sub("", plain))
    if plain != line and form.startswith("{rule: always"):
        return ""  # what was left out is all that the line asks for
    if not negated or not form:
        return form
    one = re.fullmatch(r"(\{rule: [^{}]*), action: (\w+)\}", form)
    return f"{{not: {one[1]}}}, action: {one[2]}}}" if one and len(negated) == 1 else ""


def _of_cisco(line: str) -> str:
    """Return an entry of an access list of Cisco in the words of pf, or nothing."""
    found = _CISCO.fullmatch(line.strip())
    if not found or "established" in line:
        return ""
    words = ["accept" if found[1] == "permit" else "drop", *([found[2]] if found[2] in ("tcp", "udp") else [])]
    for name, port, at in (("from", "sport", 3), ("to", "dport", 7)):
        end, how, first, last = found.group(at, at + 1, at + 2, at + 3)
        if end != "any":
            words += [name, _of_mask(end.removeprefix("host "), netmask=" extended " in line)]
        if how:
            words += [port, f"{first}-{last}" if how == "range" else first]
    return " ".join(words) if len(words) > 1 and found[2] in ("tcp", "udp", "ip") else ""


def _of_mask(end: str, *, netmask: bool) -> str:
    """Return ``10.0.0.0 0.0.0.255`` of IOS, or ``10.0.0.0 255.255.255.0`` of ASA, as a network, ``any`` or an address;
    an address as it is, and so two numbers that are no network, or are one only where the other kind of mask is meant.
    """
    base, _, mask = end.partition(" ")
    with suppress(ValueError):
        wild = int(IPv4Address(mask)) ^ (_ALL_BITS if netmask else 0)
        fixed = int(IPv4Address(base))
        if wild & (wild + 1) or (wild == _ALL_BITS and fixed) or not (wild or fixed):
            return end
        network = ip_network((fixed, 32 - wild.bit_length()), strict=False)
        return str(network) if 0 < network.prefixlen < 32 else base if network.prefixlen else "any"
    return end


def _default(line: str) -> str:
    """Return the form of a line that says what becomes of packets that no rule matches."""
    found = _DEFAULT.fullmatch(line)
    action = found and _ACTIONS.get((found["action"] or found["target"] or found["policy"]).lower())
    if not found or not action:
        return ""
    chain = found["chain"] or found["hook"] or _WAYS.get(found["way"] or "", "INPUT")
    return f"default: {{{chain}: {action}}} beside chains"


def _section(line: str) -> str:
    """Return the form of a line that belongs elsewhere in the file, or is a command."""
    table = re.fullmatch(r"table\s+<(\w+)>.*?(?:file\s+\"?([^\s\"]+)\"?.*)?", line)
    if table:
        content = f"file: {table[2]}" if table[2] else "entries: [...]"
        return f"sets: {{{table[1]}: {{{content}}}}} beside chains, and {{rule: ip, src: '@{table[1]}', action: DROP}}"
    skipped = re.fullmatch(r"set\s+skip\s+on\s+(\w+)", line)
    if skipped:
        return f"{{rule: iface, in: {skipped[1]}, action: ACCEPT}}"
    jump = re.fullmatch(r"(?:jump|goto|-j)\s+(\w+)", line)
    if jump and jump[1].upper() not in Action.__members__:
        return f"{{rule: always, action: {jump[1]}}}"
    rate = re.fullmatch(r"limit rate (?:over )?(\d+/\w)\w*(?: burst \d+ packets)?\s+(\w+)", line)
    if rate:
        return f"{{rule: limit, over: {rate[1]}, action: DROP}}, which drops what is more"
    banned = re.fullmatch(r"cscli\s+decisions\s+add\s.*?(?:--ip|--range|-i|-r)\s+(\S+).*", line)
    return f"nothing here: the command 'pywall block {banned[1]} --for 4h' does it" if banned else ""


def _rule(line: str) -> str:
    fields: dict[str, Any] = {}
    words = _words(re.sub(r"\bfrom\s+(\S+)\s+port\s", r"from \1 sport ", line))
    for word in words:
        if not _take(word, words, fields):
            return ""
    action = fields.pop("action", None)
    named = re.findall(r"[\w-]+", line)
    if action is None and ("=" in line or line.startswith("--")) and not _OPENED.isdisjoint(named):
        action = "ACCEPT"  # what firewalld lists is open
    if action is None or not (fields or len(named) == 1 or not _ALL.isdisjoint(line.lower().split())):
        return ""
    return rule_of_fields(fields, action)


def _words(line: str) -> Iterator[str]:
    return iter(word.strip('"') for word in _WORD.findall(line.replace("=", " ")))


def _take(word: str, words: Iterator[str], fields: dict[str, Any]) -> bool:
    """Note what a word and its value say. False: it is not understood."""
    lower = word.lower()
    ports = _PORTS.fullmatch(lower)
    if lower == "limit" and "action" not in fields:
        fields["action"] = "limit"
    elif lower == "return" and fields.get("action") == "DROP":
        fields["action"] = "REJECT"  # block return of pf
    elif lower in _ACTIONS and _ACTIONS[lower] in Action.__members__ and "action" not in fields:
        fields["action"] = _ACTIONS[lower]
    elif lower in _ACTIONS and _ACTIONS[lower] == fields.get("action"):
        return True
    elif lower in ("tcp", "udp"):
        fields["protocol"] = lower
    elif lower == "on":
        fields["in"] = next(words, "")
    elif lower in ("source", "destination", "service", "port") and lower in _VALUES:
        return _value(_VALUES[lower], _named(words), fields)
    elif lower in _VALUES:
        value = next(words, "")
        if lower in ("from", "to") and value == "port":
            return _value("sport" if lower == "from" else "dport", next(words, ""), fields)
        return _value(_VALUES[lower], value, fields)
    elif ports:
        return _value("dport", word, fields)
    elif lower not in _NOISE:
        return "action" in fields and _value("service", word, fields)
    return True


def _named(words: Iterator[str]) -> str:
    """Return the value of ``address="..."``, ``name="..."`` or ``port="..."``, or the next word."""
    word = next(words, "")
    return next(words, "") if word in ("address", "name", "port") else word


def _value(field: str, text: str, fields: dict[str, Any]) -> bool:
    if field == "action":
        return _take(text, iter(()), fields) and "action" in fields
    if field in fields or not text or text.startswith("!"):
        return False
    if text.lower() in ("any", "all", "anywhere"):
        return True
    if field == "service":
        name = _SERVICES.get(text.lower(), text.lower())
        with suppress(OSError):
            socket.getservbyname(name)
            fields["service"] = name
        return "service" in fields
    if text.startswith("<"):
        text = f"@{text[1:-1]}"
    several = re.split(r"[\s,]+", text.strip("{} ,")) if text[0] == "{" or "," in text else [text]
    if field in ("dport", "sport"):
        return _ports(field, several, fields)
    fields[field] = several if len(several) > 1 else several[0]
    return True


def _ports(field: str, several: list[str], fields: dict[str, Any]) -> bool:
    numbers: list[Any] = []
    for one in several:
        found = _PORTS.fullmatch(one.lower())
        if not found:
            return not numbers and field == "dport" and len(several) == 1 and _value("service", one, fields)
        if found[2]:
            fields["protocol"] = found[2]
        span = found[1].replace(":", "-")
        numbers.append(int(span) if span.isdecimal() else span)
    fields[field] = numbers if len(numbers) > 1 else numbers[0]
    return True
