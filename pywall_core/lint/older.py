"""What becomes of connections that are open when the firewall starts for the first time."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING

from ..config import Config
from ..kernel.open_connections import original_keys
from ..model.packet import INPUT, OUTPUT, TCP
from .session import ssh_connection
from .traffic import Trial

if TYPE_CHECKING:
    from ..engine.engine import Engine

_BECOMES = {
    "inspect": "get the rules' verdict from their next packet on; one that no rule lets in by what is seen then is cut",
    "pass-flow": "go on, whatever the rules say",
    "drop-flow": "are cut",
}
_REMEDY = "{rule: flow, older: true, action: ACCEPT} in front, or failure: {midstream: pass-flow}, lets it go on"


def tell_open(config: Config, engine: Engine) -> Iterator[str]:
    """Yield lines: how many TCP connections are open (as conntrack and this host's sockets tell), what they come to,
    and whether the administrator's own SSH session is among them and goes on."""
    keys = [key for key in original_keys() if key[0] == TCP]
    if not keys:
        return
    midstream = config.failure.midstream
    becomes = "are only watched" if config.mode == "observe" else _BECOMES[midstream]
    yield f"open now: {len(keys)} TCP connections, which {becomes} (failure.midstream: {midstream})"
    ends = ssh_connection()
    if ends is not None and _is_open(ends, keys):
        client = ip_address(ends[0])
        cut = config.mode != "observe" and is_cut(config, engine, ends)
        fate = f"and is cut: {_REMEDY}" if cut else "and goes on"
        yield f"the SSH session of this shell, from {client}, is among them {fate}"


def _is_open(ends: tuple[bytes, int, bytes, int], keys: list[bytes]) -> bool:
    source, sport, target, dport = ends
    ports = sport.to_bytes(2, "big"), dport.to_bytes(2, "big")
    there = bytes((TCP,)) + source + target + ports[0] + ports[1]
    back = bytes((TCP,)) + target + source + ports[1] + ports[0]
    return there in keys or back in keys


def is_cut(config: Config, engine: Engine, ends: tuple[bytes, int, bytes, int]) -> bool:
    """Return whether a connection to this host that was open before would be dropped, its content being unreadable."""
    if config.failure.midstream != "inspect":
        return config.failure.midstream == "drop-flow"
    trial = Trial(config, engine)
    flow = trial.flow(INPUT, TCP, ends)
    flow.older = flow.tcp.midstream = True
    state = flow.own_detection()
    state.app_proto, state.done, state.pending = "unknown", True, 0
    return any(trial.denial(flow, to_server=to, hook=hook) for hook, to in ((INPUT, True), (OUTPUT, False)))
