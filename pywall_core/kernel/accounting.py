"""Conntrack's accounting: what a connection has carried is counted while the firewall runs, and only then.

A rule with connbytes makes it count (net/netfilter/xt_connbytes.c), and so do we where the kernel carries connections.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Final

from . import conntrack
from .rundir import RunDir

log: Final = logging.getLogger("pywall.kernel")
#: what is remembered across kill -9: that it was off
_WAS_OFF: Final = "accounting"


def note(rundir: RunDir) -> None:
    """Remember that conntrack does not count, for :func:`set_back`."""
    with contextlib.suppress(OSError):
        if conntrack.ACCOUNTING.read_text().strip() == "0":
            rundir.remember(_WAS_OFF, "0")


def begin() -> None:
    """Have conntrack count."""
    try:
        if conntrack.ACCOUNTING.read_text().strip() == "0":
            conntrack.ACCOUNTING.write_text("1")
    except OSError as error:
        log.warning("flows that the kernel carries are not counted: %s: %s", conntrack.ACCOUNTING, error.strerror)


def set_back(rundir: RunDir) -> None:
    """Have it count no more, where it did not before."""
    if rundir.recall(_WAS_OFF) is not None:
        with contextlib.suppress(OSError):
            conntrack.ACCOUNTING.write_text("0")
        rundir.forget(_WAS_OFF)
