"""VerdictCache: which verdict holds for a flow.

A flow has a slot for each hook and direction. A final DROP or REJECT holds in all of them. A verdict that is not final
holds until a fact of the flow changes.
"""

from __future__ import annotations

from typing import Final, final

from .verdict import ACCEPT, Cause, Verdict

#: number of slots: netfilter hooks 1 to 3, each with two directions
SLOTS: Final = 8


@final
class VerdictCache:
    """The verdicts of one flow (``flow.cache``). Only the engine writes it."""

    __slots__ = ("final", "last", "released", "verdicts", "walk_from")

    #: the verdict that holds in each slot (``hook << 1 | to_server``), None where the rules are to be asked
    verdicts: list[Verdict | None]
    #: the flow's final verdict
    final: Verdict | None
    #: by slot: the chain and the rule at which a walk begins, since those before answer as at the last one
    walk_from: dict[int, tuple[str, int]] | None
    #: the verdict on the flow's last packet
    last: Verdict | None
    #: nobody needs to look at the flow's packets any more, in either direction
    released: bool

    def record(self, slot: int, verdict: Verdict, *, keep: bool) -> None:
        """Record a verdict of the rules. ``keep``: it holds for the next packets of the slot."""
        if (
            verdict.final
            and verdict.cause is not Cause.NO_CHAIN
            and (self.final is None or verdict.action is not ACCEPT)
        ):
            self.final = verdict
            if verdict.action is not ACCEPT:
                self.verdicts = [verdict] * SLOTS
                return
        if keep:
            self.verdicts[slot] = verdict

    def record_everywhere(self, verdict: Verdict) -> None:
        """Record a final verdict that no rule made: it holds in all slots."""
        self.final = verdict
        self.verdicts = [verdict] * SLOTS

    def record_accept(self, verdict: Verdict) -> None:
        """Record a final ACCEPT as the flow's, unless it has a final verdict already."""
        if self.final is None:
            self.final = verdict

    def facts_changed(self) -> None:
        """Ask the rules again, unless the flow has a final DROP or REJECT."""
        if self.final is None or self.final.action is ACCEPT:
            self.verdicts = [None] * SLOTS
