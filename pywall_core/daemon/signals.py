"""Signals as events of a selector."""

from __future__ import annotations

import contextlib
import selectors
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


@contextlib.contextmanager
def signals_in(selector: selectors.BaseSelector, handle: Callable[[int], None]) -> Iterator[None]:
    """Have :data:`SIGNALS` handled in the selector's turn, so that none interrupts a change of rules."""
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)

    def read_signals() -> None:
        for number in reader.recv(64):
            handle(number)

    selector.register(reader, selectors.EVENT_READ, read_signals)
    before = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    descriptor = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(descriptor)
        for number, handler in before.items():
            signal.signal(number, handler)
        selector.unregister(reader)
        reader.close()
        writer.close()
