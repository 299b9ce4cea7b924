"""Our rules in the kernel, both families: put in, kept in place, taken out."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace
from pathlib import Path
from typing import Final

from . import accounting, conntrack, foreign_marks, forwarding, ipset, mark_guard, nftables
from .iptables import TABLES, CommandError, IPTables, Variant, View, complete, differences, installation, removal, view
from .marks import DEFAULT_MASK, Marks
from .ruleset import PREFIX, Plan
from .rundir import RunDir

log: Final = logging.getLogger("pywall.kernel")
#: what is remembered across kill -9: tables and chains that were there before us, and where our marks are
_MADE: Final = "tables"
_MARKS: Final = "marks"
#: in the answer of :meth:`Firewall.keep`: our sets have gone, and the rules hold without them
SETS: Final = "sets"
#: how often rules are put in that are changed by somebody else meanwhile
_ATTEMPTS: Final = 3
#: parts of a plan that a kernel may lack the means for, and what is without them
_SHORTCUTS: Final = {
    "early": "sources in sets are dropped behind conntrack: the kernel lacks the table raw (%s)",
    "skip_bare_acks": "segments without content are queued: the kernel lacks u32 or connbytes (%s)",
}


class Firewall:
    """``variant`` chooses iptables-nft or -legacy; None: what the system calls iptables.

    :raises CommandError: iptables is missing
    """

    def __init__(self, rundir: RunDir, variant: Variant | None = None) -> None:
        self._rundir = rundir
        self._families = [IPTables(4, variant)]
        if Path("/proc/net/if_inet6").exists():
            self._families.append(IPTables(6, variant))
        else:
            log.warning("the kernel has no IPv6: only IPv4 is filtered")
        self.variant = self._families[0].variant
        self._plan: Plan | None = None
        self._views: dict[int, View] = {}
        self._guarded: dict[str, bytes] = {}
        self._unguarded = False
        self._shared: list[str] = []
        self._seen = 0

    def draw_marks(self, mask: int | None, workers: int) -> Marks:
        """Return marks for the next generation, in ``mask`` or, when it is None, in bits that nobody else uses.

        Bits that others use as well are said. Raises ValueError when ``mask`` is too narrow.
        """
        found = foreign_marks.uses()
        chosen = foreign_marks.choose(found) if mask is None else mask
        shared = [use.where for use in foreign_marks.conflicts(found, chosen)]
        if shared and shared != self._shared:
            log.warning(
                "marks: bits of %#x are used by others as well, their packets are not handed to the kernel: %s%s; "
                "set queue.mark_mask to other bits",
                chosen,
                "; ".join(shared[:3]),
                f" and {len(shared) - 3} more" if len(shared) > 3 else "",
            )
        self._shared = shared
        if mask is None and chosen not in (DEFAULT_MASK, self._plan.marks.mask if self._plan else 0):
            log.info("marks: %#x is ours, since others use bits of %#x", chosen, DEFAULT_MASK)
        used = [tag for marks in self._kept_marks() for tag in (marks.packet_tag, marks.connection_tag)]
        return Marks.draw(chosen, workers, used)

    def install(self, plan: Plan) -> Plan:
        """Put the rules in, or change them to ``plan``: each table at once, all families or none. Return the plan
        that holds: without the shortcuts that this kernel has no matches for.

        :raises CommandError: nothing has changed then
        """
        plan = self._without_unknown_matches(forwarding.with_ways_in(plan))
        if self._plan is None:
            self._note_tables()
            accounting.note(self._rundir)
        if plan.marks not in (kept := self._kept_marks()):
            self._keep_marks([*kept, plan.marks])
        self._guard(plan)
        done: list[IPTables] = []
        views: dict[int, View] = {}
        for tables in self._families:
            try:
                done.append(tables)
                views[tables.family] = self._apply(tables, plan)
            except CommandError:
                self._roll_back(done)
                raise
        self._plan, self._views = plan, views
        self._guarded = mark_guard.present()
        self._seen = nftables.generation()
        return plan

    def clear_former_marks(self) -> None:
        """Take the marks of former generations off all connections, which the rules do not know any more.

        It is one request to the kernel a connection, seconds for 100,000: packets that wait for new workers come first.
        """
        marks = self._plan.marks if self._plan is not None else None
        self._clear_marks([kept for kept in self._kept_marks() if kept != marks])

    def _without_unknown_matches(self, plan: Plan) -> Plan:
        wanted = [name for name in _SHORTCUTS if name != "early" or any(plan.early_drops(family) for family in (4, 6))]
        wanted = [name for name in wanted if getattr(plan, name)]
        for name in wanted:
            try:
                self.test(plan.without(*(other for other in wanted if other != name)))
            except CommandError as error:
                plan = plan.without(name)
                self.test(plan.without(*wanted))  # a fault that is not the shortcut's
                log.warning(_SHORTCUTS[name], error)
        return plan

    def keep(self) -> list[str]:
        """Compare all our rules with what was put in, and put them back. Return the places that were changed."""
        plan = self._plan
        if plan is None:
            return []
        if (fresh := forwarding.with_ways_in(plan)) != plan:
            log.info("this machine forwards packets of others now, or no longer: the drops by sets follow")
            plan = self.install(fresh)
        now = nftables.generation()
        if now and now == self._seen and self.variant == "nft":
            return []
        try:
            changed = self._restore(plan)
        except CommandError:
            if not plan.drops:
                raise
            # who flushes the rules may have destroyed the sets that they name
            self._plan = plan = replace(plan, drops=())
            changed = [SETS, *self._restore(plan)]
        self._seen = nftables.generation() if changed else now
        return changed

    def _restore(self, plan: Plan) -> list[str]:
        changed: list[str] = []
        if mark_guard.present() != self._guarded:
            changed.append(f"nft inet {mark_guard.TABLE}")
            self._guard(plan)
            self._guarded = mark_guard.present()
        for tables in self._families:
            if places := differences(self._views[tables.family], view(plan, tables.family, tables.save())):
                name = "iptables" if tables.family == 4 else "ip6tables"
                changed += [f"{name} {place}" for place in places]
                self._views[tables.family] = self._apply(tables, plan)
        return changed

    def _apply(self, tables: IPTables, plan: Plan) -> View:
        """Put the rules of one family in and return them as the kernel has them."""
        for _ in range(_ATTEMPTS):
            tables.apply(installation(plan, tables.family, tables.save()))
            seen = view(plan, tables.family, tables.save())
            if complete(plan, tables.family, seen):
                return seen
        raise CommandError("somebody else changes our rules while they are put in")

    def _guard(self, plan: Plan) -> None:
        """Take off marks that others set and that look like ours, where the kernel can."""
        try:
            mark_guard.install(plan.marks, plan.hooks)
        except OSError as error:
            if not self._unguarded:
                log.warning("packet marks of others are not cleared (nf_tables: %s): 8 values count as ours", error)
            self._unguarded = True

    def queued(self) -> int:
        """Return packets that our rules have sent to the queues. Raises CommandError when they cannot be read."""
        return sum(tables.queued() for tables in self._families)

    def stop_queueing(self) -> None:
        """Send no more packets to the queues. What waits there still gets its verdict: it does not where more of our
        rules have gone, since the kernel drops it when a base chain goes, or the last rule that asks for conntrack
        (``nf_queue_nf_hook_drop`` in net/netfilter/core.c).

        A family whose rules cannot be changed is left to :meth:`remove`, which says so."""
        self._plan = None
        for tables in self._families:
            with contextlib.suppress(CommandError):
                tables.stop_queueing()

    def remove(self) -> None:
        """Take out all that is ours, also what a killed run left, and revoke what the kernel carried for us.

        :raises CommandError: some rules could not be removed; the others are
        """
        self._plan = None
        failed: list[str] = []
        for tables in self._families:
            try:
                self._remove_from(tables)
            except CommandError as error:
                failed.append(str(error))
        try:
            mark_guard.remove()
        except OSError as error:
            failed.append(f"nft table inet {mark_guard.TABLE}: {error}")
        self._delete_made()
        ipset.destroy(ipset.left_over())
        self._clear_marks(self._kept_marks())
        accounting.set_back(self._rundir)
        if failed:
            raise CommandError("; ".join(failed))

    def clean_up(self) -> bool:
        """Take out what a killed run left. False when there was nothing.

        :raises CommandError: some rules could not be removed
        """
        found = any(saved.own_chains() for tables in self._families for saved in tables.save().values())
        found |= bool(mark_guard.present())
        self.remove()
        return found

    def count_offloaded(self) -> None:
        """Have conntrack count what it carries for us; :meth:`remove` sets it back."""
        accounting.begin()

    def test(self, plan: Plan) -> None:
        """Whether this machine's tools understand the rules; nothing is changed.

        :raises CommandError: they do not
        """
        for tables in self._families:
            tables.test(installation(plan, tables.family, tables.save()))

    def _kept_marks(self) -> list[Marks]:
        """Marks of generations whose connmarks may still be there."""
        kept = self._rundir.recall(_MARKS)
        found: list[Marks] = []
        for value in kept if isinstance(kept, list) else []:
            with contextlib.suppress(ValueError):
                found.append(Marks.from_json(value))
        return found

    def _keep_marks(self, marks: list[Marks]) -> None:
        if marks:
            self._rundir.remember(_MARKS, [each.as_json() for each in marks])
        else:
            self._rundir.forget(_MARKS)

    def _clear_marks(self, former: list[Marks]) -> None:
        """Take the marks of former generations off all connections."""
        try:
            for marks in former:
                conntrack.clear_marks(marks)
        except OSError as error:
            log.warning("marks of connections were not cleared: %s", error)
            return
        self._keep_marks([self._plan.marks] if self._plan else [])

    def _remove_from(self, tables: IPTables) -> None:
        if text := removal(tables.save()):
            tables.apply(text)

    def _roll_back(self, done: list[IPTables]) -> None:
        for tables in done:
            try:
                if self._plan is None:
                    self._remove_from(tables)
                else:
                    self._views[tables.family] = self._apply(tables, self._plan)
            except CommandError as error:
                log.error("roll-back: %s", error)
        if self._plan is not None:
            self._guard(self._plan)
            return
        with contextlib.suppress(OSError):
            mark_guard.remove()
        self._delete_made()

    def _note_tables(self) -> None:
        """Remember which tables and base chains were there before us (a killed run's note still holds)."""
        if self.variant != "nft":
            return
        now = {tables.family: nftables.places(tables.family) for tables in self._families}
        leftover = any(chain.startswith(PREFIX) for places in now.values() for _, chain in places)
        if not leftover or self._rundir.recall(_MADE) is None:
            self._rundir.remember(_MADE, {str(family): sorted(places) for family, places in now.items()})

    def _delete_made(self) -> None:
        """Delete the tables and base chains that were made for us, if they are empty."""
        before = self._rundir.recall(_MADE)
        if self.variant != "nft" or not isinstance(before, dict):
            return
        for tables in self._families:
            known = {(table, chain) for table, chain in before.get(str(tables.family), [])}
            made = {place for place in nftables.places(tables.family) - known if place[0] in TABLES}
            nftables.delete_empty(tables.family, made)
        self._rundir.forget(_MADE)
