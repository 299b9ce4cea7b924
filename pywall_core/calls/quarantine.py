"""What goes wrong inside plugins: counted, logged at a bounded rate, quarantined when it does not stop."""

from __future__ import annotations

import logging
import time
import traceback
from collections import deque
from dataclasses import dataclass, field
from typing import Final

#: A plugin with this many errors within a minute is quarantined (where skipping it can let nothing pass).
QUARANTINE_ERRORS: Final = 50
QUARANTINE_SECONDS: Final = 60.0
LOG_INTERVAL: Final = 1.0


@dataclass(slots=True)
class PluginFailures:
    """Errors of one plugin."""

    errors: int = 0
    suppressed: int = 0
    quarantined: bool = False
    last: str = ""
    logged: float = -1e9
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=QUARANTINE_ERRORS))


class Failures:
    """Errors by plugin name. ``record`` is the only thing that the packet path calls, and only after an exception."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self.by_plugin: dict[str, PluginFailures] = {}

    def record(self, plugin: str, error: BaseException) -> bool:
        """Count an error; True when it is the one that puts the plugin in quarantine."""
        now = time.monotonic()
        entry = self.by_plugin.setdefault(plugin, PluginFailures())
        entry.errors += 1
        entry.last = describe(error)
        entry.recent.append(now)
        if now - entry.logged >= LOG_INTERVAL:
            more = f" ({entry.suppressed} more suppressed)" if entry.suppressed else ""
            self._log.error("plugin %s: %s%s", plugin, entry.last, more)
            entry.logged = now
            entry.suppressed = 0
        else:
            entry.suppressed += 1
        full = len(entry.recent) == QUARANTINE_ERRORS and now - entry.recent[0] < QUARANTINE_SECONDS
        if full and not entry.quarantined:
            entry.quarantined = True
            self._log.error("plugin %s: %d errors within %.0f s", plugin, QUARANTINE_ERRORS, now - entry.recent[0])
            return True
        return False


def describe(error: BaseException) -> str:
    """Return the error and the plugin's own innermost frame, on one line."""
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    text = f"{type(error).__name__}: {error}{where}"
    return "".join(c if c.isprintable() else "?" for c in text)[:300]
