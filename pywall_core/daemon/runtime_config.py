"""A configuration in use: read once, handed to every worker, turned into kernel rules."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from ..config import Config, loads, read
from ..config.sets import check_sets
from ..kernel.marks import DEFAULT_MASK, MAX_WORKERS, Marks
from ..kernel.ruleset import Plan
from ..lint.hooks import chainless, lint_hooks

log: Final = logging.getLogger("pywall.supervisor")
#: Seconds without a byte after which a pipe is given up: who waits for ever does not watch his workers.
_SILENCE: Final = 5.0


@dataclass(slots=True)
class Policy:
    """A configuration in use: its text, so that every worker gets the same, whatever becomes of the file."""

    name: str
    text: bytes
    config: Config
    #: "json", "text" (a line for a reader, of drops and alerts), or empty
    print_events: str = ""

    def fails_open(self) -> bool:
        """Return True if packets may pass without a verdict: no worker is bound, or its queue is full."""
        return "accept" in (self.config.failure.no_listener, self.config.failure.queue_full)

    def plan(self, first_queue: int, generation: int, marks: Marks) -> Plan:
        """Return the kernel rules that it asks for."""
        queue = self.config.queue
        return Plan(
            hooks=tuple(queue.hooks),
            queue=first_queue,
            workers=queue.workers,
            loopback=queue.loopback,
            bypass=self.config.failure.no_listener == "accept",
            deal=queue.deal,
            generation=generation,
            marks=marks,
        )


def read_policy(source: str | None, *, print_events: str = "") -> Policy:
    """Return the text of a configuration and what it says to the supervisor; what it says to plugins the workers check.

    :raises ConfigError: it is not one, or the kernel's part of it is wrong
    """
    name, text, warnings = read(source, silence=_SILENCE)
    config = loads(text, name, strict=False)
    noted = len(config.problems)
    check_sets(config, entries=False)
    for warning in [*warnings, *config.warnings]:
        log.warning("%s", warning)
    try:
        Marks(config.queue.mark_mask or DEFAULT_MASK)
    except ValueError as error:
        config.error(("queue", "mark_mask"), str(error))
    if config.queue.workers > MAX_WORKERS:
        config.error(("queue", "workers"), f"at most {MAX_WORKERS} workers have room in a mark")
    if config.queue.number + 2 * config.queue.workers > 65536:
        config.error(("queue", "number"), "a reload needs as many further queue numbers as there are workers")
    for hook, action in chainless(config):
        log.info("no chain %s: the default %s holds for every packet there", hook, action)
    before = len(config.warnings)
    lint_hooks(config)
    for warning in config.warnings[before:]:
        log.warning("%s", warning)
    if len(config.problems) > noted:
        config.check()
    return Policy(name, text, config, print_events)
