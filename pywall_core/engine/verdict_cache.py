"""Which verdict holds for a flow: the only module that writes ``flow.verdicts``, ``flow.final`` and ``flow.verdict``.

``flow.verdicts`` has a slot for each hook and direction. A final DROP or REJECT holds in all of them. A verdict that is
not final holds until a fact of the flow changes; plugins that set one empty the slots with :meth:`Flow.set_fact`.
"""

from __future__ import annotations

from typing import Final

from ..model.flow import Flow
from ..model.packet import Packet
from ..model.verdict import ACCEPT, Cause, Verdict

#: number of slots: netfilter hooks 1 to 3, each with two directions
SLOTS: Final = 8


def slot_of(packet: Packet) -> int:
    """Return the packet's slot: its hook and direction."""
    return packet.hook << 1 | packet.to_server


def record(flow: Flow, slot: int, verdict: Verdict, *, keep: bool) -> None:
    """Record a verdict of the rules. ``keep``: it holds for the next packets of the slot."""
    if verdict.final and verdict.cause is not Cause.NO_CHAIN and (flow.final is None or verdict.action is not ACCEPT):
        flow.final = verdict
        if verdict.action is not ACCEPT:
            flow.verdicts = [verdict] * SLOTS
            return
    if keep:
        flow.verdicts[slot] = verdict


def record_flow(flow: Flow, verdict: Verdict) -> None:
    """Record a verdict on all packets of the flow that no rule made: nobody looks at the flow any more."""
    flow.final = verdict
    flow.verdicts = [verdict] * SLOTS
    flow.pending = flow.classifying = 0
    flow.detect_done = True


def facts_changed(flow: Flow) -> None:
    """Ask the rules again."""
    flow.verdicts = [None] * SLOTS


def record_accept(flow: Flow, verdict: Verdict) -> None:
    """Record a final ACCEPT as the flow's, unless it has a final verdict already."""
    if flow.final is None:
        flow.final = verdict
