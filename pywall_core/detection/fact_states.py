"""FactStates: what is settled of a flow, and what detectors, classifiers and parsers may still say of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final, final

from ..calls.guard import Guard
from ..model.flow import Flow
from ..model.packet import ICMP, ICMPV6, UDP
from ..model.verdict import NO, PENDING, YES, Answer
from .carriers import Carriers
from .classifiers import Classifiers
from .detectors import Detectors
from .following import Following

#: a plugin's name and its hook ``fact_state``
Given = tuple[str, Callable[[Flow, str], Answer]]
#: bytes of both directions after which detectors that have matched nothing hold up classification no longer
_UNMATCHED_GRACE: Final = 3000
#: limits with an unconfirmed match: bytes of the side that has said less, of the one that has said more, and of one
#: that gets no answer at all, which a long ClientHello may need. Of 1,298 confirmed flows of public captures all but
#: three of RTP were confirmed when both had spoken and the one that had said less had said 156 bytes
_LESS_GRACE: Final = 256
_MORE_GRACE: Final = 3000
_SILENCE_GRACE: Final = 6000


@final
class FactStates:
    """Answers from ``flow.detection``, which it does not change. The limits are those of
    :class:`~pywall_core.detection.detection.Detection`.
    """

    def __init__(
        self,
        detectors: Detectors,
        classifiers: Classifiers,
        carriers: Carriers,
        guard: Guard,
        limit_bytes: int,
        limit_packets: int,
    ) -> None:
        self._names = detectors.names
        #: mask of detectors that may confirm a name: classification waits for these, and for those that rules ask for
        self._confirming = detectors.confirming
        self._classifiers = classifiers
        self._carriers = carriers
        self._guard = guard
        self._limit_bytes = limit_bytes
        self._limit_packets = limit_packets
        #: a UDP flow without a proved name may yet have another one, by a datagram that begins a protocol
        self.may_begin_again = False
        #: mask of detectors whose NO may change what a rule answers
        self.awaited = 0
        #: the plugin that says how settled a fact is which neither detectors nor classifiers give, by the fact's name
        self.given: dict[str, Given] = {}

    def await_names(self, asked: Collection[str]) -> None:
        """Have :meth:`Detection.feed` report when a flow can no longer get a name of those that rules ask for."""
        self.awaited = self._names.givers(asked)

    def fact_state(self, flow: Flow, name: str) -> Answer:
        """YES: settled (present or absent for good); NO: provisional, may still change; PENDING: open.

        The name of an unconfirmed match never settles: an opening is not a proof, and a budget spent is none either.
        """
        given = self.given.get(name)
        if given is not None:
            answer: Any = self._guard.ask2(given[0], given[1], flow, name)
            return answer if type(answer) is Answer else PENDING
        state = flow.detection
        app_proto = state.app_proto
        following = state.following
        settled = YES
        if following is not None or (self.may_begin_again and flow.proto == UDP and not state.confirmed):
            settled = NO  # another protocol may yet begin
        if name in self._carriers.facts:
            if flow.proto in (ICMP, ICMPV6):
                return NO
            return PENDING if app_proto is None else settled if state.done else NO
        if name in self._classifiers.facts:
            if name not in state.facts and not (state.confirmed and not state.opaque):
                return PENDING if state.classifying or not state.done else settled
            return settled if state.done else NO
        if app_proto is None:
            return NO if name in state.facts or not self._may_come(flow, name) else PENDING
        if following is not None and following.own_facts:
            return NO if following.began or not name.startswith(following.prefix) else PENDING
        if state.done:
            return settled if state.confirmed or app_proto in ("unknown", "none") else NO
        if name == "app_proto" or name in state.facts:
            return NO
        return PENDING if name.partition(".")[0] in (app_proto, state.app_proto_orig) else NO

    def _may_come(self, flow: Flow, fact: str) -> bool:
        """Return True where a flow without a name may yet get the fact: not where its detectors have said NO."""
        protocol = fact.partition(".")[0]
        return protocol in self.possible_names(flow) or protocol not in self._names.declared

    def possible_names(self, flow: Flow) -> frozenset[str]:
        """Return the names that a flow without one may get from detectors that have not said NO; of one with a name,
        this name.
        """
        state = flow.detection
        if state.app_proto is not None:
            return frozenset((state.app_proto,))
        return self._names.possible(state.pending | state.match_bit)

    def may_be_confirmed(self, flow: Flow) -> bool:
        """Return True where the name is not confirmed and may be yet: also behind the budget, while one side has asked
        a long question that its protocol allows, and the other has said nothing.
        """
        state = flow.detection
        if state.confirmed:
            return False
        following: Following | None = state.following
        return not state.done or (following is not None and following.unanswered)

    def may_be_named(self, flow: Flow) -> bool:
        """Return True while detectors may still name the flow or confirm its name, and classification should wait.

        An opening alone does not buy time: without a match for a few packets, with an unconfirmed one until the other
        side has answered, which a real one does before long.
        """
        state = flow.detection
        if state.done or not state.pending:
            return False
        client, server = len(state.client), len(state.server)
        if state.match is None:
            awaited = state.pending & (self._confirming | self.awaited)
            return awaited != 0 and client + server < _UNMATCHED_GRACE
        if state.match.confirmed:
            return True
        if not client or not server:
            return client + server < _SILENCE_GRACE
        return max(client, server) < _MORE_GRACE and min(client, server) < _LESS_GRACE

    def spent(self, flow: Flow) -> bool:
        """Return True if the budget of a direction is used up."""
        state = flow.detection
        limit = self._limit_bytes
        return (
            len(state.client) >= limit
            or len(state.server) >= limit
            or len(state.client_sizes) >= self._limit_packets
            or len(state.server_sizes) >= self._limit_packets
        )
