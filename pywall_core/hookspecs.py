"""Every hook contract, in the order in which a flow meets them.

Hot hooks (``packet`` to ``decided``) are called for packets: pluggy registers and checks them, the engine calls the
implementations as plain tuples in the YAML's order. They never block and keep no reference to a packet. An exception
is caught at the call, counted for the plugin, and answered by ``failure.plugin_error``.
Cold hooks are called one after the other in the same order; PYWALL_PLUGINS_TRACE=1 in the environment prints each call.
A plugin implements those that it wants.

``caller`` says who calls a hook and when, ``none`` what the answer None means, ``since`` the first API that has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

from .model.flow import Flow
from .model.packet import Packet
from .model.transaction import Carried, TransactionParser
from .model.verdict import Answer, Drop, Facts, Match, Verdict

if TYPE_CHECKING:
    from .model.host import Host
    from .plugins.rule_registry import RuleRegistry

hookspec = pluggy.HookspecMarker("pywall")


# --- set-up (cold) --------------------------------------------------------------------------------------------------


@hookspec
def pywall_rules(register: RuleRegistry) -> None:
    """Contribute rule kinds: ``register(Kind)`` for each class, or ``register.later(name, load)``, where ``load``
    returns the class when a policy asks for it. Called once, before the chains are compiled.

    :caller: the loader, once the plugins are registered, once a configuration
    :none: nothing, as any other result
    :since: API 1
    """


@hookspec
def pywall_startup(engine: Host) -> None:
    """The engine is complete and no packet has come yet. Keep ``engine`` for ``emit`` and ``log``.

    :caller: the engine, at the end of its construction
    :none: nothing, as any other result
    :since: API 1
    """


# --- flows and packets (hot) ----------------------------------------------------------------------------------------


@hookspec
def pywall_flow_start(flow: Flow) -> None:
    """The first packet of a flow was decoded; no other hook has seen it. The result is ignored.

    :caller: the engine, for the first packet of each flow
    :none: nothing, as any other result
    :since: API 1
    """


@hookspec
def pywall_packet(packet: Packet, flow: Flow) -> Drop | None:
    """Look at a packet before its verdict; stage what it would change, commit nothing.

    ``Drop(reason)`` vetoes this packet, None has no objection: a plugin can never accept one. The first veto ends the
    round. The plugin that provides ``segment`` sets ``packet.segments`` here.

    :caller: the engine, before the chain, for each packet whose verdict is not final yet
    :none: no objection
    :since: API 1
    """


@hookspec
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect a protocol by the first bytes of both directions.

    Called when bytes arrive, until the answer is ``Match``, ``NO`` (for good) or the budget ``detection`` is spent
    (MORE then counts as NO). ``client`` and ``server`` only ever grow. For datagrams they are all payloads, joined;
    ``flow.client_sizes`` and ``flow.server_sizes`` say where each ends. Ports are never a reason to answer Match.
    A match is not confirmed while the server has only sent the client's bytes back.
    Optional attributes of the plugin: ``protocols`` (names that it may answer), ``transport`` ("tcp", "udp" or both
    in a tuple), ``first_client`` and ``first_server`` (possible first bytes of each direction, as bytes; None: any).
    ``speaks_first = "server"``: while the server is silent, NO may be said to what none of its clients could send;
    ``"client"``: once the server has answered, NO may be said to a client whose opening is not whole.
    ``unseen``: names of ``protocols`` that are never confirmed, as nobody has tried them on traffic of a real peer yet,
    or all that they say is ciphertext. Classification waits for such a name only where a rule asks for it.
    ``announces``: labels that it gives to ``flow.expect``; where a rule asks for one, flows that may be this detector's
    stay with the engine, whatever their verdict.
    ``begins_inside``: a compiled pattern of at most 64 bytes that finds where the protocol begins behind other bytes of
    a TCP flow that has no name yet. Such a flow gets its name at once, "unknown" where no detector matches, and
    ``pywall_transactions`` of this detector is asked for the parser of flows that are "unknown", or whose name turned
    out a wrong guess. In a flow with a name that is not confirmed it begins where both sides have spoken.
    ``begins_again``: a function that tells by a datagram (bytes) whether this protocol begins there for sure. Where a
    rule asks a fact of the protocol, it is asked of each datagram of the client in a UDP flow whose name is not
    confirmed, once this detector does not look at the flow any more; detection then begins again with the datagram.

    :caller: the engine, for payload of a flow that this detector has not answered for good
    :none: a mistake: the answer is MORE, NO or a Match
    :since: API 1
    """


@hookspec
def pywall_transactions(flow: Flow) -> TransactionParser | None:
    """Make the parser of a flow's transactions (HTTP requests, DNS questions) and hand-overs (CONNECT, STARTTLS).

    Called when the name that this detector answered has settled (``flow.app_proto``); ``flow.client`` and
    ``flow.server`` are what was seen so far. The parser is fed these bytes, then all others in order, and says
    from then on what facts the protocol has, whether it is ``confirmed`` and where another protocol begins; this
    detector is not asked any more. The chain is walked for each transaction before the packet that completes it passes.

    :caller: the engine, once a flow, for the detector that matched it; where none did (``flow.app_proto`` is
        "unknown") or the match was wrong, for the first that declares ``begins_inside``
    :none: the flow is not followed; facts and hand-over are those of the detector's matches
    :since: API 1
    """


