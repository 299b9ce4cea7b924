"""The plugin ``process``: gives each flow of this host the facts of its process.

The worker asks the kernel whose socket it is, which takes some 15 us and gives the user at once. The rest, program and
unit, comes from the helper process; until it has answered these facts are open, and rules that ask them PENDING.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from pywall_core.api import FORWARD, PENDING, TCP, UDP, YES, Answer, Flow, hookimpl

from .rules import KINDS
from .sock_diag import Owner, SockDiag

if TYPE_CHECKING:
    from pywall_core.api import Helper, Host, RuleRegistry

NAME: Final = "process"
#: facts that the helper process gives, without ``process.``
_TOLD: Final = {
    "pid": int,
    "path": str,
    "inner_path": str,
    "name": str,
    "command": str,
    "parent": str,
    "user": str,
    "cgroup": str,
    "unit": str,
    "user_unit": str,
    "container": str,
}
_UID: Final = "process.uid"
#: flows that may wait for the helper at a time; others have no process
MAX_WAITING: Final = 65_536
#: sockets whose process is known for a while: those that listen, and that send to many
_MOST_KNOWN: Final = 4096
_KNOWN_SECONDS: Final = 5.0
_MAX_TEXT: Final = 1024


class ProcessOptions(BaseModel):
    """Options of the plugin ``process``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wait: float = Field(
        default=2.0,
        gt=0,
        le=60,
        description="seconds to wait for the helper process; a flow whose process is not known then counts as nobody's",
    )
    name_all: bool = Field(
        default=True,
        description="hold the first packet of every flow, for a millisecond or so, until its process is known; false: "
        "only where a rule asks, and programs that end at once may stay unnamed",
    )


class ProcessPlugin:
    """Names the process at this host's end of a connection: where both ends are here, the one that began it.

    :facts: process.uid, process.user, process.pid, process.path, process.inner_path, process.name, process.command,
        process.parent, process.cgroup, process.unit, process.user_unit, process.container
    """

    Options = ProcessOptions
    api_version = 1
    needs_class_at_end = False
    facts = (_UID, *(f"process.{name}" for name in _TOLD))

    def __init__(self, options: ProcessOptions) -> None:
        self._wait = options.wait
        self.awaited_facts = ("process.pid",) if options.name_all else ()
        self._kernel: SockDiag | None = None
        self._host: Host | None = None
        self._helper: Helper | None = None
        self._connections = 0
        #: open flows by their number, and those that wait for one socket
        self._since: dict[int, float] = {}
        self._waiting: dict[Owner, list[Flow]] = {}
        self._known: dict[Owner, tuple[float, dict[str, Any]]] = {}
        self._counters = dict.fromkeys(("asked", "named", "without_process", "no_socket", "timeouts", "refused"), 0)

    @hookimpl
    def pywall_rules(self, register: RuleRegistry) -> None:
        for kind in KINDS:
            register(kind)

    @hookimpl
    def pywall_startup(self, engine: Host) -> None:
        self._host = engine
        self._helper = engine.helper(NAME, self._answered)
        if engine.live:
            try:
                self._kernel = SockDiag()
            except OSError as error:
                engine.log.error("process: the kernel does not say whose a socket is (sock_diag): %s", error.strerror)

    @hookimpl
    def pywall_flow_start(self, flow: Flow) -> None:
        kernel = self._kernel
        if kernel is None or flow.hook == FORWARD or flow.proto not in (TCP, UDP) or "process.pid" in flow.facts:
            return
        if flow.initiator == "local":
            owner = kernel.owner(flow.proto, flow.src, flow.sport, flow.dst, flow.dport)
        else:
            owner = kernel.owner(flow.proto, flow.dst, flow.dport, flow.src, flow.sport)
        if owner is None or not owner.inode:
            self._counters["no_socket"] += 1
            return
        flow.set_fact(_UID, owner.uid)
        known = self._known.get(owner)
        if known is not None and known[0] > monotonic():
            self._tell(flow, known[1])
        else:
            self._ask(owner, flow)

    @hookimpl
    def pywall_fact_state(self, flow: Flow, name: str) -> Answer:
        return PENDING if flow.id in self._since and name != _UID else YES

    @hookimpl
    def pywall_flow_end(self, flow: Flow, reason: str) -> None:
        if flow.id in self._since:
            if self._helper is not None:
                self._helper.read()
            self._since.pop(flow.id, None)

    @hookimpl
    def pywall_tick(self, now: float) -> None:
        helper = self._helper
        if self._since and helper is not None:
            helper.read()
            self._give_up(monotonic())
            if helper.connections != self._connections:
                self._connections = helper.connections
                for owner in self._waiting:
                    helper.ask(owner._asdict())

    @hookimpl
    def pywall_stats(self) -> dict[str, Any]:
        return {**self._counters, "waiting": len(self._since)}

    @hookimpl
    def pywall_shutdown(self) -> None:
        if self._kernel is not None:
            self._kernel.close()
        if self._helper is not None:
            self._helper.close()

    def _ask(self, owner: Owner, flow: Flow) -> None:
        if len(self._since) >= MAX_WAITING:
            self._counters["refused"] += 1
            return
        self._counters["asked"] += 1
        self._since[flow.id] = monotonic()
        others = self._waiting.get(owner)
        if others is not None:
            others.append(flow)
            return
        self._waiting[owner] = [flow]
        if self._helper is not None:
            self._helper.ask(owner._asdict())

    def _answered(self, answer: dict[str, Any]) -> None:
        values = [answer.get(name) for name in Owner._fields]
        if not all(isinstance(value, int) for value in values):
            return
        owner, facts = Owner(*values), _checked(answer.get("facts"))  # type: ignore[arg-type]
        if len(self._known) >= _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[owner] = monotonic() + _KNOWN_SECONDS, facts
        for flow in self._waiting.pop(owner, ()):
            if self._since.pop(flow.id, None) is not None:
                self._tell(flow, facts)

    def _tell(self, flow: Flow, facts: dict[str, Any]) -> None:
        self._counters["named" if "process.path" in facts else "without_process"] += 1
        for name, value in facts.items():
            flow.set_fact(name, value)
        flow.set_fact(_UID, flow.facts[_UID])  # rules are asked again also where there is nothing to tell

    def _give_up(self, now: float) -> None:
        """What the helper does not answer in time is nobody's."""
        for owner, flows in list(self._waiting.items()):
            left = []
            for flow in flows:
                since = self._since.get(flow.id)
                if since is not None and now - since < self._wait:
                    left.append(flow)
                elif since is not None:
                    del self._since[flow.id]
                    self._counters["timeouts"] += 1
                    self._tell(flow, {})
            if left:
                self._waiting[owner] = left
            else:
                del self._waiting[owner]


def _checked(facts: object) -> dict[str, Any]:
    """Return the facts of an answer, as far as they are of the right kind."""
    if not isinstance(facts, dict):
        return {}
    return {
        f"process.{name}": facts[name]
        for name, kind in _TOLD.items()
        if type(facts.get(name)) is kind and (kind is int or len(facts[name]) <= _MAX_TEXT)
    }
