"""JSON lines between supervisor and workers, and on the control socket."""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Iterator
from time import monotonic
from typing import Any, Final

import orjson

Message = dict[str, Any]
#: bytes of one line; longer ones end the connection
MAX_LINE: Final = 1 << 25  # a policy of 16 MiB in base64, and more
#: bytes that may wait for the other side
MAX_UNSENT: Final = 1 << 27
#: open files that are taken at a time
_MOST_DESCRIPTORS: Final = 16


class ChannelError(Exception):
    """The other side closed, or sent what is not a line of JSON."""


class Channel:
    """One side of a stream socket. ``limit`` bounds a received line, in bytes.

    ``takes_descriptors``: files that the other side hands over are received, and kept in ``descriptors``.
    """

    def __init__(self, connection: socket.socket, limit: int = MAX_LINE, *, takes_descriptors: bool = False) -> None:
        self.socket = connection
        self._limit = limit
        self._takes_descriptors = takes_descriptors
        #: open files that came with messages, in their order; whoever takes one out closes it
        self.descriptors: list[int] = []
        self._received = bytearray()
        self._unsent = bytearray()

    def fileno(self) -> int:
        """For selectors."""
        return self.socket.fileno()

    def send(self, message: Message, timeout: float = 2.0) -> None:
        """Send one message, for at most ``timeout`` seconds; what is left then goes with the next one.

        :raises ChannelError: the other side is gone or does not read
        """
        self.post(message)
        if not self.flush(timeout):
            raise ChannelError("the other side does not read")

    def try_send(self, message: Message) -> bool:
        """Send one short message if nothing waits. False: the other side does not read.

        :raises ChannelError: the other side is gone
        """
        if not self.flush():
            return False
        self.post(message)
        self.flush()
        return True

    def send_descriptor(self, message: Message, descriptor: int, timeout: float = 2.0) -> None:
        """Send one short message together with an open file, for at most ``timeout`` seconds.

        :raises ChannelError: the other side is gone or does not read
        """
        if not self.flush(timeout):
            raise ChannelError("the other side does not read")
        line = _line(message)
        try:
            self.socket.settimeout(timeout)
            sent = socket.send_fds(self.socket, [line], [descriptor])
        except OSError as error:
            raise ChannelError(str(error)) from None
        self._unsent += line[sent:]

    def post(self, message: Message) -> None:
        """Have a message wait, behind those before it, until the other side reads: :meth:`flush` sends it.

        :raises ChannelError: too much waits already
        """
        if len(self._unsent) > MAX_UNSENT:
            raise ChannelError(f"more than {MAX_UNSENT} bytes wait")
        self._unsent += _line(message)

    def flush(self, wait: float = 0.0) -> bool:
        """Send what waits, for at most ``wait`` seconds. False: some is left.

        :raises ChannelError: the other side is gone
        """
        until = monotonic() + wait
        try:
            self.socket.settimeout(0)
            while self._unsent:
                try:
                    del self._unsent[: self.socket.send(self._unsent[: 1 << 18])]
                except BlockingIOError:
                    left = until - monotonic()
                    if left <= 0 or not select.select([], [self.socket], [], left)[1]:
                        return False
        except (OSError, ValueError) as error:  # ValueError: select has no place for a closed socket
            raise ChannelError(str(error)) from None
        return True

    def receive(self) -> Iterator[Message]:
        """Yield the messages that have arrived; does not wait.

        :raises ChannelError: the other side closed, or does not keep to the form
        """
        closed = False
        try:
            self.socket.settimeout(0)
            while chunk := self._receive():
                self._received += chunk
                if len(self._received) > self._limit:
                    break
            else:
                closed = True
        except BlockingIOError:
            pass
        except OSError as error:
            raise ChannelError(str(error)) from None
        while (end := self._received.find(b"\n")) >= 0:
            line = bytes(self._received[:end])
            del self._received[: end + 1]
            yield _parse(line)
        if closed:
            raise ChannelError("closed")
        if len(self._received) > self._limit:
            raise ChannelError(f"a line of more than {self._limit} bytes")

    def wait(self, timeout: float | None) -> Message:
        """Return the next message, waited for at most ``timeout`` seconds.

        :raises ChannelError: none came, or as in :meth:`receive`
        """
        while b"\n" not in self._received:
            self.socket.settimeout(timeout)
            try:
                chunk = self._receive()
            except OSError as error:
                raise ChannelError(str(error)) from None
            if not chunk:
                raise ChannelError("closed")
            self._received += chunk
            if len(self._received) > self._limit:
                raise ChannelError(f"a line of more than {self._limit} bytes")
        line, _, rest = bytes(self._received).partition(b"\n")
        self._received = bytearray(rest)
        return _parse(line)

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def _receive(self) -> bytes:
        if not self._takes_descriptors:
            return self.socket.recv(1 << 16)
        chunk, descriptors, _, _ = socket.recv_fds(self.socket, 1 << 16, _MOST_DESCRIPTORS)
        self.descriptors += descriptors
        return chunk


def _line(message: Message) -> bytes:
    try:
        return orjson.dumps(message, str, orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # numbers of more than 64 bits, texts that are not UTF-8
        return json.dumps(message, default=str).encode() + b"\n"


def _parse(line: bytes) -> Message:
    try:
        message = orjson.loads(line)
    except ValueError:
        raise ChannelError("not JSON") from None
    if not isinstance(message, dict):
        raise ChannelError("not a JSON object")
    return message
