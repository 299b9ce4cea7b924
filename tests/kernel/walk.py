"""What a packet meets on its way through our rules: a small model of xtables, for marks, directions and interfaces."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pywall_core.kernel.ruleset import PREFIX, Plan, ruleset


@dataclass(frozen=True)
class Way:
    """A packet before a hook, and what has become of it: ``target`` is RETURN, DROP or NFQUEUE.

    ``connmark`` None: conntrack does not know it.
    """

    hook: str
    mark: int = 0
    connmark: int | None = 0
    direction: str = "ORIGINAL"
    interface: str = "eth0"
    target: str = ""
    queue: str = ""
    #: TCP flags, "" for other protocols; and whether conntrack has seen the handshake
    flags: str = ""
    assured: bool = False


def walk(plan: Plan, family: int, packet: Way) -> Way:
    """Return the packet behind ``mangle``."""
    end = _chain(_compiled(plan, family), PREFIX + packet.hook, packet)
    return end if end.target else replace(end, target="RETURN")


def _chain(chains: dict[str, list[list[str]]], name: str, packet: Way) -> Way:
    for words in chains[name]:
        if not _matches(words, packet):
            continue
        verb, target = next((word, words[n + 1]) for n, word in enumerate(words) if word in ("-j", "-g"))
        if target in chains:
            packet = _chain(chains, target, packet)
            if packet.target or verb == "-g":
                return packet if packet.target != "RETURN" or verb == "-g" else replace(packet, target="")
        elif target in ("MARK", "CONNMARK"):
            value, mask = _pair(words[words.index("--set-xmark") + 1])
            if target == "MARK":
                packet = replace(packet, mark=packet.mark & ~mask ^ value)
            elif packet.connmark is not None:
                packet = replace(packet, connmark=packet.connmark & ~mask ^ value)
        elif target == "RETURN":
            return packet
        else:
            return replace(packet, target=target, queue=" ".join(words[words.index(target) + 1 :][:2]))
    return packet


def _matches(words: list[str], packet: Way) -> bool:
    if "-p" in words and not _is_tcp(words, packet):
        return False
    if "ASSURED" in words and (packet.connmark is None or not packet.assured):
        return False
    for option in ("-i", "-o"):
        if option in words and (option == "-o") != (packet.hook == "OUTPUT"):
            return False
        if option in words and packet.interface != words[words.index(option) + 1]:
            return False
    if "--ctdir" in words and (packet.connmark is None or words[words.index("--ctdir") + 1] != packet.direction):
        return False
    for n, word in enumerate(words):
        if word != "--mark":
            continue
        inverted = words[n - 1] == "!"
        kind = words[n - 2] if inverted else words[n - 1]
        has = packet.mark if kind == "mark" else packet.connmark
        value, mask = _pair(words[n + 1])
        if has is None or (has & mask == value) == inverted:
            return False
    return True


def _is_tcp(words: list[str], packet: Way) -> bool:
    if "--tcp-flags" not in words or not packet.flags:
        return False
    among, wanted = (set(words[words.index("--tcp-flags") + n].split(",")) for n in (1, 2))
    return set(packet.flags.split(",")) & among == wanted


def _pair(text: str) -> tuple[int, int]:
    value, mask = text.split("/")
    return int(value, 16), int(mask, 16)


_cache: dict[tuple[Plan, int], dict[str, list[list[str]]]] = {}


def _compiled(plan: Plan, family: int) -> dict[str, list[list[str]]]:
    found = _cache.get((plan, family))
    if found is None:
        rules = ruleset(plan, family)["mangle"]
        found = {chain: [re.split(r"\s+", rule) for rule in lines] for chain, lines in rules.items()}
        _cache[plan, family] = found
    return found
