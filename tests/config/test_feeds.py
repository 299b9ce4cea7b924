"""A feed takes the place of a set's file only when it is whole and right."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.config import feeds
from pywall_core.config.feeds import FeedError, fetch
from pywall_core.config.set_section import SetSection


def test_a_broken_feed_leaves_the_file_alone(tmp_path: Path) -> None:
    source, file = tmp_path / "source", tmp_path / "file"
    section = SetSection(file=str(file), source=source.as_uri())
    source.write_text("\n".join(f"192.0.2.{n}" for n in range(100)))
    assert fetch("s", section) == 100
    before = file.read_text()
    for content, says in (
        ("<html>not found</html>", "is not an address or network"),
        ("# nothing\n", "no entries"),
        ("192.0.2.1\n", "1 entries where there were 100"),
    ):
        source.write_text(content)
        with pytest.raises(FeedError, match=says):
            fetch("s", section)
        assert file.read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "source"]


def test_a_feed_may_shrink_but_not_by_nine_tenths(tmp_path: Path) -> None:
    source, file = tmp_path / "source", tmp_path / "file"
    section = SetSection(file=str(file), source=source.as_uri())
    source.write_text("\n".join(f"192.0.2.{n}" for n in range(100)))
    fetch("s", section)
    source.write_text("\n".join(f"192.0.2.{n}" for n in range(10)))
    assert fetch("s", section) == 10
    assert file.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("source", ["ftp://example.net/list", "/etc/passwd", "javascript:1", ""])
def test_a_feed_is_a_file_or_a_web_address(tmp_path: Path, source: str) -> None:
    with pytest.raises(FeedError, match=r"should be file://, http:// or https://"):
        fetch("s", SetSection.model_construct(file=str(tmp_path / "file"), source=source))


def test_a_feed_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MAX_FILE", 1 << 20)
    source = tmp_path / "source"
    source.write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(FeedError, match="larger than 1 MiB"):
        fetch("s", SetSection(file=str(tmp_path / "file"), source=source.as_uri()))
    assert not (tmp_path / "file").exists()


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    source = tmp_path / "source"
    with pytest.raises(FeedError, match="s: file://"):
        fetch("s", SetSection(file=str(tmp_path / "file"), source=source.as_uri()))
    source.write_text("192.0.2.1\n")
    with pytest.raises(FeedError, match="No such file or directory"):
        fetch("s", SetSection(file=str(tmp_path / "no" / "folder"), source=source.as_uri()))
