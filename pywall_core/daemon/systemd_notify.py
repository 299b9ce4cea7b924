"""Messages to systemd: the sd_notify(3) protocol, a datagram to the socket that ``NOTIFY_SOCKET`` names."""

from __future__ import annotations

import contextlib
import os
import socket
from time import clock_gettime_ns


def notify(*lines: str) -> None:
    """Tell the service manager, if there is one."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, kind) as manager:
        manager.sendto("\n".join(lines).encode(), address)


def reloading() -> None:
    """A reload begins (``Type=notify-reload`` wants the time, others ignore it)."""
    notify("RELOADING=1", f"MONOTONIC_USEC={clock_gettime_ns(1) // 1000}")