@hookspec
def pywall_classify(flow: Flow, to_server: bool, data: bytes) -> Facts | Answer:
    """Classify the payload of a flow whose name is not confirmed.

    Called with each direction's bytes in order (a datagram's payload at a time, a segment's new bytes at a time), from
    the flow's first byte on, until the answer is ``Facts`` (stored under their own names, settled) or ``NO``. The
    plugin declares the names in its attribute ``facts`` and keeps its data in ``flow.ext`` under its own name. When a
    name is confirmed, the core removes both.

    :caller: the engine, for payload of a flow that detectors are done with or hold up for too long, if a rule asks
    :none: a mistake: the answer is MORE, NO or Facts
    :since: API 1
    """


@hookspec
def pywall_carried(flow: Flow, carried: Carried) -> Facts | Answer:
    """Classify bytes that a protocol carries: HTTP bodies, WebSocket messages, DNS messages, ICMP echo data.

    Called with each carrier's bytes in order (see :class:`~pywall_core.api.Carried`) while the flow lasts, and only for
    carriers one of whose facts a rule asks. The plugin declares them in its attribute ``carriers``: a mapping from the
    carrier's name to the names of its facts, which begin with it. ``Facts`` replace those said before; they are
    forgotten when another body begins. The plugin keeps its data in ``flow.ext`` under a name of its own.

    :caller: the parser of the flow's transactions, by way of the core; the core itself for ICMP
    :none: a mistake: the answer is MORE, NO (both: nothing new to say) or Facts
    :since: API 1
    """


@hookspec
def pywall_fact_state(flow: Flow, name: str) -> Answer:
    """Say how settled one of the plugin's own facts is: one that neither detection nor classification gives.

    YES: it is in ``flow.facts``, or the flow has none for good; PENDING: not known yet, and ``flow.set_fact`` follows;
    NO: known, and it may change. The plugin declares the names in its attribute ``facts``.
    Live, a packet that would pass is held while a fact is open that rules ask for: so must stop saying PENDING some
    time. ``awaited_facts`` of the plugin are those that packets wait for also where no rule asks.

    :caller: the engine, when a rule asks for the fact
    :none: a mistake: the answer is YES, NO or PENDING
    :since: API 1
    """


@hookspec
def pywall_flow_state(flow: Flow) -> object:
    """Return what this plugin in another process needs to go on with the flow, as plain data for JSON.

    With what the other plugins say and the state of the flow's parser at most 49,152 characters; more is not kept.

    :caller: the engine, at a reload or when a worker is replaced, for flows whose bytes are looked at, or were and are
        not acknowledged
    :none: nothing is needed
    :since: API 1
    """


@hookspec
def pywall_flow_resume(flow: Flow, state: object) -> None:
    """Take what this plugin has said of the flow by ``pywall_flow_state`` in another process; it may be anything.

    :caller: the engine, before the flow's first packet is looked at
    :none: always: nothing is returned
    :since: API 1
    """


@hookspec
def pywall_segment(flow: Flow, to_server: bool, offset: int, data: bytes, gap: int) -> None:
    """Ordered payload of an accepted packet: stream offset, bytes, and how many bytes are missing before them.

    Called after ``decided``; made by the plugin that provides ``segment`` (TCP), by the core for datagrams.

    :caller: the engine, after ``decided``, for an accepted packet that completes bytes
    :none: nothing, as any other result
    :since: API 1
    """


@hookspec
def pywall_decided(packet: Packet, flow: Flow, verdict: Verdict) -> None:
    """The verdict on this packet is decided: commit what ``packet`` staged, or take it back when it was not accepted.

    :caller: the engine, after the chain, for each packet that ``packet`` was called for
    :none: nothing, as any other result
    :since: API 1
    """


@hookspec
def pywall_flow_released(flow: Flow) -> None:
    """The kernel carries the flow from here on: free what is held for its packets.

    ``pywall_flow_end`` still comes. Packets that were queued already may yet pass, and no hook is called for them.

    :caller: the engine, when both directions' verdicts are final and no plugin watches the flow; live only
    :none: nothing, as any other result
    :since: API 1
    """


@hookspec
def pywall_flow_end(flow: Flow, reason: str) -> None:
    """The flow leaves the table: "timeout", "closed", "evicted" or "shutdown". Its event is written after this.

    A plugin that does not look at the facts of classifiers here says ``needs_class_at_end = False``: where nobody looks
    at them, and no event is read either, a live flow that ends is not classified any more.

    :caller: the engine, when a flow is taken out of its table
    :none: nothing, as any other result
    :since: API 1
    """


# --- the rest (cold) ------------------------------------------------------------------------------------------------


@hookspec
def pywall_tick(now: float) -> None:
    """About once a second of the engine's clock.

    :caller: the engine; live whether or not packets come, in a replay by the packets' clock
    :none: nothing, as any other result
    :since: API 1
    """


@hookspec
def pywall_event(event: dict[str, Any]) -> None:
    """One EVE event, as it will be written. Do not change it.

    :caller: the engine, after the event was handed to its outputs
    :none: nothing, as any other result
    :since: API 1
    """


@hookspec
def pywall_stats() -> dict[str, Any]:
    """Counters of the plugin for the ``stats`` event, under its name; cumulative numbers.

    :caller: the engine, for each ``stats`` event
    :none: no counters
    :since: API 1
    """


@hookspec
def pywall_facts_so_far(flow: Flow) -> Facts | None:
    """What a classifier would say of a flow that has not settled, for whoever looks at it. Change nothing.

    :caller: ``pywall flows``, for each flow that it shows
    :none: nothing is known
    :since: API 1
    """


@hookspec
def pywall_shutdown() -> None:
    """No packet will come any more.

    :caller: the engine, after its flows were ended
    :none: nothing, as any other result
    :since: API 1
    """
