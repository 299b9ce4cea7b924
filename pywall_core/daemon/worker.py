"""The packet process: owns one queue and runs the engine over it. Started by the supervisor, never by hand.

It gives up all capabilities but CAP_NET_ADMIN before it loads a plugin, gets everything that it has to know in one
message, says "bound" when packets can come, and then says that it is alive a few times a second.

Longer than 300 lines: one class, whose methods are the messages that it takes.
"""

from __future__ import annotations

import argparse
import base64
import gc
import json
import logging
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from ..config import Config, ConfigError, loads
from ..engine.counters import LossLog
from ..engine.set_changes import kernel_drops, set_entries
from ..flows.filter import FilterError
from ..flows.packing import pack, unpack
from ..kernel import privileges
from ..kernel.broadcasts import broadcasts
from ..kernel.conntrack import clear_mark
from ..kernel.marks import Marks
from ..kernel.open_connections import open_connections, original_keys
from ..kernel.queues import statistics
from ..lint import lint_rules
from ..lint.mtu import are_long_packets_cut
from ..lint.older import tell_open
from .channel import Channel, ChannelError, Message
from .kept_packets import KeptPackets
from .log_output import log_to_stderr
from .watchdog import Watchdog

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from .conntrack_sync import CarriedFlows

log: Final = logging.getLogger("pywall.worker")
#: seconds that a worker goes on processing what waits in its queue, before it hands over and after it was told to stop
DRAIN: Final = 1.0
_TICK: Final = 1.0
#: seconds until the next pulse while there is more to tell or to read: a little at a time, since packets wait
_SHORT_PAUSE: Final = 0.01
#: seconds between two readings of this host's networks
_LOOK: Final = 10.0
#: Objects after which the garbage collector looks at the newest ones; how often until it looks at those that are left
#: as well; and how often that until it looks at all. Packets wait meanwhile, 0.4 us an object. The work is the same for
#: any sizes, for each object is looked at once in either generation.
_COLLECT_AT: Final = 700, 5, 12_000
#: bytes of what one plugin or rule may keep over a reload
MAX_STATE: Final = 1 << 20


