"""What DNS answered: the names of the address that a flow goes to, as its client was told.

An answer counts when it comes on the flow of a question that was let pass, from the asked address and port, with the
question's number, name and type, and is itself let pass; each question is answered once. Multicast DNS, where anybody
answers, does not count. A client that may ask any server can be told anything: let it ask yours alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pywall_core.api import NO, YES, Answer, Flow, hookimpl

from .answered_names import FACT, NAME, AnsweredNames

if TYPE_CHECKING:
    from pywall_core.api import Host


class DnsAnswers:
    """Gives flows the names under which their client was told the address that they go to.

    :facts: dns.answered
    """

    api_version = 1
    facts = (FACT,)
    needs_class_at_end = False

    def __init__(self) -> None:
        self.answered = answered = AnsweredNames()
        self.pywall_flow_start = hookimpl(answered.begin)
        self.pywall_flow_end = hookimpl(answered.end)
        self.pywall_segment = hookimpl(answered.segment)

    @hookimpl
    def pywall_startup(self, engine: Host) -> None:
        answered = self.answered
        answered.host = engine
        answered.tell = engine.share(NAME, answered.take_told)
        engine.keep(NAME, answered.save, answered.load)

    @hookimpl
    def pywall_fact_state(self, flow: Flow, name: str) -> Answer:
        """Another worker may have seen the answer, and tell it a moment later."""
        return NO if flow.id in self.answered.young else YES

    @hookimpl
    def pywall_tick(self, now: float) -> None:
        self.answered.settle(now)

    @hookimpl
    def pywall_stats(self) -> dict[str, Any]:
        answered = self.answered
        return {"answers": answered.answers, "unasked": answered.unasked, "held": len(answered)}
