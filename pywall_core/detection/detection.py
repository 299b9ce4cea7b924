"""Detection: what a flow carries. New bytes go to the detectors, to the parser of a name's transactions, and to the
classifiers where no name is confirmed.

Longer than 300 lines: its steps feed each other; what a protocol hands over begins again inside.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, final

from ..calls.guard import Guard
from ..flows.handover import Known
from ..model.detection_state import NOTHING_KNOWN, DetectionState
from ..model.flow import Flow
from ..model.packet import ICMP, ICMPV6, PROTOCOL_NAMES, TCP, UDP
from ..model.transaction import Ambiguous
from ..model.verdict import Match
from .carriers import CarriedClassifier, Carriers
from .classifiers import KEPT_CUTS, NOT_BEGUN, Classifier, Classifiers
from .detectors import Asker, Detectors
from .fact_states import FactStates
from .following import Following
from .transactions import Transactions, set_back

#: Hand-overs of one packet, each inside the one before: a protocol that hands over to itself must not go on for ever.
_MOST_NESTED: Final = 8
#: Bytes by which a protocol that begins inside is found.
_LONGEST_BEGINNING: Final = 64


@final
class Detection:
    """Asks detectors and classifiers; keeps ``flow.detection``.

    ``limit_bytes`` bounds the prefix of each direction in bytes, ``limit_packets`` the datagrams of each direction;
    segments of a stream are not counted, else sending one byte each would spend the budget before anything is said.
    """

    def __init__(
        self,
        detectors: Detectors,
        classifiers: list[Classifier],
        limit_bytes: int,
        limit_packets: int,
        guard: Guard,
        carried: Sequence[CarriedClassifier] = (),
    ) -> None:
        self._limit_bytes = limit_bytes
        self._guard = guard
        self._detectors = detectors.all
        self.classifiers = Classifiers(classifiers, guard)
        self.carriers = Carriers(list(carried), guard)
        self.transactions = Transactions(guard, self.carriers)
        self.asker = Asker(detectors.all, guard, self.transactions)
        self.states = FactStates(detectors, self.classifiers, self.carriers, guard, limit_bytes, limit_packets)
        self._inside = next((d for d in detectors.all if d.follow is not None and d.begins_inside is not None), None)
        #: of those that see where their protocol begins in a UDP flow, the ones whose facts rules ask, with their bits
        self._again: tuple[tuple[int, str, Callable[[bytes], bool]], ...] = ()
        self._tcp = detectors.tcp
        self._udp = detectors.udp
        self._by_first_client = detectors.by_first_client
        self._by_first_server = detectors.by_first_server
        #: by IP protocol: what its flows begin with
        self._beginnings: dict[int, DetectionState] = {}
        #: how often detection has begun again, in all flows
        self._restarts = 0
        self._nested = 0

    def ask_for(self, names: Collection[str], facts: Collection[str], *, look_on: bool) -> None:
        """Take the names of protocols and the facts that rules ask for. ``look_on``: flows are classified even where no
        rule asks for it.
        """
        self.states.await_names(names)
        self.carriers.ask_for(facts)
        self.transactions.ask_for(facts)
        self.classifiers.wanted &= look_on or not self.classifiers.facts.isdisjoint(facts)
        asked = {name.partition(".")[0] for name in facts}
        self._again = tuple(
            (1 << number, detector.name, detector.begins_again)
            for number, detector in enumerate(self._detectors)
            if detector.begins_again is not None and not asked.isdisjoint(detector.protocols)
        )
        self.states.may_begin_again = bool(self._again)

    def begin(self, flow: Flow) -> None:
        """Set up a new flow."""
        flow.detection = self._beginnings.get(flow.proto) or self._beginning(flow.proto)
        if flow.proto in (ICMP, ICMPV6):
            flow.protocol_event_written = True  # its type and code are in every event

    def _beginning(self, proto: int) -> DetectionState:
        """Return what all flows of an IP protocol begin with."""
        state = NOTHING_KNOWN.copy()
        classified = self.classifiers.wanted
        if proto == TCP:
            state.pending = self._tcp
        elif proto == UDP:
            state.pending = self._udp
        elif proto in PROTOCOL_NAMES:
            state.app_proto = PROTOCOL_NAMES[proto]
            state.confirmed = state.done = True
            state.opaque = proto in (ICMP, ICMPV6)  # the data of an echo may be anything
            classified = classified and state.opaque
        if classified:
            state.classifying = NOT_BEGUN
        state.shared = True
        self._beginnings[proto] = state
        return state

    def resume(self, flow: Flow, known: Known) -> None:
        """Go on with what another process had learnt about a new entry, from the prefixes where it was not done."""
        state = flow.own_detection()
        state.app_proto, state.app_proto_orig = known.app_proto, known.app_proto_orig
        state.confirmed, state.opaque, state.facts = known.confirmed, known.opaque, known.facts
        state.payload_seen = known.app_proto not in (None, "none")
        flow.protocol_event_written = known.done
        if not self.classifiers.facts.isdisjoint(known.facts) or (known.confirmed and not known.opaque):
            state.classifying = 0
        state.app_proto_outer = known.outer
        state.turned = known.turned
        if known.done:
            state.done = True
            state.pending = 0
            if known.followed:
                self._follow_on(flow, known.kept)
            return
        if not known.client and not known.server:
            return
        state.payload_seen = True
        state.client, state.server = known.client, known.server
        state.client_sizes, state.server_sizes = known.sizes
        self._rule_out(state)
        self._ask(flow)

    def blind(self, flow: Flow) -> bool:
        """Only quarantined detectors could still name this flow: it will never settle."""
        state = flow.detection
        open_bits = state.pending & self.asker.quarantined
        return bool(open_bits) and (state.match is not None or open_bits == state.pending or self.states.spent(flow))

    def feed(self, flow: Flow, to_server: bool, data: bytes, datagram: bool) -> bool:
        """Add payload of one direction (never empty); True when facts of the flow changed."""
        to_server = to_server != flow.detection.turned
        return (
            self._feed_behind(flow, 0, to_server, data, datagram)
            if flow.detection.unwrap
            else self._feed(flow, to_server, data, datagram)
        )

    def feed_carrier(self, flow: Flow, to_server: bool, data: bytes, datagram: bool) -> bool:
        """As :meth:`feed`, for the payload of a packet that carries another one: what is inside has a verdict of its
        own, so that detectors see it and classifiers do not."""
        state = flow.own_detection()
        classifying, state.classifying = state.classifying, 0
        changed = self.feed(flow, to_server, data, datagram)
        state = flow.own_detection()
        if classifying and not state.classifying and (state.opaque or not state.confirmed):
            state.classifying = self.classifiers.all
        return changed

    def _feed_behind(self, flow: Flow, depth: int, to_server: bool, data: bytes, datagram: bool) -> bool:
        """Feed what the unwrappers from ``depth`` on leave of the data."""
        data = self.transactions.unwrap(flow, depth, to_server, data)
        return bool(data) and self._feed(flow, to_server, data, datagram)

    def _feed(self, flow: Flow, to_server: bool, data: bytes, datagram: bool) -> bool:
        state = flow.own_detection()
        if self._again and datagram and to_server and not state.confirmed and self._begins_again(state, data):
            self._begin_again(flow, data, b"", inside=False)
            return True
        if state.done:
            changed = bool(state.classifying) and self._feed_classifiers(flow, to_server, data)
            if self.carriers.icmp_wanted and flow.proto in (ICMP, ICMPV6):
                changed |= self.carriers.classify_echo(flow, to_server, data)
            return changed if state.following is None else self._follow(flow, to_server, data) or changed
        state.payload_seen = True
        open_before = state.pending
        by_tracker = to_server != state.turned
        changed = state.classifying > 0 and self.classifiers.feed(flow, by_tracker, data)
        room = self._limit_bytes - len(state.client if to_server else state.server)
        kept = data if datagram or len(data) <= room else data[:room]
        if state.classifying == NOT_BEGUN and len(state.cuts) < KEPT_CUTS:
            state.cuts += (len(data) if to_server else -len(data),)
        self._keep(state, to_server, kept, (len(data),) if datagram else ())
        began = state.classifying > 0
        inner = b"" if datagram or state.confirmed else self._inner(state, to_server, len(kept))
        outer, spoke = state.app_proto_outer, bool(state.client) and bool(state.server)
        followed: Following | None = state.following
        following, restarts, depth = followed is not None, self._restarts, len(state.unwrap)
        # transactions say all that the detector would: it is asked only where they do not confirm the name
        first = followed is not None and followed.own_facts and followed.began
        if first:
            changed |= self._follow(flow, to_server, data, unasked=True)
        if not state.done and restarts == self._restarts:
            changed |= self._ask(flow)
            if inner and state.app_proto is None and not state.done:
                changed |= self.finish(flow)
        if state.app_proto is None and open_before & ~state.pending & self.states.awaited:
            changed = True
        to_server = by_tracker != state.turned
        if not first and state.following is not None and restarts == self._restarts:
            changed |= self._follow(flow, to_server, data if following else data[len(kept) :])
        if inner and spoke and state.app_proto_outer == outer and self._is_missed(state):
            self._begin_inner(flow, to_server, inner)
        if restarts != self._restarts:
            if not following and len(kept) < len(data):
                self._feed_behind(flow, depth, to_server, data[len(kept) :], datagram)
            return True
        if state.classifying == NOT_BEGUN and not self.states.may_be_named(flow):
            changed |= self.classifiers.begin(flow)
        if not began and state.classifying > 0 and len(kept) < len(data):
            changed |= self.classifiers.feed(flow, by_tracker, data[len(kept) :])
        return changed

    def _begins_again(self, state: DetectionState, data: bytes) -> bool:
        """Return True if a client's datagram begins a protocol whose own detector does not look at the flow, or has
        found nothing in the datagrams before."""
        looking = state.match_bit
        if not state.done and (state.match is not None or not state.client):
            looking |= state.pending
        for bit, name, begins in self._again:
            if not looking & bit and self._guard.ask(name, begins, data) is True:
                return True
        return False

    def _inner(self, state: DetectionState, to_server: bool, size: int) -> bytes:
        """Return a direction's bytes from where another protocol begins in its last ``size`` bytes, behind its first
        byte; none where none does.
        """
        inside = self._inside
        if inside is None or inside.begins_inside is None or state.app_proto in inside.protocols:
            return b""
        data = state.client if to_server else state.server
        found = inside.begins_inside.search(data, max(1, len(data) - size - _LONGEST_BEGINNING))
        return b"" if found is None else data[found.start() :]

    def _is_missed(self, state: DetectionState) -> bool:
        """Return True where a name that is not confirmed hides what begins inside: both sides spoke before, and nobody
        has proved that they speak what the first words of one seem to be.
        """
        inside = self._inside
        watched = state.app_proto == "unknown" and state.following is not None
        return inside is not None and not state.confirmed and not watched and state.app_proto not in inside.protocols

    def _begin_inner(self, flow: Flow, to_server: bool, inner: bytes) -> None:
        """Another protocol begins inside of one whose name is a guess. What the guess would have read is not known."""
        name = flow.detection.app_proto
        if name is not None:
            self.transactions.note_ambiguity(name, Ambiguous("contradiction"))
        self._begin_again(flow, inner if to_server else b"", b"" if to_server else inner, inside=name is not None)

    def _keep(self, state: DetectionState, to_server: bool, data: bytes, sizes: tuple[int, ...]) -> None:
        """Add to the prefix of a direction; its first byte rules detectors out."""
        if to_server:
            if not state.client:
                state.pending &= self._by_first_client[data[0]]
            state.client += data
            state.client_sizes += sizes
        else:
            if not state.server:
                state.pending &= self._by_first_server[data[0]]
                state.opening = len(state.client)
            state.server += data
            state.server_sizes += sizes

    def _rule_out(self, state: DetectionState) -> None:
        """Take back the detectors whose protocols do not begin with the first bytes of the prefixes."""
        if state.client:
            state.pending &= self._by_first_client[state.client[0]]
        if state.server:
            state.pending &= self._by_first_server[state.server[0]]

    def skip(self, flow: Flow, to_server: bool, size: int) -> bool:
        """``size`` bytes of a direction are missing. True when facts of the flow changed."""
        state = flow.detection
        changed = not state.done and self.finish(flow)
        if state.following is not None:
            self.transactions.skip(flow, to_server != state.turned, size)
            changed |= state.following is None
        return changed

    def _feed_classifiers(self, flow: Flow, to_server: bool, data: bytes) -> bool:
        """Classify payload of a flow that detectors are done with."""
        state = flow.detection
        if state.classifying == NOT_BEGUN:
            self.classifiers.begin(flow)
        if flow.proto in (ICMP, ICMPV6):  # an echo reply repeats its request, which is no evidence
            if data == (state.server if to_server else state.client):
                return False
            if to_server:
                state.client = data
            else:
                state.server = data
        return self.classifiers.feed(flow, to_server != state.turned, data)

    def finish(self, flow: Flow) -> bool:
        """The budget is spent or the flow ended: what is still open counts as NO. True when facts changed."""
        state = flow.detection
        if state.done or state.pending & self.asker.quarantined:
            return False
        if state.match is not None:
            restarts = self._restarts
            if state.app_proto is None:
                self._settle(flow, state.match)
            if restarts == self._restarts:
                sides = ((True, state.client), (False, state.server))
                self._end_detection(flow)
                if not state.confirmed and state.following is None and sides[0][1] and sides[1][1]:
                    self._watch_inside(flow, sides)
        elif state.payload_seen:
            restarts = self._restarts
            state.pending = 0
            self._settle_unknown(flow)
            if restarts == self._restarts:  # it may have been read the other way round, of which no more can come
                self.finish(flow)
        else:
            return False
        return True

    def _ask(self, flow: Flow) -> bool:
        """Ask the detectors, and settle the flow's name where none is left that comes before the match. Return True
        when facts of the flow changed.
        """
        changed = self.asker.ask(flow)
        state = flow.detection
        match = state.match
        if match is not None:
            if (match.decisive or not state.pending & (state.match_bit - 1)) and (
                changed or state.app_proto is None or state.opaque
            ):
                self._settle(flow, match)
                return True
            if not state.pending:  # its own detector says that what follows the opening is something else
                return self.finish(flow)
        elif not state.pending:
            self._settle_unknown(flow)
            return True
        if self.states.spent(flow):
            return self.finish(flow)
        return False

    def _settle(self, flow: Flow, match: Match) -> None:
        """The flow's protocol is known."""
        state = flow.detection
        if state.app_proto is not None and state.app_proto != match.protocol and state.app_proto_orig is None:
            state.app_proto_orig = state.app_proto
        state.app_proto = match.protocol
        state.pending = state.match_bit
        state.confirmed = match.confirmed
        state.opaque = False
        following: Following | None = state.following
        restarts = self._restarts
        begins = following is None
        if begins and match.describe is not None:  # the facts of its transactions may be all that is wanted
            following = self._begin_following(flow)
            begins = False
        takes_facts = following is None or not following.own_facts or not following.began
        if takes_facts and match.describe is not None:
            match = match.described()
            state.match = match if state.match is not None else None
        if match.facts and takes_facts:
            facts = dict(state.facts)
            for name, value in match.facts.items():
                facts[self.transactions.dotted(match.protocol, name)] = value
            state.facts = facts
        if begins:
            self._begin_following(flow)
        if restarts != self._restarts:
            return
        if match.restart is not None and state.following is None:
            self._begin_again(flow, state.client[match.restart[0] :], state.server[match.restart[1] :], inside=True)
        elif (match.done and match.confirmed) or self.states.spent(flow):
            self._end_detection(flow)
        elif match.confirmed:
            self.classifiers.set_aside(flow)

    def _follow_on(self, flow: Flow, kept: dict[str, Any] | None) -> None:
        """Follow the transactions of a flow whose name another process has found, from its next bytes on."""
        state = flow.detection
        for number, detector in enumerate(self._detectors):
            named = state.app_proto in detector.protocols
            if detector.follow is not None and (named or (state.app_proto == "unknown" and detector is self._inside)):
                state.match_bit = 1 << number if named else 0
                self.transactions.begin(flow, detector.name, detector.follow)
                if kept is not None and not self.transactions.load(flow, kept.get("")):  # where the parser was
                    self.transactions.begin(flow, detector.name, detector.follow)
                return

    def _begin_following(self, flow: Flow) -> Following | None:
        """Where the protocol has transactions: make their parser, and feed it what was seen so far."""
        state = flow.detection
        detector = self._detectors[state.match_bit.bit_length() - 1]
        if detector.follow is None:
            return None
        restarts, depth = self._restarts, len(state.unwrap)
        sides = ((True, state.client, state.client_sizes), (False, state.server, state.server_sizes))
        self.transactions.begin(flow, detector.name, detector.follow)
        begun: Following | None = state.following
        for to_server, data, sizes in sides:
            at = 0
            for size in sizes or (len(data),):
                piece = data[at : at + size]
                at += size
                if not piece:
                    continue
                if restarts != self._restarts:
                    self._feed_behind(flow, depth, to_server, piece, bool(sizes))
                elif state.following is not None:
                    self._follow(flow, to_server, piece)
        return begun

    def _follow(self, flow: Flow, to_server: bool, data: bytes, *, unasked: bool = False) -> bool:
        """Feed the parser of the flow's transactions; True when something is to be evaluated again.

        ``unasked``: the flow's detector has not been asked about these bytes.
        """
        state = flow.detection
        if not data:
            return False
        following: Following = state.following
        own = state.match_bit
        waited = state.done and self.states.may_be_confirmed(flow)
        self.carriers.changed = False
        step = self.transactions.feed(flow, to_server, data)
        if step is not None:
            if unasked and step.inside and not state.confirmed:  # the detector says whether the outer name is proved
                state.following = following
                self._ask(flow)
            # the detector whose protocol the bytes contradict is not asked again: it would say the same
            self._begin_again(flow, step.client, step.server, inside=step.inside, without=0 if step.inside else own)
            return True
        if following.confirmed and not state.confirmed:
            state.confirmed = True
            self._end_detection(flow)
            return True
        if waited and not self.states.may_be_confirmed(flow):
            return True
        return bool(self.transactions.due) or self.carriers.changed or state.following is None

    def _end_detection(self, flow: Flow) -> None:
        """Detectors are not asked any more; classifiers go on where no name is confirmed."""
        state = flow.detection
        state.done = True
        if state.confirmed and not state.opaque:
            self.classifiers.set_aside(flow)
        elif state.classifying == NOT_BEGUN:
            self.classifiers.begin(flow)
        self._release(flow)

    def _begin_again(self, flow: Flow, client: bytes, server: bytes, *, inside: bool, without: int = 0) -> None:
        """Detection begins again with what follows the detected protocol, and so does classification.

        ``without`` is the mask of detectors that are not asked.
        """
        state = flow.detection
        self._restarts += 1
        set_back(flow, inside=inside)
        if state.classifying or self.classifiers.wanted:
            self.classifiers.set_aside(flow)
            state.classifying = NOT_BEGUN
        if self._nested >= _MOST_NESTED:
            self._settle_unknown(flow)
            return
        state.pending = (self._tcp if flow.proto == TCP else self._udp) & ~without
        self._nested += 1
        depth = len(state.unwrap)
        try:
            for to_server, data in ((True, client), (False, server)):
                if data:
                    self._feed_behind(flow, depth, to_server, data, flow.proto != TCP)
        finally:
            self._nested -= 1

    def _settle_unknown(self, flow: Flow) -> None:
        state = flow.detection
        if state.turned:
            _turn(state)
        elif flow.midstream and state.app_proto is None and not state.opaque:
            # whoever was seen first is taken for the client there: nothing says so but that its bytes have a name
            _turn(state)
            state.pending = self._tcp
            self._rule_out(state)
            self._ask(flow)
            return
        if state.app_proto is None:
            state.app_proto = "unknown"
        sides = ((True, state.client), (False, state.server))
        self._end_detection(flow)
        self._watch_inside(flow, sides)

    def _watch_inside(self, flow: Flow, sides: tuple[tuple[bool, bytes], ...]) -> None:
        """Have a flow watched whose name is none, or a guess that was wrong, for what begins inside of its dialogue."""
        state = flow.detection
        inside = self._inside
        if inside is None or inside.follow is None or flow.proto != TCP or self._nested >= _MOST_NESTED:
            return
        self.transactions.begin(flow, inside.name, inside.follow)
        for to_server, data in sides:
            if state.following is not None:
                self._follow(flow, to_server, data)

    def _release(self, flow: Flow) -> None:
        state = flow.detection
        state.client = state.server = b""
        state.client_sizes = state.server_sizes = state.cuts = ()
        state.match = None


def _turn(state: DetectionState) -> None:
    """Take the side that was taken for the server for the client."""
    state.turned = not state.turned
    state.opening = 0
    state.client, state.server = state.server, state.client
    state.cuts = tuple([-cut for cut in state.cuts])
