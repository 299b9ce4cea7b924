"""What the first message of a stream says about where it ends, and heads that announce ciphertext.

TCP has no messages: whoever sends one mostly tells its length, ends it with a mark, begins it with a type, writes text,
or has a serialiser that knows the end. What is left are numbers of a size that both sides know, as keys are.
Tunnels that hide everything (Shadowsocks, VMess, obfs4 and their like) hide the length too, so their first message is
noise from its first byte. A datagram ends by itself, and a full segment may be part of a file: both say nothing.
"""

from __future__ import annotations

from .serialised import is_serialised

SHORTEST, LONGEST = 96, 1000
"""Bytes of a first message that counts: fewer may be a token or a key, more a part of a file."""
BARE = 1.6
"""Nats that it speaks for ciphertext: of 288 first messages of benign kinds 14 are bare, and none of those is noise."""
HEADER = 8
"""Bytes of a header in which a length is looked for."""
_KEYS = (32, 48, 64, 96, 128, 256, 384, 512)
"""Bytes of the usual keys, random numbers and signatures."""
_HEAD, _ANSWER = 12, 64
"""Bytes of a header before one, and of what may follow as its proof, at most."""
_EXCHANGED = 600
"""Bytes of an exchange at most, both sides, proofs among them: two keys of 2048 bits, or a signature of 4096 bits."""
_BESIDE, _BESIDE_BYTE = 16, 4
"""Bytes of a message that its length may leave out; and that a length of one byte may, behind itself."""
_TEXT = 6
"""Characters of text at the start that say so."""
_PRINTABLE = frozenset((9, 10, 13, *range(32, 127)))
_ENDS = b"\0\n"
SEALED = 1.6
"""Nats that a head speaks for ciphertext which says that ciphertext follows."""
_SEALS = (b"Salted__", b"LUKS\xba\xbe", b"age-encryption.org/v1\n")
_ZIP = b"PK\3\4"


def is_bare(message: bytes) -> bool:
    """Return True if nothing in the first message of a stream tells its end: no length in the first bytes, no zero
    there, no text, no mark at the end, no message of a serialiser; and it has not the size of a key.
    """
    size = len(message)
    if not SHORTEST <= size <= LONGEST or message[-1] in _ENDS or 0 in message[:HEADER] or size in _KEYS:
        return False
    if all(byte in _PRINTABLE for byte in message[:_TEXT]):
        return False
    return not any(_tells(message, offset, size) for offset in range(HEADER)) and not is_serialised(message)


def is_exchange(client: list[int], server: list[int]) -> bool:
    """Return True while two sides have sent no more noise, in messages of these sizes, than an exchange of keys or a
    challenge and its answer: one message each, of the size of a key or close to one that is, and a short proof.

    Both are noise whatever comes behind: the second of them says nothing that the first has not said.
    """
    if not client or not server or sum(client[1:]) > _ANSWER or sum(server[1:]) > _ANSWER:
        return False
    if sum(client) + sum(server) > _EXCHANGED:
        return False
    keys = _holds_key(client[0]) + _holds_key(server[0])
    return keys == 2 or (keys == 1 and abs(client[0] - server[0]) <= 2 * _HEAD)


def _holds_key(size: int) -> bool:
    return any(0 <= size - key <= _HEAD for key in _KEYS)


def is_sealed(payload: bytes) -> bool:
    """Return True for the head of what says itself that it is encrypted: OpenSSL's `enc`, LUKS, age, or a zip whose
    first entry has the flag (APPNOTE 4.4.4, bit 0).
    """
    return payload.startswith(_SEALS) or (payload.startswith(_ZIP) and len(payload) > 30 and payload[6] & 1 == 1)


def _tells(message: bytes, offset: int, size: int) -> bool:
    """A number of 1 or 2 bytes, in either order or of seven bits each, at `offset` is the size of the message."""
    first, second = message[offset], message[offset + 1]
    sizes = [first << 8 | second, second << 8 | first]
    if first > 127 and 0 < second < 128:
        sizes.append(first & 127 | second << 7)
    if offset < 3 and size - offset - 1 - _BESIDE_BYTE <= first <= size:
        return True
    return any(size - _BESIDE <= told <= size for told in sizes)
