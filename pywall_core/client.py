"""Requests to the running firewall, and its answers as text, for plugins that bring commands. All requests:
:mod:`pywall_core.daemon.control`.

It is separate from :mod:`pywall_core.api`, which plugins on the packet's way import: those answer, they do not ask.
"""

from __future__ import annotations

from .daemon.control import NotRunningError, ask_firewall
from .event_lines import printable
from .model.stats import sum_stats

__all__ = ["NotRunningError", "ask_firewall", "printable", "sum_stats"]
