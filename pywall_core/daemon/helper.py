"""The helper process of a plugin: sees what belongs to other users, parses no packet, changes nothing.

Started by the supervisor, never by hand. It keeps CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH alone, and answers questions
of the workers, each over a socket that the supervisor has made for it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import selectors
import signal
import socket
import sys
from typing import Any, Final, Protocol

from ..kernel import privileges
from ..model.helper import MAX_MESSAGE, Message, read_message
from ..plugins.helpers import helper_point
from .log_output import log_to_stderr

log: Final = logging.getLogger("pywall.helper")
#: questions of one worker that are answered together
_BATCH: Final = 256
#: before the machine's other programs: packets wait for the answers, and programs end meanwhile
_PRIORITY: Final = -10
_CAPABILITIES: Final = {
    privileges.CAP_SYS_PTRACE: "CAP_SYS_PTRACE",
    privileges.CAP_DAC_READ_SEARCH: "CAP_DAC_READ_SEARCH",
}


class Answerer(Protocol):
    """What the entry point of a helper makes, called without arguments."""

    def answer(self, questions: list[Message]) -> list[Message]:
        """Return an answer to each question. What is asked comes from a process that parses packets."""


def serve(answerer: Answerer, control: socket.socket) -> None:
    """Answer until the other end of ``control`` is closed; descriptors that come over it are connections of workers,
    bytes without one are sent back as a sign of life.
    """
    selector = selectors.DefaultSelector()
    selector.register(control, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            if connection is control:
                data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
                if not data:
                    _close(selector)
                    return
                for descriptor in descriptors:
                    worker = socket.socket(fileno=descriptor)
                    worker.setblocking(False)
                    selector.register(worker, selectors.EVENT_READ)
                if not descriptors:
                    with contextlib.suppress(OSError):
                        control.send(data)
            elif not _answer(answerer, connection):
                selector.unregister(connection)
                connection.close()


def _close(selector: selectors.BaseSelector) -> None:
    for key in list(selector.get_map().values()):
        assert isinstance(key.fileobj, socket.socket)
        key.fileobj.close()
    selector.close()


def _answer(answerer: Answerer, connection: socket.socket) -> bool:
    """Answer what one worker has asked. False: it is gone."""
    questions: list[Message] = []
    try:
        while len(questions) < _BATCH:
            data = connection.recv(MAX_MESSAGE)
            if not data:
                return False
            question = read_message(data)
            if question is not None:
                questions.append(question)
    except BlockingIOError:
        pass
    except OSError:
        return False
    for answer in answerer.answer(questions) if questions else ():
        try:
            connection.send(json.dumps(answer).encode())
        except BlockingIOError:
            continue  # it does not read; it asks again
        except OSError:
            return False
    return True


def _keep_capabilities(name: str) -> None:
    missing = [title for number, title in _CAPABILITIES.items() if not privileges.has(number)]
    if missing:
        log.warning(
            "helper %s: %s is missing, so other users' processes cannot be seen; restart pywall, as a service after "
            "'pywall systemd install'",
            name,
            " and ".join(missing),
        )
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    privileges.keep_only(number for number in _CAPABILITIES if privileges.has(number))


def main() -> int:
    """Entry point of ``python -m pywall_core.daemon.helper``; the control socket is an inherited descriptor."""
    parser = argparse.ArgumentParser(prog="pywall-helper")
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("name")
    args = parser.parse_args()
    log_to_stderr(logging.INFO)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    try:
        point = helper_point(args.name)
        _keep_capabilities(args.name)
        privileges.die_with_parent(args.parent, signal.SIGKILL)
        make: Any = point.load()
        answerer: Answerer = make()
    except Exception as error:
        log.error("helper %s cannot start: %s: %s", args.name, type(error).__name__, error)
        return 1
    with contextlib.suppress(KeyboardInterrupt):
        serve(answerer, socket.socket(fileno=args.control))
    log.debug("helper %s (process %d) ends", args.name, os.getpid())
    return 0


if __name__ == "__main__":
    sys.exit(main())
