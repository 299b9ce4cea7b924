"""``domain``: the name of the other side, where the connection says it, else what DNS answered for its address."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING, ClassVar, Final, Self

from pydantic import Field, field_validator, model_validator

from pywall_core.api import NO, PENDING, YES, Answer, Flow, Matcher, Packet, PolicyFile, RuleIndex, RuleKind, SetType

from .lists import lines_of
from .one_or_many import OneOrMany

if TYPE_CHECKING:
    from pywall_core.api import Host

#: facts in which names of hosts are said: TLS, QUIC and DTLS by SNI, HTTP by its host, DNS by its question, SOCKS
FACTS: Final = ("tls.sni", "quic.sni", "dtls.sni", "http.hostname", "dns.rrname", "socks.host")
#: the names under which DNS answered the address that a flow goes to, to its client
ANSWERED: Final = "dns.answered"


class Domain(RuleKind):
    """Matches flows to, or DNS questions for, a name or any name below it: ``example.com`` matches ``www.example.com``,
    ``=example.com`` that name alone. The name is what the client asks for (SNI of TLS, QUIC and DTLS, host of HTTP,
    question of DNS, target of SOCKS): it can lie. Pending until the client has said it. A flow that says none has the
    names under which DNS answered its server's address to this client. Are only some of these asked for, it may be one
    of them: ``shared`` says what that is worth."""

    kind: ClassVar[str] = "domain"
    scope: ClassVar = "flow"
    any_fact: ClassVar[bool] = True
    examples: ClassVar = ({"is": "example.com"}, {"is": ["example.org", "=example.net"]})

    names: OneOrMany[str] | None = Field(
        default=None, alias="is", description="a name, or a list; below it all names; @NAME for a named set of names"
    )
    file: PolicyFile | None = Field(default=None, description="a file of names, one a line, also as a hosts file")
    shared: bool = Field(
        default=False,
        description="whether a flow matches that says no name and goes to an address which DNS answered for a name "
        "asked here and for others too",
    )

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if self.names is None and self.file is None:
            raise ValueError("'is' is missing: write is: example.com (name: is what the rule itself is called)")
        if self.names is not None and self.file is not None:
            raise ValueError("exactly one of 'is' and 'file' is given")
        self.wanted()
        return self

    @field_validator("names")
    @classmethod
    def _are_names(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in names or ():
            if name.startswith("@") and len(name) > 1:
                continue
            if form := _address_form(name):
                raise ValueError(f"{name!r} is not a name of a host but {form}")
            if not name.strip("=.*") or (any(sign in name for sign in " /,:*?[@") and not _is_wildcard(name)):
                raise ValueError(f"{name!r} is not a name of a host: write {_form(name)}")
            if form := "" if name.startswith("@") else _spelling_form(name):
                raise ValueError(f"{name!r} is not a name of a host: {form}")
        return names

    def asks(self) -> tuple[str, ...]:
        return (*FACTS, ANSWERED)

    def expects(self) -> tuple[str, ...]:
        return ("dns-answer",)

    def sets(self) -> tuple[tuple[str, tuple[SetType, ...]], ...]:
        return tuple((name[1:], ("names",)) for name in self.names or () if name.startswith("@"))

    def wanted(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return the names that stand for all below them, and names that stand for themselves; in lower case."""
        entries = self.names or tuple(entry.split()[-1] for _, entry in lines_of(self.file or ""))
        entries = tuple(entry for entry in entries if not entry.startswith("@"))
        below = {entry.removeprefix("*.").strip(".").lower() for entry in entries if not entry.startswith("=")}
        return frozenset(below), frozenset(entry[1:].strip(".").lower() for entry in entries if entry.startswith("="))

    def index(self, host: Host) -> RuleIndex | None:
        below, exactly = self.wanted()
        state = host.fact_state

        def look(packet: Packet, flow: Flow) -> list[str] | None:
            names = [str(name) for fact in FACTS for name in _values(flow.facts.get(fact))]
            if names or any(flow.facts.get(fact) is not None for fact in FACTS):
                return [part for name in names for part in name_and_above(name)]
            if any(state(flow, fact) is PENDING for fact in FACTS):
                return None
            return [part for name in _values(flow.facts.get(ANSWERED)) for part in name_and_above(str(name))]

        named = tuple(host.sets[name] for name, _ in self.sets())
        return RuleIndex("domain", look, keys=tuple(below | exactly), sets=named)

    def compile(self, host: Host) -> Matcher:
        below, exactly = self.wanted()
        state = host.fact_state

        named = [host.sets[name] for name, _ in self.sets()]
        shared = self.shared

        def is_wanted(name: str) -> bool:
            if below or exactly:
                parts = name_and_above(name)
                if parts[0] in exactly or any(part in below for part in parts):
                    return True
            return any(name in one for one in named)

        def match(packet: Packet, flow: Flow) -> Answer:
            facts = flow.facts
            known = False
            for fact in FACTS:
                value = facts.get(fact)
                if value is not None:
                    known = True
                    for name in _values(value):
                        if is_wanted(str(name)):
                            return YES
            if known:
                return NO
            if any(state(flow, fact) is PENDING for fact in FACTS):
                return PENDING
            answered = [is_wanted(str(name)) for name in _values(facts.get(ANSWERED))]
            return YES if answered and (any(answered) if shared else all(answered)) else NO

        return match


def _is_wildcard(name: str) -> bool:
    """``*.example.com`` is another way to write the names below."""
    return re.fullmatch(r"\*\.[\w.-]+", name) is not None


def _address_form(name: str) -> str:
    """Return how an address or a network is asked for; nothing of names."""
    bare = re.sub(r"^=|^[a-z]+://|[\[\]]", "", name)
    try:
        network = ip_network(bare, strict=False)
    except ValueError:
        return ""
    what = "a network" if network.num_addresses > 1 else "an address"
    shown = str(network if network.num_addresses > 1 else network.network_address)
    return f"{what}: write {{rule: ip, dst: {repr(shown) if ':' in shown else shown}}}"


def _spelling_form(name: str) -> str:
    """Return what is wrong with the letters of a name, and the right form; nothing of a name that may be asked for."""
    adblock = re.fullmatch(r"\|\|([\w.-]+)\^?.*", name)
    if adblock:
        return f"write {adblock[1]}"
    if ".." in name:
        return "two dots with nothing between them"
    if name.isascii():
        return ""
    try:
        return f"other letters than ASCII are written as {name.encode('idna').decode()}"
    except UnicodeError:
        return "it has letters that no name has"


def _form(name: str) -> str:
    """Return how a name is written that comes in a URL, a list or a pattern."""
    parts = [part for part in re.split(r"[\s,]+", name) if part]
    if len(parts) > 1:
        return f"a list, [{', '.join(parts)}]"
    host = re.fullmatch(r"(?:[a-z]+://)?(?:[^@/]*@)?([\w-]+(?:\.[\w-]+)+)(?::\d+)?(?:/.*)?", name, re.IGNORECASE)
    if host:
        return host[1]
    if any(sign in name for sign in "*?["):
        return f"a pattern as {{rule: fact, name: tls.sni, glob: '{name}'}}, or example.com for it and all below it"
    return "example.com (and all below it), or =example.com"


def name_and_above(name: str) -> list[str]:
    """Return the name in lower case without the root's dot, and the names that it is below: ``a.b``, ``b``."""
    name = name.lower().rstrip(".")
    found = [name]
    while name := name.partition(".")[2]:
        found.append(name)
    return found


def _values(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
