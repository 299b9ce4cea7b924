"""SetKeeper: the supervisor's part of named sets. Changes are checked, passed on, kept over reload and restart, and put
into the kernel where it can drop by them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from math import inf
from time import monotonic, time
from typing import Any, Final

from ..config import Config
from ..config.sets import build_sets
from ..kernel import ipset
from ..kernel.command import CommandError
from ..kernel.ipset import SetInUseError
from ..kernel.ruleset import Plan, SetDrop
from ..kernel.rundir import RunDir
from ..model.named_set import NamedSet
from .channel import Message

log: Final = logging.getLogger("pywall.sets")
#: name under which the run directory keeps the entries that came while running
_KEPT: Final = "sets"
#: entries put into the kernel between two steps of everything else
_STEP: Final = 10_000
#: how long rules that were taken away may hold a set, seconds
_HELD: Final = 1.0
#: entries kept over a restart, all sets together
_MOST_KEPT: Final = 200_000


class SetKeeper:
    """``tell(change)`` hands a change to all workers but the one it came from."""

    def __init__(self, rundir: RunDir, tell: Callable[[Message, object], None]) -> None:
        self._rundir = rundir
        self._tell = tell
        #: by set and entry: when it expires, seconds since 1970 (inf: never)
        self._added: dict[str, dict[str, float]] = {}
        self._changed = False
        #: empty sets of the configuration, to check entries by
        self._sets: dict[str, NamedSet] = {}
        self._config: Config | None = None
        #: yields whether there is something to do at once
        self._filling: Iterator[bool] | None = None
        self._waiting = False
        self._in_kernel: set[str] = set()
        self._warned = False
        kept = rundir.recall(_KEPT)
        if isinstance(kept, dict):
            self._take_kept(kept)

    def _take_kept(self, kept: dict[str, Any]) -> None:
        for name, entries in kept.items():
            if isinstance(entries, dict):
                good = {str(e): float(t) if t is not None else inf for e, t in entries.items() if _is_time(t)}
                self._added[str(name)] = good

    def use(self, config: Config) -> None:
        """Take another configuration into use; entries of sets that it has not are kept for the next one."""
        self._config = config
        self._sets = build_sets(config, read_files=False)

    @property
    def named(self) -> Mapping[str, NamedSet]:
        """The sets of the configuration, without their entries."""
        return self._sets

    def entries(self) -> list[Message]:
        """Return all entries that came while running, as changes, for workers that start."""
        now = time()
        found: list[Message] = []
        for name, entries in self._added.items():
            by_time: dict[float | None, list[str]] = {}
            for entry, expires in entries.items():
                if expires > now:
                    by_time.setdefault(None if expires == inf else round(expires - now, 1), []).append(entry)
            found += [{"op": "add", "set": name, "entries": es, "for": seconds} for seconds, es in by_time.items()]
        return found

    def change(self, request: Message, origin: object = None) -> str | None:
        """Carry out a change: from a client, or from the worker ``origin``. Return what is wrong, or None."""
        name, entries, seconds = request.get("set"), request.get("entries"), request.get("for")
        known = self._sets.get(name) if isinstance(name, str) else None
        if known is None:
            return f"there is no set {name!r} in the policy (it has: {', '.join(self._sets) or 'none'})"
        operation = request.get("op")
        if operation == "reload":
            return self._reload(known)
        if operation not in ("add", "delete") or not isinstance(entries, list) or not _is_time(seconds):
            return "a change has op (add, delete, reload), set, entries, and for (seconds)"
        try:
            texts = [known.text(known.normal(entry)) for entry in entries]
        except ValueError as error:
            return str(error)
        if operation == "add":
            wrong = self._remember(known, texts, seconds)
            if wrong:
                return wrong
        else:
            for entry in texts:
                self._added.get(known.name, {}).pop(entry, None)
        self._changed = True
        self._change_kernel(known.name, operation, texts, seconds)
        self._tell({"op": operation, "set": known.name, "entries": texts, "for": seconds}, origin)
        return None

    def _remember(self, known: NamedSet, texts: list[str], seconds: float | None) -> str | None:
        mine = self._added.setdefault(known.name, {})
        if sum(map(len, self._added.values())) + len(texts) > _MOST_KEPT:
            return f"more than {_MOST_KEPT} entries were added while running; put them into a file of the set"
        expires = inf if seconds is None else time() + seconds
        for entry in texts:
            mine[entry] = expires
        return None

    def _reload(self, known: NamedSet) -> str | None:
        self._tell({"op": "reload", "set": known.name, "entries": [], "for": None}, None)
        if known.name in self._in_kernel:
            self._filling = self._fill([known.name])
        return None

    # --- the kernel -----------------------------------------------------------------------------------------------

    def _change_kernel(self, name: str, operation: str, entries: list[str], seconds: float | None) -> None:
        if name not in self._in_kernel:
            return
        try:
            if operation == "add":
                ipset.add(name, [(entry, inf if seconds is None else seconds) for entry in entries])
            else:
                ipset.delete(name, entries)
        except CommandError as error:
            log.error("set %s in the kernel: %s (the workers decide)", name, error)

    def begin(self, drops: list[SetDrop]) -> None:
        """Begin to put the sets into the kernel that it is to drop by. :meth:`step` goes on with it."""
        self._in_kernel = set()
        self._waiting = False
        names = list(dict.fromkeys(drop.set for drop in drops))
        if names and not ipset.available():
            if not self._warned:
                log.warning(
                    "packets that sets decide at sight are queued: the kernel has no sets (modprobe ip_set), or "
                    "CAP_NET_RAW is missing"
                )
                self._warned = True
            names = []
        self._filling = self._fill(names) if names else None

    def step(self) -> bool:
        """Put a batch of entries into the kernel. True when the last one has just gone in."""
        if self._filling is None:
            return False
        try:
            self._waiting = not next(self._filling)
        except StopIteration:
            self._filling = None
            return True
        except (CommandError, OSError) as error:
            log.error("sets in the kernel: %s (the workers decide)", error)
            self._filling = None
            self._in_kernel = set()
        return False

    def busy(self) -> bool:
        """Return True if there is more to put into the kernel, at once."""
        return self._filling is not None and not self._waiting

    def plan(self, plan: Plan, drops: list[SetDrop]) -> Plan:
        """Return the plan with those drops whose sets are in the kernel."""
        return replace(plan, drops=tuple(drop for drop in drops if drop.set in self._in_kernel))

    def _fill(self, names: list[str]) -> Iterator[bool]:
        assert self._config is not None
        wanted = self._config.model_copy(update={"sets": {name: self._config.sets[name] for name in names}})
        sets = build_sets(wanted)
        for name in names:
            made = sets[name]
            now = time()
            for entry, expires in self._added.get(name, {}).items():
                if expires > now:
                    made.values[made.normal(entry)] = expires - now
            if name not in self._in_kernel:
                yield from _created(name, made.most)
            yield True
            batch: list[tuple[str, float]] = []
            for entry, seconds in made.entries():
                batch.append((entry, seconds))
                if len(batch) == _STEP:
                    ipset.add(name, batch)
                    batch = []
                    yield True
            ipset.add(name, batch)
            self._in_kernel.add(name)

    # --- memory ---------------------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Forget what has expired, and write the rest down if it has changed; call about once a second."""
        if not self._changed:
            return
        self._changed = False
        now = time()
        self._added = {
            name: left
            for name, entries in self._added.items()
            if (left := {entry: expires for entry, expires in entries.items() if expires > now})
        }
        kept = {
            name: {entry: None if expires == inf else expires for entry, expires in entries.items()}
            for name, entries in self._added.items()
        }
        self._rundir.remember(_KEPT, kept)


def _created(name: str, most: int) -> Iterator[bool]:
    """Create a set in the kernel; yield False while a rule that was taken away still holds the former one."""
    until = monotonic() + _HELD
    while True:
        try:
            return ipset.create(name, most)
        except SetInUseError:
            if monotonic() >= until:
                raise
        yield False


def _is_time(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0)
