"""The loaded plugins of a configuration: their hooks in call order, detectors, classifiers and rule kinds."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import pluggy

from ..calls.guard import Calls
from ..config import BoundRule, Config, bind_chains
from ..config.rule_needs import ALWAYS_KNOWN
from ..detection.carriers import CarriedClassifier
from ..detection.classifiers import Classifier
from ..detection.detectors import Detector, Detectors
from ..detection.fact_states import Given
from ..hookimpl import direct
from . import trace
from .facts import DeclaredFacts
from .plugin import Plugin
from .rule_registry import RuleRegistry

PREFIX: Final = "pywall_"
#: hooks that no packet waits for
COLD_HOOKS: Final = frozenset({"rules", "startup", "tick", "event", "stats", "facts_so_far", "shutdown"})


@dataclass
class Plugins:
    """All plugins of a configuration, in its order."""

    manager: pluggy.PluginManager
    loaded: list[Plugin]
    registry: RuleRegistry = field(default_factory=RuleRegistry)
    _calls: dict[str, Calls] = field(default_factory=dict)
    _bound: tuple[Config, dict[str, list[BoundRule]]] | None = None

    def calls(self, hook: str) -> Calls:
        """Implementations of a hook as (plugin name, callable), in the YAML's order."""
        found = self._calls.get(hook)
        if found is None:
            name = PREFIX + hook
            found = tuple((p.name, direct(getattr(p.obj, name))) for p in self.loaded if hook in p.hooks)
            if hook in COLD_HOOKS and trace.wanted():
                found = tuple((plugin, trace.traced(plugin, name, call)) for plugin, call in found)
            self._calls[hook] = found
        return found

    def provides(self) -> frozenset[str]:
        """Capabilities of all plugins together."""
        return frozenset(capability for p in self.loaded for capability in p.provides)

    @cached_property
    def detectors(self) -> Detectors:
        """Plugins with ``detect``, in order."""
        found = []
        for p in self.loaded:
            if "detect" not in p.hooks:
                continue
            found.append(
                Detector(
                    p.name,
                    direct(p.obj.pywall_detect),
                    transports_of(p.obj),
                    tuple(getattr(p.obj, "protocols", (p.name,))),
                    getattr(p.obj, "first_client", None),
                    getattr(p.obj, "first_server", None),
                    direct(p.obj.pywall_transactions) if "transactions" in p.hooks else None,
                    tuple(getattr(p.obj, "unseen", ())),
                    (p.obj.facts_of,) if hasattr(p.obj, "facts_of") else (),
                    tuple(getattr(p.obj, "announces", ())),
                    getattr(p.obj, "begins_inside", None),
                    direct(p.obj.begins_again) if hasattr(p.obj, "begins_again") else None,
                )
            )
        return Detectors(found)

    def classifiers(self) -> list[Classifier]:
        """Plugins with ``classify``, in order."""
        return [
            Classifier(p.name, p.obj.pywall_classify, tuple(getattr(p.obj, "facts", ())))
            for p in self.loaded
            if "classify" in p.hooks
        ]

    def carried_classifiers(self) -> list[CarriedClassifier]:
        """Plugins with ``carried``, in order."""
        return [
            CarriedClassifier(p.name, direct(p.obj.pywall_carried), dict(getattr(p.obj, "carriers", {})))
            for p in self.loaded
            if "carried" in p.hooks
        ]

    def given_facts(self) -> dict[str, Given]:
        """Return who says how settled a fact is, by the fact's name, for plugins with ``fact_state``."""
        return {
            fact: (p.name, direct(p.obj.pywall_fact_state))
            for p in reversed(self.loaded)
            if "fact_state" in p.hooks
            for fact in getattr(p.obj, "facts", ())
        }

    def awaited_facts(self) -> tuple[str, ...]:
        """Return the facts that each flow's packets wait for, also where no rule asks."""
        return tuple(fact for p in self.loaded for fact in getattr(p.obj, "awaited_facts", ()))

    def needs_class_at_end(self) -> bool:
        """Return True if a hook ``flow_end`` may look at what classifiers say (no ``needs_class_at_end = False``)."""
        return any("flow_end" in p.hooks and getattr(p.obj, "needs_class_at_end", True) for p in self.loaded)

    @cached_property
    def facts(self) -> DeclaredFacts:
        """The facts that the plugins declare."""
        return DeclaredFacts(self.loaded)

    def bind(self, config: Config) -> dict[str, list[BoundRule]]:
        """Return the rules of the configuration's chains, checked against these plugins; worked out once.

        :raises ConfigError: with every error noted in ``config`` so far and all that are found here
        """
        if self._bound is None or self._bound[0] is not config:
            chains = bind_chains(
                config,
                self.registry.kinds,
                capabilities=self.provides(),
                protocols=self.protocols(),
                facts=self.facts,
            )
            self._bound = config, chains
        return self._bound[1]

    def protocols(self) -> frozenset[str]:
        """Every name that ``app_proto`` may take with these plugins."""
        return frozenset(name for d in self.detectors.all for name in d.protocols) | ALWAYS_KNOWN


def transports_of(obj: Any) -> tuple[str, ...]:
    transport = getattr(obj, "transport", ("tcp", "udp"))
    return (transport,) if isinstance(transport, str) else tuple(transport)
