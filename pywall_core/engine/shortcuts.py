"""What the kernel may decide alone, without asking a worker: whether a policy allows it, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ..config import BoundRule, Config, leaves

if TYPE_CHECKING:
    from ..plugins.registry import Plugins

#: hooks that see every packet; a plugin that has one says ``needs_bare_acks = False`` where it copes without them
_PACKET_HOOKS: Final = ("packet", "decided")


def why_bare_acks_are_queued(config: Config, plugins: Plugins, bound: Mapping[str, list[BoundRule]]) -> str:
    """Return why TCP segments without content are queued from a connection's first packet on; empty: they are not."""
    queue = config.queue
    if queue.skip_bare_acks is False:
        return "queue.skip_bare_acks is false"
    if not queue.offload:
        return "queue.offload is false: every packet is looked at"
    for plugin in plugins.loaded:
        if any(hook in plugin.hooks for hook in _PACKET_HOOKS) and getattr(plugin.obj, "needs_bare_acks", True):
            return f"plugin {plugin.name} looks at every packet"
    for rules in bound.values():
        for rule in rules:
            for kind in leaves(rule.condition):
                if kind.scope == "packet":
                    return f"{rule.place} ({kind.kind}) is asked for every packet"
    return ""
