"""Requests to the running firewall, for plugins that bring commands. All of them: :mod:`pywall_core.daemon.control`.

It stands apart from :mod:`pywall_core.api`, which plugins on the packet's way import: those answer, they do not ask.
"""

from __future__ import annotations

from .daemon.control import NotRunningError, ask_firewall
from .model.stats import sum_stats

__all__ = ["NotRunningError", "ask_firewall", "sum_stats"]
