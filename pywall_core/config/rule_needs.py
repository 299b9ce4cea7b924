"""What a rule needs of its surroundings: capabilities and facts of plugins, named sets, names that detectors give."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, Final, Protocol

from ..model.packet import PROTOCOL_NAMES
from ..model.rule_kind import RuleKind
from . import renamed
from .aliases import KEY_ALIASES
from .errors import Path, nearest, some_of
from .kind_names import OPERANDS
from .model import Config
from .names import FACT_ALIASES, PROTOCOL_ALIASES, bringing

#: what ``add: {key: ...}`` may name beside facts: fields of the packet, ends of the flow
ADDED: Final = ("src", "dst", "sport", "dport", "client", "server")
#: what people mean by names that no detector gives
_OTHER_THINGS: Final = "; a site is {rule: domain, is: ...}, a program {rule: process, path: ...}"
#: protocol names that need no detector: nothing detected, nothing to detect, an IP protocol by its number
ALWAYS_KNOWN: Final = frozenset({"unknown", "none", *PROTOCOL_NAMES.values()})


class Facts(Protocol):
    """The facts that the loaded plugins declare."""

    @property
    def names(self) -> frozenset[str]:
        """Dotted names."""

    def has(self, name: str) -> bool:
        """Return True if some loaded plugin may give the fact."""


class RuleNeeds:
    """Notes an error in ``config`` for each need of a rule that is not met. Arguments as in
    :func:`pywall_core.config.rules.bind_chains`.
    """

    def __init__(
        self,
        config: Config,
        capabilities: Collection[str],
        protocols: Collection[str] | None,
        facts: Facts | None,
    ) -> None:
        self.facts = facts
        self.named = frozenset(entry.name for entry in config.plugins)
        self.config = config
        self.capabilities = capabilities
        self.protocols = None if protocols is None else {*protocols, *ALWAYS_KNOWN}
        # a plugin that could not be loaded explains why its rule kinds are unknown
        failed = any(problem.path.startswith("plugins") for problem in config.problems)
        self.plugins_failed = failed or config.is_lost("plugins")
        self.several_workers = config.queue.workers > 1 and config.queue.deal != "host"

    def check(self, rule: RuleKind, path: Path) -> None:
        """Check one rule kind of a rule."""
        for capability in rule.requires:
            if capability not in self.capabilities:
                hint = bringing("pywall.capabilities", capability, self.named)
                message = (
                    f"{rule.kind!r} needs a plugin that provides {capability!r}, and none is named under plugins{hint}"
                )
                self.config.error((*path, "rule"), message)
        for name, types in rule.sets():
            section = self.config.sets.get(name)
            if section is None:
                self.config.error(path, no_set(name, self.config.sets))
            elif section.type not in types:
                message = f"@{name} is a set of {section.type}, a set of {' or '.join(types)} is needed here"
                self.config.error(path, message)
        if rule.state == "host" and self.several_workers:
            message = "remembers hosts, which several workers would split: set queue.deal: host, or queue.workers: 1"
            self.config.error((*path, "rule"), f"{rule.kind!r} {message}")
        if self.facts is not None and not self.plugins_failed:
            self._check_facts(rule, path, self.facts)
        if self.protocols is None or self.plugins_failed:
            return
        for name in rule.protocols():
            if name not in self.protocols:
                at = next((found for found in self._places(name, path)), path)
                hint = bringing("pywall.plugins", name, self.named) or nearest(name, self.protocols, PROTOCOL_ALIASES)
                hint = _protocol_form(name, self.protocols) or hint or _OTHER_THINGS
                known = some_of(name, self.protocols)
                self.config.error(at, f"no loaded plugin detects {name!r}{hint} (known: {known})")

    def _check_facts(self, rule: RuleKind, path: Path, facts: Facts) -> None:
        names = rule.asks()
        if rule.any_fact:
            if any(map(facts.has, names)):
                return
            names = names[:1]  # one is enough, and so is one message
        for name in names:
            if facts.has(name):
                continue
            at = next(self._places(name, path), path)
            if facts.has(renamed.FACTS.get(name, "")):
                message = f"the fact {name!r} is called {renamed.FACTS[name]!r}; `pywall check --fix` rewrites it"
                self.config.error(at, message)
                continue
            alike = [known for known in facts.names if known.rpartition(".")[2] == name.rpartition(".")[2]]
            protocol = name.partition(".")[0]
            own = [known for known in facts.names if known.startswith(f"{protocol}.")]
            ends_so = [known for known in facts.names if known.endswith(f".{name}")]
            whole = min(ends_so, key=lambda known: (len(known), known), default="")
            hint = f"; did you mean {whole!r}?" if whole else ""
            hint = hint or nearest(name, own, FACT_ALIASES) or nearest(name, alike or facts.names, FACT_ALIASES)
            hint = hint or (f"; did you mean {min(alike)!r}?" if alike else "")
            if self.protocols is not None and protocol not in self.protocols:
                hint = bringing("pywall.plugins", protocol, self.named) or hint
            if name in OPERANDS and protocol not in (self.protocols or ()):
                hint = f"; write {OPERANDS[name].format('...')}{'' if hint.startswith('; did you') else hint}"
            known = some_of(name, own or facts.names)
            self.config.error(at, f"no loaded plugin gives the fact {name!r}{hint} (known: {known})")

    def check_added(self, key: str, path: Path) -> None:
        """Check what ``add:`` of a rule puts into a set: a field of packets or flows, or a fact that somebody gives."""
        if key in ADDED or self.facts is None or self.plugins_failed or self.facts.has(key):
            return
        self.config.error(
            path, f"nothing is called {key!r}{nearest(key, ADDED, KEY_ALIASES)} (src, dst, client, server, or a fact)"
        )

    def _places(self, value: str, path: Path) -> Iterator[Path]:
        """Yield the paths below ``path`` at which the file says ``value``."""
        data: Any = self.config.chains
        for step in path[1:]:
            data = data[step]
        for key, item in data.items():
            if key != "rule" and item == value:
                yield (*path, key)
            elif isinstance(item, list):
                yield from ((*path, key, at) for at, entry in enumerate(item) if entry == value)


#: sites that other programs name as if they were protocols
_SITES: Final = frozenset(
    (
        *("facebook", "netflix", "youtube", "instagram", "twitter", "tiktok", "google", "amazon", "microsoft", "apple"),
        *(
            "cloudflare",
            "reddit",
            "linkedin",
            "wikipedia",
            "twitch",
            "disneyplus",
            "pinterest",
            "ebay",
            "paypal",
            "github",
            "openai",
        ),
    )
)


def _protocol_form(name: str, known: Collection[str]) -> str:
    """Return how people write protocols elsewhere, and how they are written here; nothing of a name."""
    if name.lower() in ("ping", "icmp", "icmpv6"):
        return "; write {rule: protocol, is: [icmp, icmpv6]}"
    if name.lower() in _SITES:
        return f"; a site is asked for by name, {{rule: domain, is: {name.lower()}.com}}"
    if name in ("any", "all", "*"):
        return "; for whatever it is, leave the rule out"
    bare = re.sub(r"^(?:!\s*|not\s+)", "", name)
    if bare != name:
        return f"; for all but this, write {{not: {{rule: app, is: {bare}}}}}"
    parts = re.split(r"\s*[,|]\s*|\s+(?:or|and)\s+|\s+", name)
    if len(parts) > 1 and (set(parts) <= set(known) or "," in name):
        return f"; write a list, [{', '.join(filter(None, parts))}]"
    bare, slash, transport = name.partition("/")
    if slash and transport in ("tcp", "udp") and bare in known:
        return f"; write {{all: [{{rule: app, is: {bare}}}, {{rule: protocol, is: {transport}}}]}}"
    version = re.fullmatch(r"(tls|ssl)[v-]?[\d.]+", name)
    if version:
        protocol = "tls" if version[1] == "ssl" else version[1]
        return f"; write {protocol}; a version is a fact, {{rule: fact, name: {protocol}.version, is: ...}}"
    if name.startswith(("/", "~")):
        return f"; a program is asked for by {{rule: process, path: {name}}}"
    protocol, colon, port = name.partition(":")
    if colon and port.isdecimal() and protocol in known:
        return f"; write {{all: [{{rule: app, is: {protocol}}}, {{rule: port, dst: {port}}}]}}"
    if any(sign in name for sign in "*?["):
        return "; patterns are not taken, name each protocol"
    if "." in name:
        return f"; a site is asked for by {{rule: domain, is: {name}}}"
    return ""


def no_set(name: str, sets: Collection[str]) -> str:
    """Return what is said of a set that the configuration does not have."""
    known = some_of(name, sets)
    problem = f"there is no set {name!r}{nearest(name, sets)}"
    return f"{problem} (known: {known})" if known else f"{problem}: add 'sets: {{{name}: {{type: addresses}}}}'"
