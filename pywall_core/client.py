"""For plugins that bring commands: requests to the running firewall, its answers as text, and files that are written
whole or not at all. All requests: :mod:`pywall_core.daemon.control`.

It is separate from :mod:`pywall_core.api`, which plugins on the packet's way import: those answer, they do not ask.
"""

from __future__ import annotations

from .daemon.control import NotRunningError, ask_firewall
from .event_lines import printable
from .model.stats import sum_stats
from .offline.whole_file import WholeFile

__all__ = ["NotRunningError", "WholeFile", "ask_firewall", "printable", "sum_stats"]
