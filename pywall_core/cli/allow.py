"""``pywall allow``: see :mod:`pywall_core.cli.block`."""

from __future__ import annotations

from .block import add_allow as add

__all__ = ["add"]
