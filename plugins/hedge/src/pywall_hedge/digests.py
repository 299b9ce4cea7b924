"""Digests, identifiers and signatures in text: names of things, in which nobody sends anything."""

from __future__ import annotations

import base64
import re
import string
from typing import Final

from .alphabets import HEXADECIMAL, apart, in_runs, is_text, share
from .blocks import KEYS, ssh_keys

_HEX_TOKEN: Final = re.compile(rb"[0-9A-Fa-f]{16,}")
_DIGEST: Final = frozenset((16, 24, 32, 35, 36, 40, 48, 56, 64, 96, 128))
"""Hexadecimal digits of identifiers and digests, 64 to 512 bits; 35 are of SHA-1 behind five that were asked for."""
_TOKEN_64: Final = re.compile(rb"(?<![A-Za-z0-9+/=])(?:AAAA[A-Za-z0-9+/]{20,}|[A-Za-z0-9+/.]{20,})={0,2}")
_DIGEST_64: Final = frozenset((27, 28, 43, 44, 53, 86, 88))
"""Characters of base64 of 160, 256 and 512 bits, and of bcrypt's salt and hash."""
_KEY_REST: Final = 0.01
"""Share of what is no key in lines of the longest keys: the name of the type and a comment."""
_KEYS: Final = 2 * KEYS
"""Bytes of text that may be nothing but lines of public keys."""
_UUID: Final = re.compile(rb"([0-9A-Fa-f]{8})-([0-9A-Fa-f]{4})-([0-9A-Fa-f]{4})-([0-9A-Fa-f]{4})-([0-9A-Fa-f]{12})")
_APART: Final = re.compile(rb"[^A-Za-z0-9+/_-]+")
_IN_TOKEN_64: Final = apart(string.ascii_letters.encode() + string.digits.encode() + b"+/.")
_NO_LETTERS: Final = bytes(byte for byte in range(256) if not chr(byte).isalpha() or byte > 127)
_REST: Final = 0.05
"""Share of other text beside digests that makes them names of things."""
_WEB_TOKEN: Final = re.compile(
    rb"(?<![A-Za-z0-9_.-])(eyJ[A-Za-z0-9_-]{8,})\.(eyJ[A-Za-z0-9_-]{8,})\.([A-Za-z0-9_-]{42,684})"
)


def lists_digests(text: bytes) -> bool:
    """Return True for digests in a list of names (sums of files, identifiers), UUIDs with their hyphens among them.

    They stand for things, nobody sends anything in them.
    """
    if share(text, HEXADECIMAL) <= 0.5:
        return _lists_base64(text)
    whole, uuids = _UUID.subn(rb"\1\2\3\4\5", text) if b"-" in text else (text, 0)
    if uuids and len(_HEX_TOKEN.sub(b"", whole).translate(None, _NO_LETTERS)) >= _REST * len(text):
        text = whole
    tokens = _HEX_TOKEN.findall(text)
    total = sum(map(len, tokens))
    inner = tokens[1:][:-1] or tokens
    return {*map(len, inner)} <= _DIGEST and 2 * total > len(text) and total < (1 - _REST) * len(text)


def names_things(text: bytes) -> bool:
    """Return True for nothing but digests and identifiers, one behind the other with marks between them."""
    tokens = _APART.split(_UUID.sub(rb"\1\2\3\4\5", text))
    inner = [token for token in tokens[1:][:-1] if token]
    if len(inner) < 2:
        return False
    sizes = {*map(len, inner)}
    return len(sizes) <= 2 and (sizes <= _DIGEST or sizes <= _DIGEST_64)


def _lists_base64(text: bytes) -> bool:
    """Return True for digests in base64 in lines of names; public keys of SSH, which begin with the length of their
    type's name, may be among them, or all that there is."""
    if in_runs(text, _IN_TOKEN_64, 20) < 5 * 20:
        return False
    found = _TOKEN_64.findall(text)[:-1]
    tokens = [token for token in found[1:] if not token.startswith(b"AAAA")]
    if found and not tokens and all(map(_is_ssh_key, found)):
        return len(text) < _KEYS and in_runs(text, _IN_TOKEN_64, 20) < (1 - _KEY_REST) * len(text)
    total = sum(map(len, tokens))
    return len(tokens) > 2 and {*map(len, tokens)} <= _DIGEST_64 and total < (1 - 2 * _REST) * len(text)


def _is_ssh_key(token: bytes) -> bool:
    letters = token.translate(None, b"=.")
    return ssh_keys(base64.b64decode(letters[: len(letters) - (len(letters) % 4 == 1)] + b"=="))


def without_signatures(text: bytes) -> bytes:
    """Return text with what JSON web tokens say in their place, without their signatures."""
    return _WEB_TOKEN.sub(_claims, text) if b"eyJ" in text else text


def _claims(token: re.Match[bytes]) -> bytes:
    """Return what a JSON web token says, without its signature (RFC 7519; RFC 7515), which is no longer than three
    times the rest; the token itself if it is none."""
    parts = [_base64url(part) for part in token.groups()[:2]]
    if not all(part.endswith(b"}") and is_text(part) for part in parts) or b'"alg"' not in parts[0]:
        return token[0]
    return token[0] if len(token[3]) > 3 * (len(token[1]) + len(token[2])) else b"".join(parts)


def _base64url(part: bytes) -> bytes:
    """Decode base64 of RFC 4648 section 5; of a part that was cut off one character may be left over."""
    return base64.urlsafe_b64decode(part[: len(part) - (len(part) % 4 == 1)] + b"=" * (-len(part) % 4 % 3))
