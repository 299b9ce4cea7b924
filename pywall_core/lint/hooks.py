"""Hooks whose packets are queued but have no chain: the default holds for every packet there."""

from __future__ import annotations

from collections.abc import Iterator

from ..config import Config

_ANSWERS = {"INPUT": "OUTPUT", "OUTPUT": "INPUT"}


def chainless(config: Config) -> Iterator[tuple[str, str]]:
    """Yield each queued hook without a chain, and what is done with its packets."""
    for hook in config.queue.hooks:
        if hook not in config.chains:
            yield hook, getattr(config.default, hook)


def lint_hooks(config: Config) -> None:
    """Note that what one hook accepts cannot be answered, since all packets of the other are dropped."""
    for hook, action in chainless(config):
        other = _ANSWERS.get(hook, "")
        passes = other in config.chains or getattr(config.default, other, "DROP") == "ACCEPT"
        if action != "ACCEPT" and other in config.queue.hooks and passes and config.mode != "observe":
            config.warn(
                ("default",),
                "W023",
                f"{hook} has no chain, so the default {action} holds for every packet there: what {other} accepts "
                f"is never answered; give {hook} a chain, or say default: {{{other}: {action}, {hook}: ACCEPT}}",
            )
