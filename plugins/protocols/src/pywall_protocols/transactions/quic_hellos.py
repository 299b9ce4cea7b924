"""QUIC: every ClientHello of a flow, wherever it comes: behind a Retry or a HelloRetryRequest, or of another connection
on the same ports.

A client's Initials are opened with the keys that anybody can derive, however they are cut, ordered and joined. What a
server could read and nobody here can is ambiguous: an Initial that no key opens, pieces of a hello that differ, and a
server's handshake packet behind no hello that was read.

:source: RFC 9000 sections 7.2 (connection ids), 12.2 (several packets in a datagram), 17.2; RFC 9001 section 4.7
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, final

from pywall_core.api import Ambiguous, Flow, HandOver, Transaction

from ..parsing import ciphers, client_hello, quic_chlo, quic_initial
from ..parsing.quic_header import HANDSHAKE, Header, packet_type, packets, version_name
from ..parsing.wire import u24
from .saving import Saved

#: Connections whose keys are kept, and bytes of hellos that are not complete.
_MOST_OPENINGS: Final = 16
_MOST_HELD: Final = 20000
#: Bytes of a client behind which no hello is waited for: the facts are those that are known.
_MOST_SILENT: Final = 32768
Found = Transaction | HandOver | Ambiguous


class Opening(NamedTuple):
    """A connection that a client opens: the id that its keys are made of, its own id, the highest number of a packet,
    how many bytes of its CRYPTO stream were read, the pieces behind them, and whether a hello was complete.
    """

    key: bytes
    own: bytes
    largest: int
    done: int
    pieces: quic_initial.Pieces
    said: bool


@final
class QuicHellos(Saved):
    """The parser of one flow: a transaction for each ClientHello.

    ``over`` once the keys are agreed, where no rule asks its facts.
    """

    __slots__ = (
        "_began", "_foreign", "_name", "_openings", "_silent", "_strict", "asked", "confirmed", "has_transactions",
        "number", "over",
    )  # fmt: skip

    def __init__(self, *, strict: bool = True) -> None:
        self.confirmed = self.over = False
        self.has_transactions = True
        #: facts that rules ask
        self.asked: frozenset[str] = frozenset()
        self.number = 0
        #: the flow was seen from its beginning on
        self._strict = strict
        #: the last ones last
        self._openings: tuple[Opening, ...] = ()
        self._began = False
        #: server name of the last hello
        self._name = ""
        #: the version of an Initial that cannot be read, and bytes without a hello
        self._foreign = 0
        self._silent = 0

    def state_names(self) -> tuple[str, ...]:
        return "confirmed", "over", "number", "_strict", "_openings", "_began", "_name", "_foreign", "_silent"

    def load(self, saved: Any) -> None:
        """Take a state."""
        super().load(saved)
        self._openings = tuple([_checked(opening) for opening in self._openings])

    def copy(self) -> QuicHellos:
        """Return a parser in the same state."""
        other = QuicHellos(strict=self._strict)
        other.confirmed, other.over, other.asked, other.number = self.confirmed, self.over, self.asked, self.number
        other._openings, other._began, other._name = self._openings, self._began, self._name
        other._foreign, other._silent = self._foreign, self._silent
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Found]:
        """Read a datagram."""
        found: list[Found] = []
        if data[0] >= 0x80:
            several, more = packets(data)
            if more and self._strict:
                found.append(Ambiguous("packets"))
            for packet, header in several:
                if not to_server:
                    self._answer(packet, header, found)
                elif header.initial and not self._initial(packet, header, found):
                    break  # ambiguous as it is: more such packets would each be tried with all keys
        if to_server and not self._began:
            self._silent += len(data)
            if self._silent > _MOST_SILENT:
                self._tell({}, found)
        return found

    def gap(self, to_server: bool, size: int) -> bool:
        """Datagrams have no order."""
        return True

    def finish(self) -> Sequence[Transaction]:
        """Each was complete at once."""
        return ()

    def _tell(self, facts: dict[str, Any], found: list[Found], anomaly: str = "") -> None:
        found.append(Transaction(self.number, facts, True, anomaly))
        self.number += 1
        self._began = True

    def _initial(self, packet: bytes, header: Header, found: list[Found]) -> bool:
        """Read an Initial. Return False where no key opens it."""
        if not quic_initial.is_readable(header.version):
            self._foreign = header.version
            return True
        for opening in (None, *reversed(self._openings)):
            key, largest = (header.dcid, -1) if opening is None else (opening.key, opening.largest)
            if opening is None and any(known.key == key for known in self._openings):
                continue
            opened = quic_initial.open_initial(packet, header, key, largest)
            if opened is None:
                continue
            frames, right = quic_initial.crypto_frames(opened[0], header.version)
            if not right:
                found.append(Ambiguous("frame"))
            known = Opening(key, header.scid, -1, 0, (), False) if opening is None else opening
            self._keep(self._read(known._replace(largest=max(largest, opened[1])), header, frames, found), found)
            return True
        if self._strict:
            found.append(Ambiguous("unreadable"))
        return False

    def _keep(self, opening: Opening, found: list[Found]) -> None:
        """Remember an opening as the last one. One that has said all makes room for it."""
        others = [other for other in self._openings if other.key != opening.key]
        if len(others) >= _MOST_OPENINGS:
            oldest = next((at for at, other in enumerate(others) if other.said), 0)
            if not others.pop(oldest).said:
                found.append(Ambiguous("openings"))
        self._openings = (*others, opening)

    def _read(self, opening: Opening, header: Header, frames: list[tuple[int, bytes]], found: list[Found]) -> Opening:
        """Return the opening with the data of CRYPTO frames; tell the hellos that they complete."""
        done, pieces = opening.done, opening.pieces
        held = sum([len(piece) for other in self._openings if other.key != opening.key for _, piece in other.pieces])
        for offset, data in frames:
            if offset + len(data) <= done or not data:
                continue
            at = max(offset, done)
            added = quic_initial.add_piece(pieces, at - done, data[at - offset :])
            if added is None or held + sum([len(piece) for _, piece in added]) > _MOST_HELD:
                found.append(Ambiguous("pieces"))
                continue
            pieces = added
        said = opening.said
        while pieces and pieces[0][0] == 0:
            size = self._hello(pieces[0][1], header, found)
            if not size:
                break
            rest = pieces[0][1][size:]
            later = tuple([(at - size, piece) for at, piece in pieces[1:]])
            pieces, done, said = ((0, rest), *later) if rest else later, done + size, True
        return opening._replace(done=done, pieces=pieces, said=said)

    def _hello(self, data: bytes, header: Header, found: list[Found]) -> int:
        """Tell the hello that data begin with. Return its length, 0 where it is not all there."""
        if data[:4] == quic_chlo.TAG:
            size = quic_chlo.length(data)
            facts = quic_chlo.facts(data) if size else {}
        else:
            size = 4 + u24(data, 1) if len(data) >= 4 else 0
            if size > quic_initial.LONGEST_HELLO or data[0] != 1:
                found.append(Ambiguous("hello"))
                return 0
            if len(data) < size or not size:
                return 0
            hello = client_hello.read(data[:size][4:], "q")
            if hello is None:
                found.append(Ambiguous("hello"))
                return 0
            facts = hello[1]
        if not size:
            return 0
        facts = {"version": version_name(header.version) or "", **facts}
        name = facts.get("sni", "")
        changed = self._began and name != self._name
        if changed:
            facts["sni_changed"] = True
        self._name = name
        self._tell(facts, found, "sni_changed" if changed else "")
        return size

    def _answer(self, packet: bytes, header: Header, found: list[Found]) -> None:
        """Read a packet of the server's."""
        if not header.version:
            return
        opening = next((one for one in reversed(self._openings) if one.own == header.dcid), None)
        self.confirmed = self.confirmed or any(_proves(packet, header, one) for one in self._openings)
        if not quic_initial.is_readable(header.version):
            if header.version == self._foreign and not self._began:  # it speaks what nobody here can read
                self._tell({"version": version_name(header.version) or f"0x{header.version:08x}"}, found)
        elif packet_type(packet, header) == HANDSHAKE:
            if opening is not None and opening.said:
                self.over = not self.asked
            elif self._strict:
                found.append(Ambiguous("unseen_hello"))


def _proves(packet: bytes, header: Header, opening: Opening) -> bool:
    """Return True if a packet of the server is for a client that opened a connection; an Initial must open as well."""
    if opening.own != header.dcid:
        return False
    if not header.initial or not quic_initial.is_readable(header.version):
        return True
    return quic_initial.open_initial(packet, header, opening.key, by_server=True) is not None


def _checked(opening: Any) -> Opening:
    """Return an opening that another process has handed over.

    :raises ValueError: it is none
    """
    match opening:
        case (bytes(), bytes(), int(), int(), tuple(), bool()) if opening[3] >= 0 and opening[2] >= -1:
            if all(_is_piece(piece) for piece in opening[4]):
                return Opening(*opening)
    raise ValueError("no opening of a connection")


def _is_piece(piece: Any) -> bool:
    match piece:
        case (int(offset), bytes()):
            return offset >= 0
    return False


def follow(flow: Flow) -> QuicHellos | None:
    """Return the parser of a flow that was detected as QUIC; None where Initials cannot be opened."""
    return QuicHellos(strict=not flow.midstream) if ciphers.AVAILABLE else None
