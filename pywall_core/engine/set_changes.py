"""SetChanges: entries of named sets come and go; flows that were decided otherwise are decided again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from math import inf
from typing import Any, Final, final

from ..chain.predict import BACK, OtherWay
from ..chain.rule import Rule
from ..chain.walk import Chains
from ..config import Config
from ..config.sets import load_file
from ..flows.table import FlowTable
from ..model.flow import Flow
from ..model.named_set import TYPES, NamedSet, SetFullError
from ..model.packet import Packet
from ..model.verdict import ACCEPT, Cause, Verdict

#: fields of a packet or flow that ``add: {key: ...}`` may name; any other key is the name of a fact
_PACKET_KEYS: Final = frozenset({"src", "dst", "sport", "dport"})
_FLOW_KEYS: Final = {"client": "src", "server": "dst"}


@final
class SetChanges:
    """Changes to the sets of one engine. ``report(change)`` is called for those that a rule made, as plain data."""

    def __init__(self, sets: Mapping[str, NamedSet], flows: FlowTable, chains: Chains, *, observe: bool) -> None:
        self._sets = sets
        self._flows = flows
        self._other_way = OtherWay(chains, observe=observe)
        self.report: Callable[[dict[str, Any]], None] | None = None
        #: additions that found their set full, or a value that does not fit it
        self.refused = 0

    def add_by_rule(self, rule: Rule, packet: Packet, flow: Flow, now: float) -> tuple[str, str] | None:
        """Do what a rule's ``add:`` says; return set and entry, or None when nothing new was added."""
        addition = rule.add
        assert addition is not None
        into = self._sets[addition.set]
        value = _value(addition.key, packet, flow)
        if value is None:
            return None
        expires = inf if addition.duration is None else now + addition.duration
        try:
            normal = into.normal(value)
            known = normal in into.values
            into.add(value, expires)
        except (ValueError, SetFullError):
            self.refused += 1
            return None
        entry = into.text(normal)
        if self.report is not None:
            self.report({"op": "add", "set": addition.set, "entries": [entry], "for": addition.duration})
        return None if known else (addition.set, entry)

    def apply(self, change: Mapping[str, Any], now: float) -> list[Flow]:
        """Apply a change from outside: ``op`` is add or delete. Return the flows whose verdict is another one now.

        Entries that do not fit are counted and left out: they were checked where they came in.
        """
        into = self._sets.get(str(change["set"]))
        if into is None:
            return []
        seconds = change.get("for")
        expires = inf if seconds is None else now + float(seconds)
        touched: list[Any] = []
        for entry in change["entries"]:
            try:
                if change["op"] == "add":
                    touched.append(into.add(entry, expires))
                elif into.delete(entry):
                    touched.append(into.normal(entry))
            except (ValueError, SetFullError):
                self.refused += 1
        return self.reconsider(into, touched)

    def reload(self, name: str, config: Config) -> list[Flow]:
        """Read the set's file again; entries with a time to live stay. Return the flows with another verdict.

        A file with errors changes nothing.
        """
        known, section = self._sets.get(name), config.sets.get(name)
        if known is None or section is None:
            return []
        fresh = TYPES[section.type](name, section.size)
        for entry in section.entries:
            fresh.add(entry)
        if section.file is not None and load_file(fresh, section.file, section.column):
            self.refused += 1
            return []
        before = {value for value, expires in known.values.items() if expires == inf}
        known.replace([known.text(value) for value in fresh.values])
        return self.reconsider(known, before ^ fresh.values.keys())

    def sweep(self, now: float) -> None:
        """Forget entries that have expired."""
        for one in self._sets.values():
            gone = one.sweep(now)
            if gone:
                self.reconsider(one, gone)

    def reconsider(self, changed: NamedSet, values: Iterable[Any]) -> list[Flow]:
        """Ask the rules again about decided flows that the values may concern; return those with another verdict.

        An accepted flow that the rules would drop now is dropped from its next packet on. One that was dropped and
        would not be any more is forgotten, so that its next packet begins again.
        """
        concerned: list[Flow] = []
        if changed.type == "addresses":
            touched = TYPES["addresses"](changed.name, changed.most)
            for value in values:
                touched.add(touched.normal(value) if isinstance(value, bytes) else changed.text(value))
            if not len(touched):
                return []
            concerned = [flow for flow in self._flows if flow.src in touched or flow.dst in touched]
        else:
            concerned = list(self._flows)
        return [flow for flow in concerned if self._reconsider(flow)]

    def _reconsider(self, flow: Flow) -> bool:
        final = flow.final
        if final is None:
            flow.cache.facts_changed()
            return False
        if final.cause is not Cause.RULE:
            return False
        verdict = self._predict(flow)
        if verdict is None or verdict.action is final.action:
            return False
        if verdict.action is ACCEPT or not verdict.final:
            self._flows.end(flow, "set")
        else:
            flow.stop_looking(verdict)
        return True

    def _predict(self, flow: Flow) -> Verdict | None:
        """Return the strictest verdict of both directions, as far as it does not take a packet to know it."""
        found: Verdict | None = None
        forth = flow.hook
        for hook, to_server in ((forth, True), (BACK.get(forth, forth), False)):
            verdict = self._other_way.verdict(flow, to_server, hook)
            if verdict is not None and (found is None or found.action is ACCEPT):
                found = verdict
        return found


def _value(key: str, packet: Packet, flow: Flow) -> Any:
    if key in _PACKET_KEYS:
        return getattr(packet, key)
    if key in _FLOW_KEYS:
        return getattr(flow, _FLOW_KEYS[key])
    value = flow.facts.get(key)
    return value[0] if isinstance(value, (list, tuple)) and value else value


def set_entries(sets: Mapping[str, NamedSet], request: Mapping[str, Any], now: float) -> dict[str, Any] | None:
    """Answer ``pywall set list`` and ``pywall set test``: entries with the seconds left, or whether each value of
    ``entries`` is a member. None: there is no such set.
    """
    one = sets.get(str(request.get("set")))
    if one is None:
        return None
    found: dict[str, Any] = {"set": one.name, "type": one.type, "size": len(one)}
    if "test" in request:
        found["members"] = {str(value): _is_member(one, value) for value in request["test"]}
        return found
    limit = int(request.get("limit", 100))
    found["entries"] = [
        {"entry": entry, "left": None if expires == inf else max(0.0, round(expires - now, 1))}
        for entry, expires in islice(one.entries(), limit)
    ]
    return found


def _is_member(one: NamedSet, value: Any) -> bool:
    try:
        if one.type == "addresses":
            value = one.normal(value)
            return value in one.values if isinstance(value, tuple) else value in one
        return (int(value) if one.type == "ports" else value) in one
    except ValueError:
        return False


def kernel_drops(chains: Chains, *, observe: bool) -> list[tuple[str, str, str]]:
    """Return (hook, set, ``src`` or ``dst``) of the rules that the kernel can carry out alone: at the beginning of a
    hook's chain, DROP, and asking only whether an address is in one set.
    """
    found: list[tuple[str, str, str]] = []
    if observe:
        return found
    for hook in ("INPUT", "OUTPUT", "FORWARD"):
        for bound in chains.bound.get(hook, ()):
            kernel = getattr(bound.condition, "kernel_sets", lambda: None)()
            if kernel is None or bound.action != "drop" or bound.observe or bound.add is not None:
                break
            found.append((hook, *kernel))
    return found
