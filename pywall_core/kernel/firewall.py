"""Our rules in the kernel, both families: put in, kept in place, taken out."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import Final

from . import conntrack, nftables
from .iptables import CommandError, IPTables, Variant, in_place, installation, removal
from .marks import Marks
from .ruleset import PREFIX, Plan
from .rundir import RunDir

log: Final = logging.getLogger("pywall.kernel")
#: what is remembered across kill -9: tables and chains that were there before us, where our marks are, and that
#: conntrack's accounting was off
_MADE: Final = "tables"
_MARKS: Final = "marks"
_ACCOUNTING: Final = "accounting"


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
        self._seen = 0

    def install(self, plan: Plan) -> None:
        """Put the rules in, or change them to ``plan``: each table at once, all families or none.

        :raises CommandError: nothing has changed then
        """
        if self._plan is None:
            self._note_tables()
        self._clear_marks(plan.marks, plan.generation)  # the number was used 255 generations ago
        self._rundir.remember(_MARKS, plan.marks.shift)
        done: list[IPTables] = []
        for tables in self._families:
            try:
                done.append(tables)
                tables.apply(installation(plan, tables.family, tables.save()))
            except CommandError:
                self._roll_back(done)
                raise
        self._plan = plan
        self._seen = nftables.generation()

    def keep(self) -> bool:
        """Look whether the rules are still in place and put them back. False when they were not."""
        if self._plan is None:
            return True
        if self.variant == "nft":
            now = nftables.generation()
            if now and now == self._seen:
                return True
            self._seen = now
        lost = [t for t in self._families if not in_place(self._plan, t.save())]
        for tables in lost:
            tables.apply(installation(self._plan, tables.family, tables.save()))
        if lost and self.variant == "nft":
            self._seen = nftables.generation()
        return not lost

    def queued(self) -> int:
        """Packets that our rules have sent to the queues since they were put in.

        :raises CommandError: the rules cannot be read
        """
        return sum(tables.queued() for tables in self._families)

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
        self._delete_made()
        shift = self._rundir.recall(_MARKS)
        if isinstance(shift, int):
            self._clear_marks(Marks(shift), None)
            self._rundir.forget(_MARKS)
        if self._rundir.recall(_ACCOUNTING) is not None:
            with contextlib.suppress(OSError):
                conntrack.ACCOUNTING.write_text("0")
            self._rundir.forget(_ACCOUNTING)
        if failed:
            raise CommandError("; ".join(failed))

    def clean_up(self) -> bool:
        """Take out what a killed run left. False when there was nothing.

        :raises CommandError: some rules could not be removed
        """
        found = any(saved.own_chains() for tables in self._families for saved in tables.save().values())
        self.remove()
        return found

    def count_offloaded(self) -> None:
        """Have conntrack count what it carries for us; :meth:`remove` sets it back."""
        try:
            if conntrack.ACCOUNTING.read_text().strip() == "0":
                self._rundir.remember(_ACCOUNTING, "0")
                conntrack.ACCOUNTING.write_text("1")
        except OSError as error:
            log.warning("flows that the kernel carries are not counted: %s: %s", conntrack.ACCOUNTING, error.strerror)

    def test(self, plan: Plan) -> None:
        """Whether this machine's tools understand the rules; nothing is changed.

        :raises CommandError: they do not
        """
        for tables in self._families:
            tables.test(installation(plan, tables.family, tables.save()))

    def _clear_marks(self, marks: Marks, generation: int | None) -> None:
        try:
            conntrack.clear_marks(marks, generation)
        except OSError as error:
            log.warning("marks of connections were not cleared: %s", error)

    def _remove_from(self, tables: IPTables) -> None:
        text = removal(tables.save())
        if text:
            tables.apply(text)

    def _roll_back(self, done: list[IPTables]) -> None:
        for tables in done:
            try:
                if self._plan is None:
                    self._remove_from(tables)
                else:
                    tables.apply(installation(self._plan, tables.family, tables.save()))
            except CommandError as error:
                log.error("roll-back: %s", error)
        if self._plan is None:
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
            made = {place for place in nftables.places(tables.family) - known if place[0] in ("mangle", "filter")}
            nftables.delete_empty(tables.family, made)
        self._rundir.forget(_MADE)