class Worker:
    """One queue, one engine. ``order`` is the supervisor's hand-over."""

    def __init__(self, channel: Channel, order: Message) -> None:
        from ..engine.engine import build_engine
        from ..events import open_sink
        from ..explain.queries import Inspector
        from ..sources.nfqueue import NFQueue, QueueOptions

        config = loads(base64.b64decode(order["text"]), order["name"], strict=False)
        self._channel = channel
        self._stop_at: float | None = None
        self._describing: Iterator[Message] | None = None
        #: a description that another process will go on from: its number, when at the latest, and seconds for it alone
        self._hand_over: tuple[object, float, float] | None = None
        self._next_tick = 0.0
        events = config.events
        if order["print_events"] == "json":
            events = events.model_copy(update={"stdout": True})
        self._sink = open_sink(events, terminal=order["print_events"] == "text", worker=order["index"])
        self._engine = build_engine(config, live=True, sink=self._sink.emit if self._sink.active else None)
        queue, failure = config.queue, config.failure
        options = QueueOptions(
            number=order["queue"],
            length=queue.length,
            socket_buffer=queue.socket_buffer,
            range=queue.range,
            gso=queue.gso,
            fail_open=failure.queue_full == "accept",
            offload=queue.offload,
            batch=queue.batch,
            pass_failures=failure.plugin_error.startswith("pass"),
            whole_segments=not queue.gso and are_long_packets_cut(config, self._engine.chains.bound),
            marks=Marks.from_json(order["marks"]),
        )
        self._marks = options.marks
        for change in order.get("sets", ()):
            self._engine.set_changes.apply(change, monotonic())
        self._engine.worker = order["index"]
        if not order["index"]:
            _log_warnings(config, self._engine)  # here: the supervisor knows no rule kinds
        self._engine.reports = {"queue": self._queue_report, "events": self._sink.stats}
        self._stats_seconds = events.stats
        self._next_stats = monotonic() + events.stats
        self._losses = LossLog()
        self._look_at_networks(monotonic())  # a first question must not be missed
        self._inspector = Inspector(self._engine)
        if failure.midstream == "pass-flow":
            older = open_connections(queue.hooks)
            if older is not None:
                self._engine.assume_older(older)
        self._engine.continuation.assume_originals(original_keys())
        if queue.workers > 1:
            self._engine.expectations.share = self._share_expectation
            self._engine.sharing.send = self._share
        self._carried = _carried_flows(self._engine) if queue.offload else None
        self._number = options.number
        #: packets of all workers that passed without a verdict, as the supervisor counted them
        self._passed = 0
        processor = KeptPackets(self._engine, self._sink.keep_packet) if self._sink.keeps_packets else self._engine
        self._queue = NFQueue(options, processor, self._pulse)

    def run(self) -> None:
        """Process packets until told to stop."""
        gc.freeze()
        gc.set_threshold(*_COLLECT_AT)
        gc.enable()
        # a thread that writes events gives the interpreter back to the packets after 0.5 ms, not after 5
        sys.setswitchinterval(0.0005)
        drops = kernel_drops(self._engine.chains, observe=self._engine.config.mode == "observe")
        self._engine.set_changes.report = self._report_set
        # an idle connection whose handshake ended unseen is known to be open by conntrack alone
        bare_acks = self._engine.misses_bare_acks and self._carried is not None
        self._channel.send({"is": "bound", "drops": drops, "skip_bare_acks": bare_acks})
        if not self._inherit():
            return
        watchdog, process = Watchdog(self._engine.progress), os.getpid()
        watchdog.start()
        try:
            self._queue.run(self._channel.fileno())
        finally:
            if os.getpid() != process:
                os._exit(1)  # forked by a plugin: flows and events are not its own
            watchdog.stop()
            self._queue.close()
            if self._carried is not None:
                self._carried.settle(monotonic())
                self._carried.close()
            self._engine.close()
            self._sink.close()

    def _inherit(self) -> bool:
        """Take over what the previous workers knew, until the supervisor says "go". Return False if it says "stop"."""
        first = True
        while True:
            select.select([self._channel], [], [], 0.25)
            self._channel.try_send({"is": "alive", "decided": 0})
            for message in self._channel.receive():
                match message.get("do"):
                    case "inherit":
                        first = False
                        flows, exact = unpack(message.get("flows")), message.get("exact") is True
                        self._engine.continuation.inherit(flows, exact=exact)
                        state = message.get("state")
                        if isinstance(state, dict):
                            self._engine.kept_state.load(state)
                    case "go":
                        self._engine.continuation.inheritance.lost = message.get("lost") is True
                        if first and not self._engine.worker:
                            for line in tell_open(self._engine.config, self._engine):
                                log.info("%s", line)
                        return True
                    case "stop":
                        return False
                    case _:
                        self._handle_message(message, monotonic())

    def _descriptions(self, number: object, *, exact: bool) -> Iterator[Message]:
        """Yield what is known of all live flows, and what plugins and rules keep, as messages to the supervisor, with
        the number by which it has asked. ``exact``: no packet will pass here any more.
        """
        for text in pack(self._engine.continuation.describe_flows(exact=exact)):
            yield {"is": "knows", "number": number, "flows": text}
        for name, state in self._engine.kept_state.save().items():
            if len(json.dumps(state, default=str)) <= MAX_STATE:
                yield {"is": "knows", "number": number, "state": {name: state}}
        yield {"is": "described", "number": number}

    def _describe(self, seconds: float) -> None:
        """Go on with the descriptions: as far as the supervisor reads, waiting for it for at most ``seconds``. With 0
        packets come meanwhile: then it is one message, some 2 ms, and the next one follows soon (``NFQueue.pause``).
        """
        until = monotonic() + seconds
        while self._describing is not None:
            if not self._channel.flush():
                left = until - monotonic()
                if left <= 0 or not select.select([], [self._channel], [], left)[1]:
                    return
                continue
            message = next(self._describing, None)
            if message is None:
                self._describing = None
            else:
                self._channel.post(message)
                if not seconds:
                    break
        self._channel.flush()

    def _look_at_networks(self, now: float) -> None:
        self._next_look = now + _LOOK
        if self._engine.expectations.groups:
            self._engine.expectations.broadcasts = broadcasts()

    def _pulse(self, now: float, idle: bool) -> None:
        from ..sources.nfqueue import PULSE, Stop

        if now >= self._next_tick:
            self._next_tick = now + _TICK
            if idle:
                self._engine.tick(now)
            if now >= self._next_look:
                self._look_at_networks(now)
            self._losses.log_increase(now, self._engine.losses())
            if self._stats_seconds and now >= self._next_stats:
                self._next_stats = now + self._stats_seconds
                self._engine.emit("stats", stats=self._engine.stats())
        try:
            self._channel.try_send({"is": "alive", "decided": self._engine.packets})
            if self._describing is not None and self._hand_over is None:
                self._describe(0.0)
            for message in self._channel.receive():
                self._handle_message(message, now)
            self._channel.flush()
            if self._hand_over is not None and (idle or now >= self._hand_over[1]):
                (number, _, seconds), self._hand_over = self._hand_over, None
                self._describing = self._descriptions(number, exact=idle)
                self._describe(seconds)
        except ChannelError:
            raise Stop from None  # the supervisor is gone
        busy = self._describing is not None or self._hand_over is not None
        if self._carried is not None:
            busy |= self._carried.poll(now)
        self._queue.pause = _SHORT_PAUSE if busy else PULSE
        if self._stop_at is not None and (idle or now >= self._stop_at):
            raise Stop

    def _handle_message(self, message: Message, now: float) -> None:
        match message.get("do"):
            case "stop":
                self._stop_at = now + DRAIN
            case "describe":
                number = message.get("number")
                self._describing, self._hand_over = self._descriptions(number, exact=False), None
                if seconds := message.get("wait", 0.0):  # what another process has not seen, it cannot go on from
                    self._hand_over = number, now + DRAIN, seconds
                else:
                    self._describe(0.0)
            case "passed":
                self._passed = message["packets"]
            case "reopen":
                self._sink.reopen()
            case "helper":
                self._connect_helper(message["name"])
            case "set":
                self._change_set(message, now)
            case "expects":
                self._engine.expectations.take_shared(message["entry"], now)
            case "shared":
                self._engine.sharing.take(message["name"], message["entry"])
            case "set-entries":
                self._answer(message, set_entries(self._engine.sets, message, now))
            case "stats":
                self._answer(message, self._engine.stats())
            case "flows":
                self._answer(message, self._flows(message, now))
            case "flow":
                self._answer(message, self._inspector.show(message["flow_id"], now))

    def _flows(self, message: Message, now: float) -> list[dict[str, Any]]:
        try:
            return self._inspector.flows(now, message["limit"], message["sort"], message["filter"])
        except FilterError:
            return []  # its set is of another policy than ours: a reload came between

    def _change_set(self, message: Message, now: float) -> None:
        """Apply a change of a named set; connections that are decided otherwise now come to us again."""
        changes = self._engine.set_changes
        flows = changes.reload(message["set"], self._engine.config) if message["op"] == "reload" else None
        for flow in flows if flows is not None else changes.apply(message, now):
            if not (clear_mark(self._marks, flow.key) or clear_mark(self._marks, flow.rkey)):
                log.debug("set %s: flow %d has no connection any more", message["set"], flow.id)

    def _tell(self, message: Message) -> None:
        """Have a message wait until the supervisor reads: none is left out while it is busy."""
        with suppress(ChannelError):
            self._channel.post(message)

    def _share_expectation(self, entry: list[object]) -> None:
        self._tell({"is": "expects", "entry": entry})

    def _share(self, name: str, entry: list[object]) -> None:
        self._tell({"is": "shared", "name": name, "entry": entry})

    def _connect_helper(self, name: str) -> None:
        connection = socket.socket(fileno=self._channel.descriptors.pop(0))
        helper = self._engine.helpers.get(name)
        if helper is None:
            connection.close()  # its plugin asks nothing
        else:
            helper.connect(connection)

    def _report_set(self, change: Message) -> None:
        self._tell({"is": "set", **change})

    def _queue_report(self) -> dict[str, int]:
        """Return the kernel's counters of our queue, packets that passed without a verdict, and packets of failures."""
        queue = statistics().get(self._number)
        return {**(asdict(queue) if queue else {}), "passed": self._passed, "failed": self._queue.failures}

    def _answer(self, message: Message, content: Any) -> None:
        self._tell({"is": "answer", "id": message.get("id"), "content": content})


