"""Patterns by what must be in a text that they match: of thousands, only those whose literal is there are tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

#: lengths of the pieces that are looked up; of a literal, one piece of the longest that fits
_SIZES: Final = (16, 8, 4, 2, 1)
#: looking a piece up costs about a fourth of asking a rule
_PIECES_A_RULE: Final = 4
#: beside upper case, what regular expressions take for an ASCII letter where case does not count
_LETTERS: Final = str.maketrans({"\u0130": "i", "\u0131": "i", "\u017f": "s", "\u212a": "k"})


def fold(text: str) -> str:
    """Return the text with upper and lower case alike."""
    return text.lower() if text.isascii() else text.translate(_LETTERS).lower()


class Literals:
    """Rules by number, each with texts of which one is in whatever it matches; an empty one is in every text."""

    def __init__(self, literals: Iterable[tuple[int, tuple[str, ...]]]) -> None:
        entries = [(number, fold(_ascii_part(text))) for number, texts in literals for text in texts]
        often = Counter(piece for _, text in entries for piece in set(_pieces(text)))
        self._always = [number for number, text in entries if not text]
        self._numbers = sorted({number for number, _ in entries})
        self._found: dict[str, list[int]] = {}
        for number, text in entries:
            if text:
                rarest = min(_pieces(text), key=often.__getitem__)
                self._found.setdefault(rarest, []).append(number)
        self._sizes = sorted({len(piece) for piece in self._found})

    def find(self, text: str) -> list[int]:
        """Return the numbers of the rules that may match the text, in any order."""
        length = len(text)
        if length * len(self._sizes) > _PIECES_A_RULE * len(self._numbers):
            return self._numbers
        text, found, known = fold(text), list(self._always), self._found
        length = len(text)
        for size in self._sizes:
            for at in range(length - size + 1):
                numbers = known.get(text[at : at + size])
                if numbers is not None:
                    found += numbers
        return found


def _pieces(text: str) -> list[str]:
    size = next((size for size in _SIZES if size <= len(text)), 1)
    return [text[at : at + size] for at in range(len(text) - size + 1)]


def _ascii_part(text: str) -> str:
    """Return the longest part of a literal in which case is a matter of ASCII alone."""
    return max("".join(char if char.isascii() else "\n\n" for char in text).split("\n\n"), key=len)
