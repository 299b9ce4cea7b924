"""Encodings that make text or sparse bytes of any bytes, decoded: what is inside is classified instead.

An encoding counts only where it is most of the payload (`MOST`), and where its alphabet is used as random bytes would
use it; the caller classifies the bytes inside.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable
from math import exp, sqrt
from typing import TYPE_CHECKING, Final, NamedTuple

from .alphabets import apart, digits_to_bytes, in_runs, is_text, share
from .digests import lists_digests, names_things, without_signatures
from .later import np
from .spelling import LEAST, MOST, SPELLINGS

if TYPE_CHECKING:
    import numpy.typing as npt

NESTED: Final = 3
"""Nested encodings that are decoded at most."""
USUAL: Final = 16
LISTED: Final = 4096
"""Values of an alphabet at least; words of a list at most."""
GLANCE: Final = 512
"""Bytes from which it shows that text is no list of words, and no groups of one length."""
NUMBER: Final = 6
"""Digits of a number in a base of letters and digits at least."""
SPELT: Final = 0.8
WRITTEN: Final = 768
"""Nats that it speaks for ciphertext when so many random bytes are written out as text: of 1200 benign flows five have
any inside. Fewer may be a key, a token or a signature; numbers of few values and lists of digests are as even."""


class Decoding(NamedTuple):
    """An encoding's name and the bytes that were inside."""

    name: str
    inner: bytes


def weight(found: Decoding, text: bytes) -> float:
    """Return the nats that the spelling of a text speaks for ciphertext, if what was found inside is noise."""
    weak = len(found.inner) < WRITTEN or found.name.endswith("-bit") or names_things(text)
    return 0.0 if weak else SPELT


def decode(data: bytes) -> Decoding | None:
    """Return the bytes that the most telling encoding of `data` has inside, or None.

    Text encodings may be broken into lines; around them may stand other text (JSON, headers); what is inside may be
    encoded again.
    """
    found: Decoding | None = None
    data = without_signatures(data)
    for _ in range(NESTED):
        inner = _once(data)
        if inner is None:
            break
        found = inner if found is None else Decoding(f"{inner.name} in {found.name}", inner.inner)
        data = inner.inner
        if not is_text(data):
            break
    return found if found is not None and not is_text(found.inner) else None


def _once(data: bytes) -> Decoding | None:
    if len(data) < LEAST:
        return None
    if data.count(b" ") * 12 > len(data):  # words with spaces between them, or digits
        digits = len(data) - len(data.translate(None, b"0123456789abcdefABCDEFx ,:;\r\n\t|.-[]\\\"'"))
        spelt = SPELLINGS[:5] if digits * 10 >= 9 * len(data) else SPELLINGS[5:7]
    else:
        spelt = SPELLINGS
    if lists_digests(data):
        return None
    for name, spell in spelt:
        inner = spell(data)
        if inner == b"":  # a list that holds nothing
            return None
        if inner is not None and len(inner) >= LEAST // 3:
            return Decoding(name, inner)
    groups = _even_groups(data)
    return _runs(b"".join(groups) or data) or _narrow(data) or _numbers(groups) or _words(data)


def _groups(text: bytes) -> list[bytes]:
    """The groups between blanks; where there are none, between the commonest mark."""
    groups = text.split()
    if len(groups) * 40 > len(text):
        return groups
    marks = text[:GLANCE].translate(None, _LETTERS + _LETTERS.lower() + _DIGITS)
    return text.split(max({*marks}, key=marks.count).to_bytes()) if marks else groups


def _even_groups(text: bytes) -> list[bytes]:
    """The groups of a text if nine of ten have the usual length, give or take one: no words of a language."""
    groups: list[bytes] = []
    for part in (text[:GLANCE], text):
        groups = _groups(part)
        sizes = [*map(len, groups)]
        usual = max({*sizes}, key=sizes.count, default=0)
        if len(groups) < 16 or sum(map(sizes.count, range(usual - 1, usual + 2))) * 10 < 9 * len(groups):
            return []
    return groups


def _numbers(groups: list[bytes]) -> Decoding | None:
    """Numbers of letters and digits in some base, apart from each other: the digits behind the first two, which are
    uneven."""
    joined = b"".join(groups)
    if not joined.isalnum() or len(joined) < NUMBER * len(groups):
        return None
    return _narrow(b"".join(group[2:] for group in groups))


