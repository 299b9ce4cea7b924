"""The real engine over packets in memory, and over captures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from ..model.flow import Flow
from ..model.packet import HOOK_NAMES, Packet
from ..model.verdict import Verdict
from ..packet.decode import decode
from .dialogues import Conversation

Event = dict[str, Any]
#: a configuration as YAML text, as plain data, or None for the embedded default policy
Configuration = str | Mapping[str, Any] | None


class InMemory:
    """An engine and what came out of it: ``events`` (EVE dictionaries, in order) and ``verdicts`` (one a packet)."""

    def __init__(self, configuration: Configuration, plugins: Mapping[str, object] | None, *, live: bool) -> None:
        from ..config import Config, load, loads
        from ..engine.engine import Engine
        from ..plugins.loader import assemble
        from ..plugins.loader import load as load_plugins

        if configuration is None:
            config = load(None)
        elif isinstance(configuration, str):
            config = loads(configuration.encode(), "test.yaml")
        else:
            config = Config(**configuration)
        loaded = load_plugins(config) if plugins is None else assemble(config, plugins.items())
        self.events: list[Event] = []
        self.verdicts: list[Verdict] = []
        self.engine = Engine(config, loaded, live=live, sink=self.events.append)

    def send(self, packets: Conversation | Iterable[Packet | bytes]) -> list[Verdict]:
        """Return the verdicts on these packets; bytes are IP packets that arrive at INPUT, half a millisecond apart."""
        verdicts = []
        for packet in packets:
            if isinstance(packet, bytes):
                packet = decode(packet, self.engine.now + 0.0005)
            verdicts.append(self.engine.process(packet))
        self.verdicts += verdicts
        return verdicts

    @property
    def flows(self) -> list[Flow]:
        """The flows in the table."""
        return list(self.engine.flows)

    def close(self) -> list[Event]:
        """End all flows; their ``flow`` events, in the order in which they ended."""
        self.engine.close()
        return self.of_type("flow")

    def of_type(self, event_type: str) -> list[Event]:
        """Return the events of one type so far."""
        return [event for event in self.events if event["event_type"] == event_type]


def engine(
    configuration: Configuration = None, *, plugins: Mapping[str, object] | None = None, live: bool = False
) -> InMemory:
    """Return an engine in memory. Without ``plugins`` those that the configuration names are loaded from what is
    installed; with it, these objects are taken by name, in order, and nothing needs to be installed.

    :raises ConfigError: :raises PluginError: as ``pywall check`` would say it
    """
    return InMemory(configuration, plugins, live=live)


def replay(
    capture: str | Path,
    configuration: Configuration = None,
    *,
    plugins: Mapping[str, object] | None = None,
    local: Sequence[str] = (),
    hook: str | None = None,
) -> InMemory:
    """Return a capture through an engine in memory, as ``pywall replay`` does it: all flows are ended, ``stats``
    comes last.

    :raises ValueError: the capture cannot be read to its end
    """
    from ..offline.replay import Hooks
    from ..offline.replay import replay as run

    lab = InMemory(configuration, plugins, live=False)
    number = {name: number for number, name in HOOK_NAMES.items()}.get(hook or "")
    hooks = Hooks([ip_network(net) for net in local], number)
    summary = run(lab.engine, capture, hooks, seen=lambda packet, verdict: lab.verdicts.append(verdict))
    if summary.error is not None:
        raise ValueError(summary.error)
    return lab
