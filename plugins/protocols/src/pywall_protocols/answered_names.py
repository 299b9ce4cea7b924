"""What DNS answered, remembered: pairs of a name and an address by the client that was told.

Apart from the plugin's hooks, so that it can be compiled: each packet of DNS passes here, and each new flow.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast, final

from pywall_core.api import TCP, Flow

from .parsing.dns_answer import read_addresses, read_question
from .parsing.dns_message import question_names
from .parsing.wire import cut, u16

if TYPE_CHECKING:
    from collections.abc import Callable

    from pywall_core.api import Host

FACT: Final = "dns.answered"
NAME: Final = "dns-answers"
#: pairs of a name and an address that are remembered of one client, and of all; the oldest give way
MOST_OF_CLIENT: Final = 4096
MOST: Final = 65_536
#: seconds that an answer holds at least (programs keep addresses longer than they should), and at most
SHORTEST: Final = 60.0
LONGEST: Final = 86_400.0
#: open questions of one flow, and bytes of a message over TCP that are kept
_MOST_OPEN: Final = 64
_READ: Final = 4096
#: flows that began before another worker had told the answer: how many, and seconds until none is waited for
_MOST_YOUNG: Final = 4096
_TOLD_WITHIN: Final = 1.0
#: pairs that survive a reload: 1 MiB is what one plugin may keep
_MOST_SAVED: Final = 8192

#: A client, an address and a name. The client is b"" for this host itself, whatever address it asks from.
Pair: TypeAlias = tuple[bytes, bytes, str]


@final
class AnsweredNames:
    """Pairs that hold for some time, and the names that a flow has by them.

    ``tell`` tells other workers a pair, where there are any; ``young`` are the flows that may wait for what those say.
    """

    def __init__(self) -> None:
        self._until: OrderedDict[Pair, float] = OrderedDict()
        self._names: dict[tuple[bytes, bytes], dict[str, None]] = {}
        self._of_client: dict[bytes, OrderedDict[Pair, None]] = {}
        self.young: OrderedDict[int, Flow] = OrderedDict()
        self.host: Host | None = None
        self.tell: Callable[[list[object]], None] | None = None
        self.answers = self.unasked = 0

    def __len__(self) -> int:
        return len(self._until)

    # --- flows --------------------------------------------------------------------------------------------------------

    def begin(self, flow: Flow) -> None:
        """Name a flow that has begun."""
        if self.tell is not None:
            self.young[flow.id] = flow
            if len(self.young) > _MOST_YOUNG:
                self.young.popitem(last=False)
        if self._names:
            self._name(flow)

    def end(self, flow: Flow, reason: str) -> None:
        """A flow that has ended waits for nothing."""
        if self.young:
            self.young.pop(flow.id, None)

    def settle(self, now: float) -> None:
        """Flows that have waited long enough for other workers have the names that they have."""
        while self.young:
            flow = next(iter(self.young.values()))
            if now - flow.start < _TOLD_WITHIN:
                break
            del self.young[flow.id]
            flow.set_fact(FACT, flow.facts.get(FACT, []))  # rules are asked again, now for good

    # --- messages -----------------------------------------------------------------------------------------------------

    def segment(self, flow: Flow, to_server: bool, offset: int, data: bytes, gap: int) -> None:
        """Read what a flow of DNS says, a datagram or a part of a stream."""
        if flow.app_proto != "dns":
            return
        ext = flow.ext = flow.ext or {}
        if flow.proto != TCP:
            self._read(flow, to_server, data, ext)
            return
        side = f"{NAME}.{int(to_server)}"
        if gap:
            ext[side] = None
        rest = ext.get(side, b"")
        if rest is None:
            return
        rest += data
        while len(rest) >= 2 and len(rest) >= 2 + u16(rest, 0):
            self._read(flow, to_server, cut(rest, 2, 2 + u16(rest, 0)), ext)
            rest = rest[2 + u16(rest, 0) :]
        ext[side] = rest if len(rest) <= _READ else None

    def _read(self, flow: Flow, to_server: bool, message: bytes, ext: dict[str, Any]) -> None:
        question = read_question(message)
        if not question:
            return
        asked: dict[bytes, bytes] = ext.setdefault(NAME, {})
        number = message[:2]
        if to_server:
            if not message[2] & 0x80 and len(asked) < _MOST_OPEN:
                asked[number] = question
        elif message[2] & 0x80:
            if asked.get(number) != question:
                self.unasked += 1
                return
            del asked[number]
            self._take(flow, message, 12 + len(question))

    def _take(self, flow: Flow, message: bytes, at: int) -> None:
        """Note the addresses of an answer under the name that was asked."""
        (name,) = question_names(message)
        name = name.lower().rstrip(".")
        if not name or self.host is None:
            return
        self.answers += 1
        for address, ttl in read_addresses(message, at):
            pair = (_client(flow), address, name)
            until = self.host.now + min(max(float(ttl), SHORTEST), LONGEST)
            self.hold(pair, until)
            if self.tell is not None:
                self.tell(_as_entry(pair, until))

    # --- what is held -------------------------------------------------------------------------------------------------

    def hold(self, pair: Pair, until: float) -> None:
        """Remember a pair until a time; the oldest ones give way to it."""
        client, address, name = pair
        if pair in self._until:
            self._forget(pair)
        mine = self._of_client.get(client)
        if mine is not None and len(mine) >= MOST_OF_CLIENT:
            self._forget(next(iter(mine)))
        elif len(self._until) >= MOST:
            self._forget(next(iter(self._until)))
        self._until[pair] = until
        self._of_client.setdefault(client, OrderedDict())[pair] = None
        self._names.setdefault((client, address), {})[name] = None

    def _forget(self, pair: Pair) -> None:
        client, address, name = pair
        del self._until[pair]
        mine, names = self._of_client[client], self._names[client, address]
        del mine[pair], names[name]
        if not mine:
            del self._of_client[client]
        if not names:
            del self._names[client, address]

    def _name(self, flow: Flow) -> None:
        client, now = _client(flow), self.host.now if self.host is not None else 0.0
        names = self._names.get((client, flow.dst))
        if names is None:
            return
        for name in [*names]:
            if self._until[client, flow.dst, name] < now:
                self._forget((client, flow.dst, name))
        if names:
            flow.set_fact(FACT, [*names])

    def take_told(self, entry: list[object]) -> None:
        """Hold what another worker saw; raises nothing, whatever it is."""
        pair = self._held_from(entry)
        if pair is not None:
            for flow in [*self.young.values()]:
                if flow.dst == pair[1] and _client(flow) == pair[0]:
                    self._name(flow)

    def _held_from(self, entry: object) -> Pair | None:
        try:
            client, address, name, until = cast("list[Any]", entry)
            pair = (bytes.fromhex(client), bytes.fromhex(address), str(name))
            self.hold(pair, min(float(until), (self.host.now if self.host else 0.0) + LONGEST))
        except (TypeError, ValueError):
            return None
        return pair

    def save(self) -> list[list[object]]:
        """Return the newest pairs as plain data."""
        newest = [*self._until.items()][-_MOST_SAVED:]
        return [_as_entry(pair, until) for pair, until in newest]

    def load(self, state: Any) -> None:
        """Take what :meth:`save` of another process has returned; what is none is passed over."""
        for entry in state[:_MOST_SAVED] if isinstance(state, list) else ():
            self._held_from(entry)


def _client(flow: Flow) -> bytes:
    return b"" if flow.initiator == "local" else flow.src


def _as_entry(pair: Pair, until: float) -> list[object]:
    return [pair[0].hex(), pair[1].hex(), pair[2], until]
