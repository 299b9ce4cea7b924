"""Plain technical English: no word of CONTRIBUTING.md's list stands in code, comments, messages or pages.

Not searched: decisions (a record of their time), change logs, licences, captures and the data of tests.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "CONTRIBUTING.md"
_TABLE = re.compile(r"<!-- words to avoid -->\n(.*?)<!-- end -->", re.DOTALL)
_SEARCHED = ("pywall_core", "plugins/*/src", "plugins/*/README.md", "examples", "docs", "README.md")
_SUFFIXES = frozenset({".py", ".md", ".txt", ".yaml", ".json", ".toml"})
#: a protocol's own words
_TFTP_MODES = "netascii|octet|mail"
#: folders that hold what others wrote, or what was made
_SKIPPED = frozenset({"decisions", "_build", "page", "tests", "__pycache__"})


def words() -> dict[str, str]:
    """Return what to say instead, by the word to avoid."""
    table = _TABLE.search(GUIDE.read_text(encoding="utf-8"))
    assert table, "CONTRIBUTING.md has no table between its two comments"
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].strip().splitlines()[2:]]
    return {word: instead for avoid, instead in rows for word in avoid.split(", ")}


def files() -> Iterator[Path]:
    """Yield the files that are searched."""
    tops = [top for pattern in _SEARCHED for top in ROOT.glob(pattern)]
    for path in [path for top in tops for path in ([top] if top.is_file() else sorted(top.rglob("*")))]:
        ours = _SKIPPED.isdisjoint(path.relative_to(ROOT).parts) and not path.name.startswith(("LICENSE", "CHANGELOG"))
        if ours and path.suffix in _SUFFIXES:
            yield path


def findings(text: str, avoided: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Yield line number and word for each word of the list in ``text``. Parts of identifiers count as words."""
    pattern = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(map(re.escape, avoided))})(?![A-Za-z])", re.IGNORECASE)
    for number, line in enumerate(text.splitlines(), 1):
        for match in pattern.finditer(line):
            yield number, match[0]


@pytest.mark.skipif(not GUIDE.exists(), reason="CONTRIBUTING.md is not in this distribution")
def test_no_word_to_avoid_is_used() -> None:
    avoided = words()
    assert avoided["octets"] == "byte, bytes"
    found = [
        f"{path.relative_to(ROOT)}:{number}: {word!r}; say: {avoided[word.lower()]}"
        for path in files()
        for number, word in findings(path.read_text(encoding="utf-8").replace(_TFTP_MODES, ""), avoided)
    ]
    folders = Counter("/".join(line.split("/")[:2]) for line in found)
    assert not found, f"{len(found)} words to avoid {dict(folders)}:\n" + "\n".join(found[:200])


def test_a_word_is_found_in_a_comment_a_message_and_a_name() -> None:
    text = "x = 1  # four octets\nraise ValueError('an Octet is missing')\nkind_octets = 2\nfour bytes, octettes\n"
    assert list(findings(text, {"octets": "bytes", "octet": "byte"})) == [(1, "octets"), (2, "Octet"), (3, "octets")]