def _log_warnings(config: Config, engine: Engine) -> None:
    """Log what ``pywall check`` would warn of in the rules; a lint that fails keeps nobody from starting."""
    before = len(config.warnings)
    try:
        lint_rules(config, engine.plugins, engine.chains.bound)
    except Exception:
        log.exception("internal error while looking for what is suspicious in the policy")
    for warning in config.warnings[before:]:
        log.warning("%s", warning)


def _carried_flows(engine: Engine) -> CarriedFlows | None:
    from .conntrack_sync import CarriedFlows

    try:
        return CarriedFlows(engine)
    except OSError as error:
        log.warning("flows that the kernel carries are not counted: %s", error)
        return None


def _prepare(order: Message) -> None:
    privileges.keep_only({privileges.CAP_NET_ADMIN}, order["user"])
    privileges.die_with_parent(order["parent"], signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the supervisor says when: the rules go first


def _be_nobody(channel: Channel) -> None:
    """What a plugin forks is no second worker: it dies with the first, and has neither queue nor supervisor."""
    privileges.die_with_parent(os.getppid(), signal.SIGKILL)
    channel.close()
    if queues := sys.modules.get("pywall_core.sources.nfqueue"):
        queues.close_in_child()


def _describe(error: BaseException) -> str:
    """Return what the supervisor says of a worker that could not start."""
    text = f"worker: {type(error).__name__}: {error}"
    if isinstance(error, ImportError) and os.geteuid() != 0:
        text += "; the user of `run: user` cannot read the folder of PyWall or of Python: install both elsewhere"
    return text


def main() -> int:
    """Entry point of ``python -m pywall_core.daemon.worker``; the channel is an inherited descriptor."""
    parser = argparse.ArgumentParser(prog="pywall-worker")
    parser.add_argument("--channel", type=int, required=True)
    channel = Channel(socket.socket(fileno=parser.parse_args().channel), takes_descriptors=True)
    log_to_stderr(logging.INFO)
    gc.disable()  # until it runs: what is loaded stays, and little of it is garbage
    from ..plugins.discovery import PluginError

    try:
        order = channel.wait(30.0)
        _prepare(order)
        os.register_at_fork(after_in_child=lambda: _be_nobody(channel))
        worker = Worker(channel, order)
    except ConfigError as error:
        channel.send({"is": "failed", "code": 3, "message": str(error)})
        return 3
    except PluginError as error:
        channel.send({"is": "failed", "code": 4, "message": str(error)})
        return 4
    except ChannelError as error:
        log.error("worker: no word from the supervisor: %s", error)
        return 1
    except BaseException as error:  # whatever a plugin raises, the supervisor says it in one line
        with suppress(ChannelError):
            channel.send({"is": "failed", "code": 1, "message": _describe(error)})
        return 1
    try:
        worker.run()
    except ChannelError:
        return 1
    log.debug("worker ends at %.3f", monotonic())
    return 0


if __name__ == "__main__":
    sys.exit(main())
