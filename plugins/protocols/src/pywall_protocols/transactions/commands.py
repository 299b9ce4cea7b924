"""Redis commands and MQTT packets: what a client asks for, each a transaction.

:source: Redis serialization protocol specification; MQTT 3.1.1 and 5.0 (OASIS) sections 2 and 3
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, final

from pywall_core.api import Ambiguous, HandOver, Transaction

from ..parsing.wire import cut, text, u16
from .frames import READ, FrameReader
from .line_reader import LineReader
from .pairs import Found, Step
from .saving import Saved

#: Arguments of a Redis command that are kept, the command among them.
_MOST_ARGUMENTS: Final = 64
_LONGEST_ARGUMENT: Final = 1024
#: one word of an inline command, as Redis reads it: quoted, in apostrophes, or plain
_word = re.compile(rb'\s*(?:"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'|(\S+))', re.DOTALL).match
_escape = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_CONTROLS: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}
#: Bytes of SUBSCRIBE, UNSUBSCRIBE and CONNECT that are read; of others, less.
_LONGEST_MQTT: Final = 65536
_PUBLISH: Final = 3
_array = re.compile(rb"\*(-?\d{1,9})\Z").match
_bulk = re.compile(rb"\$(-?\d{1,10})\Z").match
_PACKETS: Final = ("", "connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp", "subscribe", "suback",
                   "unsubscribe", "unsuback", "pingreq", "pingresp", "disconnect", "auth")  # fmt: skip


@final
class RedisTransactions(Saved):
    """Each command with its first arguments, as it was sent; replies are not read.

    Redis takes the two bytes behind an argument for its end, whatever they are, and other servers do not: what is
    not written as the specification has it is ambiguous.
    """

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
        #: bytes of the end behind an argument that still come
        self._ends = 0

    def state_names(self) -> tuple[str, ...]:
        return (
            "_lines",
            "_number",
            "_missing",
            "_arguments",
            "_left",
            "_argument",
            "_ends",
        )

    def copy(self) -> RedisTransactions:
        """Return a parser in the same state."""
        other = RedisTransactions()
        other._lines, other._number, other._missing = self._lines.copy(), self._number, self._missing
        other._arguments, other._left, other._argument = self._arguments, self._left, self._argument
        other._ends = self._ends
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Step]:
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
                    self._ends = 2
                    self._end_argument(found)
                continue
            if self._ends:
                if data[at : at + 1] != (b"\r" if self._ends == 2 else b"\n"):
                    found.append(Ambiguous("argument_end"))
                self._ends -= 1
                at += 1
                continue
            line, at = self._lines.read(data, at)
            if self._lines.is_cut:
                found.append(Ambiguous("long_line"))
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
                found.append(Ambiguous("length"))
            elif not self._left:
                self._ends = 2
                self._end_argument(found)
            return
        array = _array(line)
        if array is not None:
            self._missing, self._arguments = max(0, int(array[1])), ()
        else:
            if line[:1] in (b"*", b"$") or b"\r" in line or b"\0" in line:
                found.append(Ambiguous("line"))
            self._give(_words(line), found)

    def _end_argument(self, found: Found) -> None:
        if len(self._arguments) < _MOST_ARGUMENTS:
            self._arguments = (*self._arguments, self._argument)
        elif len(self._arguments) == _MOST_ARGUMENTS and self._missing == 1:
            found.append(Ambiguous("arguments", ("arguments",)))
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


def _words(line: bytes) -> tuple[bytes, ...]:
    """Return the words of an inline command."""
    words: list[bytes] = []
    at = 0
    while len(words) < _MOST_ARGUMENTS and (found := _word(line, at)) is not None:
        at = found.end()
        if found[1] is not None:
            words.append(_escape.sub(_unescape, found[1]))
        else:
            words.append(found[3] if found[2] is None else found[2].replace(b"\\'", b"'"))
    return tuple(words)


def _unescape(found: re.Match[bytes]) -> bytes:
    if found[1] is not None:
        return bytes((int(found[1], 16),))
    return _CONTROLS.get(found[2], found[2])


def _mqtt_size(data: bytes) -> int:
    """Section 2.2.3: a type, and up to four bytes of length."""
    length = shift = 0
    for at, byte in enumerate(data[1:5], 1):
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return 1 + at + length if data[0] >> 4 else -1
    return -1 if len(data) >= 5 else 0


def _mqtt_limit(first: int) -> int:
    return READ if first >> 4 == _PUBLISH else _LONGEST_MQTT  # of PUBLISH the topic alone


def _is_open(packet: bytes) -> bool:
    """Whether what is asked for stands partly behind what was read of a packet."""
    return packet[0] >> 4 != _PUBLISH or u16(packet, _varint(packet, 1)[1]) > READ - 8


@final
class MqttTransactions(Saved):
    """Each CONNECT, PUBLISH, SUBSCRIBE and UNSUBSCRIBE of the client; the others change no facts."""

    def __init__(self) -> None:
        self.confirmed = self.over = False
        self.has_transactions = True
        self._sides = (FrameReader(_mqtt_size), FrameReader(_mqtt_size, _mqtt_limit))
        self._number = 0
        self._version = 4

    def state_names(self) -> tuple[str, ...]:
        return (
            "_sides",
            "_number",
            "_version",
        )

    def copy(self) -> MqttTransactions:
        """Return a parser in the same state."""
        other = MqttTransactions()
        other._sides = (self._sides[0].copy(), self._sides[1].copy())
        other._number, other._version = self._number, self._version
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Step]:
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
            if (
                to_server
                and reader.is_cut
                and (facts.get("type") != "publish" or u16(packet, _varint(packet, 1)[1]) > READ)
            ):
                found.append(Ambiguous("long_packet"))
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
        at = _varint(packet, 1)[1]
        if kind == "connect":
            return self._connect(packet, at)
        if kind == "publish":
            return {"type": kind, "publish.topic": text(_string(packet, at)[0])}
        if kind not in ("subscribe", "unsubscribe"):
            return {}
        at += 2
        if self._version == 5 and at < len(packet):
            at = _behind_properties(packet, at)
        topics: dict[str, None] = {}
        while at + 2 <= len(packet):
            topic, at = _string(packet, at)
            topics[text(topic)] = None
            at += kind == "subscribe"
        return {"type": kind, f"{kind}.topics": list(topics)}

    def _connect(self, packet: bytes, at: int) -> dict[str, Any]:
        _, at = _string(packet, at)
        if at + 4 > len(packet):
            return {}
        self._version, flags = packet[at] & 0x7F, packet[at + 1]
        at += 4
        if self._version == 5:
            at = _behind_properties(packet, at)
        facts: dict[str, Any] = {"type": "connect", "connect.protocol_version": self._version}
        client_id, at = _string(packet, at)
        facts["connect.client_id"] = text(client_id)
        if flags & 4:
            if self._version == 5:
                at = _behind_properties(packet, at)
            _, at = _string(packet, at)
            _, at = _string(packet, at)
        if flags & 0x80:
            facts["connect.username"] = text(_string(packet, at)[0])
        return facts


def _varint(packet: bytes, at: int) -> tuple[int, int]:
    """Return the number of up to four bytes at ``at``, and the offset behind it (section 1.5.5)."""
    value = 0
    for shift in (0, 7, 14, 21):
        if at >= len(packet):
            break
        byte = packet[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            break
    return value, at


def _behind_properties(packet: bytes, at: int) -> int:
    size, at = _varint(packet, at)
    return at + size


def _string(packet: bytes, at: int) -> tuple[bytes, int]:
    """Return the string at ``at`` (two bytes of length before it), and the offset behind it."""
    if at + 2 > len(packet):
        return b"", len(packet)
    end = at + 2 + u16(packet, at)
    return cut(packet, at + 2, end), end
