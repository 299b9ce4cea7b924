"""One address family's iptables: reading the rules, and changing them in one transaction."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import Final, Literal

from . import command
from .command import CommandError
from .ruleset import PREFIX, QUEUE, Plan, ruleset

Variant = Literal["nft", "legacy"]
#: seconds that a command waits for the xtables lock (legacy only; nft has transactions instead)
LOCK_SECONDS: Final = 20
#: tables with rules of ours, in the order in which they are changed: REJECT must work before the first packet is queued
TABLES: Final = ("raw", "filter", "mangle")
ENVIRONMENT: Final = "PYWALL_IPTABLES"


@dataclass(frozen=True, slots=True)
class Saved:
    """A table as iptables-save prints it: its chains, and its rules as ``-A CHAIN ...``."""

    chains: tuple[str, ...]
    rules: tuple[str, ...]

    def own_chains(self) -> list[str]:
        """Return the chains that are ours."""
        return [chain for chain in self.chains if chain.startswith(PREFIX)]

    def jumps(self) -> list[str]:
        """Return the rules of other chains that lead into ours."""
        own = set(self.own_chains())
        return [rule for rule in self.rules if _chain(rule) not in own and _target(rule) in own]

    def first(self, chain: str) -> str:
        """Return the rule at position 1 of a chain, or empty."""
        return next((rule for rule in self.rules if _chain(rule) == chain), "")


def _chain(rule: str) -> str:
    return rule.split(" ", 2)[1]


def _target(rule: str) -> str:
    options = shlex.split(rule)  # a comment may hold anything
    for option in ("-j", "-g"):
        if option in options[:-1]:
            return options[options.index(option) + 1]
    return ""


class IPTables:
    """``family`` is 4 or 6; ``variant`` None takes what the system calls iptables.

    :raises CommandError: not installed
    """

    def __init__(self, family: int, variant: Variant | None = None) -> None:
        self.family = family
        name = "iptables" if family == 4 else "ip6tables"
        if variant is not None:
            name += f"-{variant}"
        self._restore = command.find(f"{name}-restore")
        self._save = command.find(f"{name}-save")
        self.variant: Variant = variant or ("legacy" if "legacy" in command.run([self._restore, "-V"]) else "nft")

    def save(self) -> dict[str, Saved]:
        """Return all tables that exist."""
        tables: dict[str, Saved] = {}
        chains: list[str] = []
        rules: list[str] = []
        name = ""
        for line in command.run([self._save]).splitlines():
            if line.startswith("*"):
                name, chains, rules = line[1:], [], []
            elif line.startswith(":"):
                chains.append(line[1:].split(" ", 1)[0])
            elif line.startswith("-A "):
                rules.append(line)
            elif line == "COMMIT":
                tables[name] = Saved(tuple(chains), tuple(rules))
        return tables

    def queued(self) -> int:
        """Return packets that our NFQUEUE rules have counted since they were put in."""
        lines = command.run([self._save, "-c", "-t", "mangle"]).splitlines()
        ours = [line for line in lines if f"] -A {QUEUE} " in line and "-j NFQUEUE" in line]
        return sum(int(line[1:].partition(":")[0]) for line in ours)

    def apply(self, text: str) -> None:
        """Change rules; a table changes wholly or not at all, chains that are not named stay as they are."""
        command.run([self._restore, "--noflush", "-w", str(LOCK_SECONDS)], text, timeout=LOCK_SECONDS + 10)

    def stop_queueing(self) -> None:
        """Send nothing to our queues any more. All other rules of ours stay, and so marks keep their meaning."""
        text = "".join(f"*{name}\n-F {QUEUE}\nCOMMIT\n" for name, table in self.save().items() if QUEUE in table.chains)
        if text:
            self.apply(text)

    def test(self, text: str) -> None:
        """Whether the tools understand rules; nothing is changed."""
        command.run([self._restore, "--noflush", "--test", "-w", str(LOCK_SECONDS)], text, timeout=LOCK_SECONDS + 10)


def wanted_variant() -> Variant | None:
    """Return what the environment variable PYWALL_IPTABLES asks for.

    :raises CommandError: it is neither ``nft`` nor ``legacy``
    """
    value = os.environ.get(ENVIRONMENT, "")
    if value in ("", "nft", "legacy"):
        return value or None  # type: ignore[return-value]
    raise CommandError(f"{ENVIRONMENT}={value}: allowed are nft and legacy")


def installation(plan: Plan, family: int, existing: dict[str, Saved]) -> str:
    """Input for iptables-restore: our chains as ``plan`` says, whatever an earlier run left."""
    wanted = ruleset(plan, family)
    text = []
    for table in TABLES:
        saved = existing.get(table, Saved((), ()))
        if not wanted[table] and not saved.own_chains():
            continue  # naming a table makes it
        lines = [f":{chain} - [0:0]" for chain in wanted[table]]
        lines += ["-D" + jump[2:] for jump in saved.jumps()]
        lines += [f"-A {chain} {rule}" for chain, rules in wanted[table].items() for rule in rules]
        stale = [chain for chain in saved.own_chains() if chain not in wanted[table]]
        lines += [f"-F {chain}" for chain in stale] + [f"-X {chain}" for chain in stale]
        lines += [f"-I {hook} 1 {jump}" for where, hook, jump in plan.jumps(family) if where == table]
        text += [f"*{table}", *lines, "COMMIT"]
    return "\n".join(text) + "\n"


def removal(existing: dict[str, Saved]) -> str:
    """Input for iptables-restore that removes all that is ours; empty when nothing is."""
    text = []
    for table in reversed(TABLES):
        saved = existing.get(table)
        if saved is None or not saved.own_chains():
            continue
        own = saved.own_chains()
        lines = ["-D" + jump[2:] for jump in saved.jumps()]
        lines += [f"-F {chain}" for chain in own] + [f"-X {chain}" for chain in own]
        text += [f"*{table}", *lines, "COMMIT"]
    return "\n".join(text) + "\n" if text else ""


#: our chains with their rules, and for each hooked chain its first rule and all jumps to us
View = dict[str, tuple[str, ...]]


def view(plan: Plan, family: int, existing: dict[str, Saved]) -> View:
    """Return what of ``existing`` is ours, by table and chain."""
    found: View = {}
    none = Saved((), ())
    for table in TABLES:
        saved = existing.get(table, none)
        for chain in saved.own_chains():
            found[f"{table} {chain}"] = tuple(rule for rule in saved.rules if _chain(rule) == chain)
    for table, hook, _ in plan.jumps(family):
        saved = existing.get(table, none)
        jumps = [rule for rule in saved.jumps() if _chain(rule) == hook]
        found[f"{table} {hook}"] = (saved.first(hook), *jumps)
    return found


def complete(plan: Plan, family: int, seen: View) -> bool:
    """Return whether a view has all that ``plan`` says: each chain with as many rules, each jump once and at
    position 1.
    """
    for table, chains in ruleset(plan, family).items():
        if any(len(seen.get(f"{table} {chain}", ())) != len(rules) for chain, rules in chains.items()):
            return False
    for table, hook, jump in plan.jumps(family):
        first, *jumps = seen.get(f"{table} {hook}", ("",))
        if jumps != [first] or _target(first) != _target(jump):
            return False
    return True


def differences(before: View, now: View) -> list[str]:
    """Return the chains, with their table, whose rules are not what they were."""
    return sorted(place for place in before.keys() | now.keys() if before.get(place) != now.get(place))


__all__ = [
    "TABLES",
    "CommandError",
    "IPTables",
    "Saved",
    "Variant",
    "View",
    "complete",
    "differences",
    "installation",
    "removal",
    "view",
    "wanted_variant",
]
