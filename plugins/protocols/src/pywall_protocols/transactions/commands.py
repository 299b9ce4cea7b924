"""Redis commands and MQTT packets: what a client asks for, each a transaction.

:source: Redis serialization protocol specification; MQTT 3.1.1 and 5.0 (OASIS) sections 2 and 3
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, final

from pywall_core.api import HandOver, Transaction

from ..parsing.wire import cut, text, u16
from .frames import FrameReader
from .lines import LineReader
from .pairs import Found

#: Arguments of a Redis command that are kept: the key, and what may follow it.
_MOST_ARGUMENTS: Final = 8
_LONGEST_ARGUMENT: Final = 4096
_array = re.compile(rb"\*(-?\d{1,9})\Z").match
_bulk = re.compile(rb"\$(-?\d{1,10})\Z").match
_PACKETS: Final = ("", "connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp", "subscribe", "suback",
                   "unsubscribe", "unsuback", "pingreq", "pingresp", "disconnect", "auth")  # fmt: skip


@final
class RedisTransactions:
    """Each command with its first arguments, as it was sent; replies are not read."""

    def __init__(self) -> None:
        self.confirmed = self.over = False
        self.has_transactions = True
        self._lines = LineReader()
        self._number = 0
        #: arguments of the command that still come, those that came, and bytes of the present one that still come
        self._missing = 0
        self._arguments: tuple[bytes, ...] = ()
        self._left = -1
        self._argument = b""

    def copy(self) -> RedisTransactions:
        """Return a parser in the same state."""
        other = RedisTransactions()
        other._lines, other._number, other._missing = self._lines.copy(), self._number, self._missing
        other._arguments, other._left, other._argument = self._arguments, self._left, self._argument
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Transaction | HandOver]:
        """Read the next bytes of the client."""
        found: Found = []
        at = 0
        while to_server and at < len(data):
            if self._left >= 0:
                part = data[at : at + self._left]
                self._argument += part[: _LONGEST_ARGUMENT - len(self._argument)]
                self._left -= len(part)
                at += len(part)
                if not self._left:
                    self._end_argument(found)
                continue
            line, at = self._lines.read(data, at)
            if line:
                self._line(line, found)
        return found

    def gap(self, to_server: bool, size: int) -> bool:
        """Replies are not read."""
        return not to_server

    def finish(self) -> Sequence[Transaction]:
        """Return nothing: a command is complete when it is found."""
        return ()

    def _line(self, line: bytes, found: Found) -> None:
        if self._missing:
            bulk = _bulk(line)
            self._left = max(0, int(bulk[1])) if bulk is not None else -1
            if bulk is None:
                self._missing = 0
            elif not self._left:
                self._end_argument(found)
            return
        array = _array(line)
        if array is not None:
            self._missing, self._arguments = max(0, int(array[1])), ()
        else:
            self._give(tuple(line.split()[:_MOST_ARGUMENTS]), found)

    def _end_argument(self, found: Found) -> None:
        if len(self._arguments) < _MOST_ARGUMENTS:
            self._arguments = (*self._arguments, self._argument)
        self._argument, self._left = b"", -1
        self._missing -= 1
        if not self._missing:
            self._give(self._arguments, found)

    def _give(self, fields: tuple[bytes, ...], found: Found) -> None:
        if not fields:
            return
        facts: dict[str, Any] = {"command": text(fields[0].upper())}
        if len(fields) > 1 and facts["command"] not in ("AUTH", "HELLO"):
            facts["arguments"] = [text(word) for word in fields[1:]]
        found.append(Transaction(self._number, facts, True))
        self._number += 1


def _mqtt_size(data: bytes) -> int:
    """Section 2.2.3: a type, and up to four bytes of length."""
    length = shift = 0
    for at, byte in enumerate(data[1:5], 1):
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return 1 + at + length if data[0] >> 4 else -1
    return -1 if len(data) >= 5 else 0


@final
class MqttTransactions:
    """Each CONNECT, PUBLISH, SUBSCRIBE and UNSUBSCRIBE of the client; the others change no facts."""

    def __init__(self) -> None:
        self.confirmed = self.over = False
        self.has_transactions = True
        self._sides = (FrameReader(_mqtt_size), FrameReader(_mqtt_size))
        self._number = 0
        self._version = 4

    def copy(self) -> MqttTransactions:
        """Return a parser in the same state."""
        other = MqttTransactions()
        other._sides = (self._sides[0].copy(), self._sides[1].copy())
        other._number, other._version = self._number, self._version
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Transaction | HandOver]:
        """Read the next bytes of a direction."""
        found: Found = []
        reader = self._sides[to_server]
        at = 0
        while at < len(data):
            packet, at = reader.read(data, at)
            if packet is None:
                if reader.broken:
                    rest = reader.rest
                    found.append(HandOver(rest if to_server else b"", b"" if to_server else rest, False))
                return found
            facts = self._facts(packet)
            if facts and to_server:
                found.append(Transaction(self._number, facts, True))
                self._number += 1
        return found

    def gap(self, to_server: bool, size: int) -> bool:
        """Missing bytes are harmless where they would have been passed over."""
        return self._sides[to_server].skip(size)

    def finish(self) -> Sequence[Transaction]:
        """Return nothing: a packet is complete when it is found."""
        return ()

    def _facts(self, packet: bytes) -> dict[str, Any]:
        kind = _PACKETS[packet[0] >> 4]
        at = 1
        while packet[at] & 0x80 and at < 4:
            at += 1
        at += 1
        if kind == "connect":
            return self._connect(packet, at)
        if kind == "publish":
            return {"type": kind, "publish.topic": text(_string(packet, at)[0])}
        if kind not in ("subscribe", "unsubscribe"):
            return {}
        at += 2
        if self._version == 5 and at < len(packet):
            at += 1 + packet[at]  # properties; a longer list than 127 bytes is not read
        topics: list[str] = []
        while at + 2 <= len(packet) and len(topics) < 16:
            topic, at = _string(packet, at)
            topics.append(text(topic))
            at += kind == "subscribe"
        return {"type": kind, f"{kind}.topics": topics}

    def _connect(self, packet: bytes, at: int) -> dict[str, Any]:
        _, at = _string(packet, at)
        if at + 4 > len(packet):
            return {}
        self._version, flags = packet[at] & 0x7F, packet[at + 1]
        at += 4
        if self._version == 5 and at < len(packet):
            at += 1 + packet[at]
        facts: dict[str, Any] = {"type": "connect", "connect.protocol_version": self._version}
        client_id, at = _string(packet, at)
        facts["connect.client_id"] = text(client_id)
        if flags & 4 and self._version < 5:
            _, at = _string(packet, at)
            _, at = _string(packet, at)
        if flags & 0x80 and not (flags & 4 and self._version == 5):
            facts["connect.username"] = text(_string(packet, at)[0])
        return facts


def _string(packet: bytes, at: int) -> tuple[bytes, int]:
    """Return the string at ``at`` (two bytes of length before it), and the offset behind it."""
    if at + 2 > len(packet):
        return b"", len(packet)
    end = at + 2 + u16(packet, at)
    return cut(packet, at + 2, end), end
