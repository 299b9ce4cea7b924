"""Errors that more than one room of the core raises or catches."""

from __future__ import annotations


class Hung(BaseException):
    """Raised inside a call that takes too long; no Exception, so that the plugin does not take it for its own."""