def _words(text: bytes) -> Decoding | None:
    """Bytes written as words of a list: all of them are as frequent, where words of a language, names and keys are
    not."""
    for part in (text[: 4 * GLANCE], text):
        words = part.split()
        count = Counter(words)
        if not words or max(count.values()) > 4 * max(len(words) / len(count), 1):
            return None
    bits = (len(count) + 1).bit_length() - 1
    if not USUAL < len(count) <= LISTED or len(words) < 5 * len(count):
        return None
    mean = len(words) / len(count)
    if sum((number - mean) ** 2 for number in count.values()) / mean > _even(len(count)):
        return None
    places = {word: place for place, word in enumerate(sorted(count))}
    return Decoding("words", digits_to_bytes((places[word] for word in words), bits))


# --- alphabets --------------------------------------------------------------------------------------------------------


def _base32(text: bytes) -> bytes:
    return base64.b32decode(text[: len(text) // 8 * 8].upper())


def _base64(text: bytes) -> bytes:
    return binascii.a2b_base64(text[: len(text) // 4 * 4].replace(b"-", b"+").replace(b"_", b"/"))


def _base85(alphabet: bytes) -> Callable[[bytes], bytes]:
    place = {value: index for index, value in enumerate(alphabet)}

    def decode(text: bytes) -> bytes:
        out = bytearray()
        for at in range(0, len(text) - 4, 5):
            number = 0
            for byte in text[at : at + 5]:
                number = number * 85 + place[byte]
            if number < 1 << 32:
                out += number.to_bytes(4, "big")
        return bytes(out)

    return decode


_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS: Final = b"0123456789"
_A85: Final = bytes(range(33, 118))
_B85: Final = _DIGITS + _LETTERS + _LETTERS.lower() + b"!#$%&()*+-;<=>?@^_`{|}~"
_Z85: Final = _DIGITS + _LETTERS.lower() + _LETTERS + b".-:+=^!/*?&<>()[]{}@%$#"
_ALPHABETS: tuple[tuple[str, bytes, Callable[[bytes], bytes], int], ...] = (
    ("base32", _LETTERS + b"234567", _base32, 16),
    ("base32", _LETTERS.lower() + b"234567", _base32, 16),
    ("base64", _LETTERS + _LETTERS.lower() + _DIGITS + b"+/", _base64, 24),
    ("base64url", _LETTERS + _LETTERS.lower() + _DIGITS + b"-_", _base64, 24),
    ("ascii85", _A85, _base85(_A85), 24),
    ("base85", _B85, _base85(_B85), 24),
    ("z85", _Z85, _base85(_Z85), 24),
)
"""Name, alphabet, decoder, and characters of a run at least."""
_APART: Final = tuple(apart(alphabet) for _, alphabet, _, _ in _ALPHABETS)

_FOLD: Final = re.compile(rb"\n(?<=[!-~]{24}\n)|\r\n(?<=[!-~]{24}\r\n)")
"""The end of a full line: the line behind goes on. A word of other text in front would put what follows out of step."""
_GRAPHIC: Final = apart(bytes(range(33, 127)))
_RUN: Final = 16
"""What each run of an alphabet is a part of: so many characters at least that are not blank."""


def _runs(data: bytes) -> Decoding | None:
    """Undo a well-known alphabet whose characters are all used, as often as random ones."""
    folded = _FOLD.sub(b"", data) if data.count(b"\n") * 40 < len(data) * 2 else data
    if b"<~" in folded or b"zz" in folded:
        folded = folded.replace(b"<~", b"").replace(b"~>", b"")
    if in_runs(folded, _GRAPHIC, _RUN) < max(LEAST, MOST * len(folded)):
        return None
    candidates = []
    for (name, alphabet, decode, least), table in zip(_ALPHABETS, _APART, strict=True):
        if share(folded, alphabet) < MOST:
            continue
        runs = [run for run in folded.translate(table).split(b"\0") if len(run) >= least]
        total = sum(map(len, runs))
        if total >= LEAST and total >= MOST * len(folded):
            candidates.append((-(total * 50 // len(folded)), len(alphabet), name, alphabet, decode, runs))
    for _, _, name, alphabet, decode, runs in sorted(candidates, key=lambda candidate: candidate[:2]):
        spread = _spread(b"".join(runs), alphabet)
        if not spread and not name.startswith("base64"):
            continue
        inner = b"".join(map(decode, runs))
        if len(inner) >= LEAST // 2 and (spread or is_text(inner)):  # text inside is a proof too
            return Decoding(name, inner)
    return None


def _spread(text: bytes, alphabet: bytes) -> bool:
    """The text uses nearly all characters of an alphabet, and no part of them alone.

    Words of a language have few digits and capitals.
    """
    size, number = len(alphabet), len(text)
    expected = size * (1 - exp(-number / size))
    if len(set(text)) < (0.88 * expected if number < 20 * size else size):  # base 62 is not base64
        return False
    for part in (_DIGITS, _LETTERS, _LETTERS.lower()):
        own = len(set(part) & set(alphabet))
        share = (number - len(text.translate(None, part))) / number
        if own > 5 and not 0.6 * own / size <= share <= 1.6 * own / size:
            return False
    return True


def _narrow(data: bytes) -> Decoding | None:
    """Return bytes of 4 to 7 bits: an alphabet of 16 to 160 values, all equally frequent; their places put together.

    Which value stands for which bits does not matter to the question whether they are random. Of an alphabet whose size
    is no power of two the first values are taken alone: they are as random as all of them. Numbers written in blocks of
    digits (base 36, 45, 58, 62) have an uneven digit in each, which is left out.
    """
    if is_text(data) and data.count(b"\n") * 20 < len(data):
        data = data.replace(b"\r", b"").replace(b"\n", b"")
    usual, chi2 = _usual(data)
    if not USUAL <= len(usual) <= 160 or len(data) < 5 * len(usual) or chi2 > 0.3 * len(data):
        return None
    if chi2 > _even(len(usual)):
        even = _even_digits(data)
        if even is None:
            return None
        data = even
    bits = (len(usual) + 1).bit_length() - 1  # one value that was not seen does not halve the alphabet
    places = {value: place for place, value in enumerate(usual[: 1 << bits])}
    inner = digits_to_bytes((places.get(byte, 1 << bits) for byte in data), bits)
    return Decoding(f"{bits}-bit", inner)


def _counts(data: bytes) -> npt.NDArray[np.int64]:
    """How often each value of a byte occurs, shape (256,)."""
    return np.bincount(np.frombuffer(data, np.uint8), minlength=256)


def _usual(data: bytes) -> tuple[list[int], float]:
    """Return the values that nearly all of the data consists of, and chi-square of their being as frequent; of other
    data no values."""
    usual, often = _frequent(data)
    total = sum(often)
    if not often or total < 0.94 * len(data):
        return [], 0.0
    mean = total / len(often)
    return usual, sum([(count - mean) ** 2 for count in often]) / mean


def _frequent(data: bytes) -> tuple[list[int], list[int]]:
    """Return the values that occur a quarter as often as the mean at least, and how often each does."""
    if len(data) <= GLANCE:  # numpy need not be loaded for a short text
        values = sorted({*data})
        found = [(value, data.count(value)) for value in values]
        found = [(value, number) for value, number in found if 4 * len(values) * number > len(data)]
        return [value for value, _ in found], [number for _, number in found]
    counts = _counts(data)
    usual = np.flatnonzero(counts * (4 * int(np.count_nonzero(counts))) > len(data))
    return usual.tolist(), counts[usual].tolist()


def _even(number: int) -> float:
    """Chi-square that as many equally frequent values do not exceed."""
    return number + 6 * sqrt(2 * number)


def _even_digits(data: bytes) -> bytes | None:
    """Return the data without the digit of each block that is uneven, or None."""
    for block in range(3, 17):
        columns = [data[start::block] for start in range(block)]
        worst = max(columns, key=lambda column: int((_counts(column) ** 2).sum()))
        columns.remove(worst)
        rest = b"".join(columns)
        usual, chi2 = _usual(rest)
        if usual and chi2 <= _even(len(usual)):
            return rest
    return None
