"""Connections that nobody has opened yet, sent through the chains: can their answers come back?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..chain.predict import next_packet, quiet_chains
from ..config import Config, Path
from ..flows.table import new_flow
from ..model.flow import Flow
from ..model.packet import FORWARD, HOOK_NAMES, INPUT, OUTPUT, TCP, UDP, Packet
from ..model.verdict import ACCEPT, Verdict

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..plugins.registry import Plugins

#: (protocol, port, what it stands for)
_TRIED: Final = ((TCP, 443, "TCP port 443"), (UDP, 53, "UDP port 53"))
_LOCAL, _REMOTE = (f"{{rule: flow, initiator: {side}, action: ACCEPT}}" for side in ("local", "remote"))
#: (hook of the first packet, hook of its answer, code, what is opened, the rule for answers)
_WAYS: Final = (
    (OUTPUT, INPUT, "W020", "connections that this host opens", _LOCAL),
    (INPUT, OUTPUT, "W021", "connections to this host", _REMOTE),
    (FORWARD, FORWARD, "W021", "forwarded connections", "the same addresses and ports with src and dst exchanged"),
)
_OURS, _THEIRS = bytes((192, 0, 2, 1)), bytes((198, 51, 100, 1))


def quiet_engine(config: Config, plugins: Plugins) -> Engine:
    """Return an engine that no packet comes to."""
    from ..engine.engine import Engine

    return Engine(config, plugins, live=False)


class Trial:
    """The chains of a configuration, asked about packets that have not come."""

    def __init__(self, config: Config, engine: Engine) -> None:
        self._config = config
        self._engine = engine
        self._chains = quiet_chains(self._engine.chains)
        self.bound = self._engine.chains.bound

    def flow(self, hook: int, proto: int, ends: tuple[bytes, int, bytes, int]) -> Flow:
        """Return a flow whose first packet arrives at ``hook``, from and to the given packed addresses and ports."""
        packet = Packet()
        packet.src, packet.sport, packet.dst, packet.dport = ends
        packet.version, packet.proto = (4 if len(ends[0]) == 4 else 6), proto
        packet.key = b"".join((bytes((proto,)), ends[0], ends[2], ends[1].to_bytes(2), ends[3].to_bytes(2)))
        packet.hook, packet.time, packet.indev, packet.outdev, packet.data = hook, 0.0, "", "", b""
        packet.l4 = packet.start = packet.end = packet.flags = packet.length = 0
        packet.related, packet.error, packet.frag, packet.tunnel = False, None, None, None
        flow = new_flow(packet)
        flow.engine = self._engine
        self._engine.detection.begin(flow)
        return flow

    def denial(self, flow: Flow, *, to_server: bool, hook: int) -> Verdict | None:
        """Return the verdict on the flow's next packet, when it can only be to drop or reject it."""
        if HOOK_NAMES[hook] not in self._config.queue.hooks:
            return None
        verdict = self._chains.walk(next_packet(flow, to_server, hook), flow)
        return None if verdict.action is ACCEPT else verdict

    def place(self, verdict: Verdict, hook: int) -> Path:
        """Return where the file says so."""
        config = self._config
        for rules in self.bound.values():
            for rule in rules:
                if rule.place == verdict.rule:
                    return rule.path
        places: tuple[Path, ...] = (("default", HOOK_NAMES[hook]), ("default",))
        return next((path for path in places if config.place(path)), ())


def lint_traffic(config: Config, plugins: Plugins) -> None:
    """Note connections that may be opened and whose answers are dropped."""
    if config.mode == "observe":
        return
    trial = Trial(config, quiet_engine(config, plugins))
    for begun, back, code, who, remedy in _WAYS:
        for proto, port, service in _TRIED:
            flow = trial.flow(begun, proto, (_OURS, 40000, _THEIRS, port))
            if HOOK_NAMES[begun] in config.queue.hooks and trial.denial(flow, to_server=True, hook=begun):
                continue
            denied = trial.denial(flow, to_server=False, hook=back)
            if denied is not None:
                problem = f"answers to {who} ({service}) are dropped at {HOOK_NAMES[back]}"
                config.warn(trial.place(denied, back), code, f"{problem}; the rule for answers is {remedy}")
                break
