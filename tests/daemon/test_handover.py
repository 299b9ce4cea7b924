"""The hand-over file: of this boot, young, bounded, and readable only by its owner."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pywall_core.daemon import handover
from pywall_core.flows.handover import describe, read
from pywall_core.flows.packing import pack, unpack
from pywall_core.testing import make_flow


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "handover.jsonl"


def test_messages_come_back_in_order(path: Path) -> None:
    handover.write(path, [{"flows": [[1]]}, {"state": {"a": 1}}])
    assert handover.load(path) == [{"flows": [[1]]}, {"state": {"a": 1}}]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_file_nothing_is_known(path: Path) -> None:
    assert handover.load(path) == []


@pytest.mark.parametrize(
    "change", [{"version": -1}, {"boot": "another"}, {"time": -1e9}, {"time": 1e18}, {"time": None}]
)
def test_a_file_of_another_version_boot_or_time_says_nothing(path: Path, change: dict[str, object]) -> None:
    handover.write(path, [{"flows": [[1]]}])
    header, rest = path.read_text().split("\n", 1)
    path.write_text(json.dumps({**json.loads(header), **change}) + "\n" + rest)
    assert handover.load(path) == []


@pytest.mark.parametrize("line", ["{", "[1]", "[" * 100_000, ""])
def test_a_line_that_is_no_message_is_left_out(path: Path, line: str) -> None:
    handover.write(path, [])
    path.write_text(path.read_text() + line + '\n{"flows": [[2]]}\n')
    assert handover.load(path) == [{"flows": [[2]]}]


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    handover.write(target, [{"flows": [[1]]}])
    path.symlink_to(target)
    assert handover.load(path) == []


def test_the_file_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(handover, "MAX_FILE", 1000)
    handover.write(path, [{"flows": ["x" * 100]}] * 100)
    assert path.stat().st_size <= 1000
    assert "the file is full" in caplog.text


def test_a_write_that_fails_leaves_the_file_before_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handover.write(path, [{"flows": [[1]]}])

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(handover, "_write", fail)
    with pytest.raises(OSError, match="No space"):
        handover.write(path, [{"flows": [[2]]}])
    assert handover.load(path) == [{"flows": [[1]]}]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_file_is_roots_and_small_and_read_back(path: Path) -> None:
    """100,000 HTTP connections with names, paths and programs of their own, whose next request is waited for."""
    kept = {"": {"confirmed": True, "number": 1, "_first": 1}, "stream": [[5069, "", [], 0], [1110, "", [], 0], False]}
    facts = {"http.hostname": "HOST.example", "http.url": "/WORDS", "http.http_user_agent": "WORDS"}
    flow = make_flow(app_proto="http", facts=facts, detect_done=True, confirmed=True)
    one, address = describe(flow, kept) or b"", flow.src.hex().encode()
    random = Random(1)

    def flows() -> Iterator[bytes]:
        for _ in range(100_000):
            words = random.randbytes(32).hex().encode()
            yield one.replace(address, words[:8], 1).replace(b"WORDS", words).replace(b"HOST", words[8:16])

    texts = list(pack(flows()))
    size = handover.write(path, ({"flows": text} for text in texts))
    assert size == path.stat().st_size < 32 << 20
    assert path.stat().st_mode & 0o777 == 0o600
    loaded = [line for message in handover.load(path) for line in unpack(message["flows"])]
    assert len(loaded) == 100_000
    assert read(loaded[0]) is not None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "nonsense",
        "[1]\n",
        '{"version": 9}\n',
        '{"version": 1, "boot": "x", "time": 0}\n',
        "[" * 100_000,
        '{"version": 1, "boot": "%s", "time": "soon"}\n',
    ],
)
def test_a_file_that_is_none_says_nothing(path: Path, content: str) -> None:
    path.write_text(content)
    assert handover.load(path) == []


def test_an_old_file_a_link_and_a_long_line_are_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handover.write(path, [{"flows": [[1]]}, {"flows": ["x" * (2 << 20)]}])
    assert handover.load(path) == [{"flows": [[1]]}]
    with path.open("a") as file:
        file.write('{"a": "' + "x" * (2 << 20) + '"}\n' + '{"flows": []}\n')
    assert {"flows": [[1]]} in handover.load(path)
    os.symlink(path, path.parent / "link")
    assert handover.load(path.parent / "link") == []
    now = time.monotonic()
    monkeypatch.setattr(handover, "monotonic", lambda: now + 100)
    assert handover.load(path) == []


def test_nothing_but_what_is_known_of_flows_comes_out_of_it(path: Path) -> None:
    """Workers would take `do: stop` for an order."""
    orders: list[dict[str, Any]] = [{"do": "stop"}, {"exact": True}, {"flows": "x", "do": "go", "exact": True}]
    handover.write(path, [*orders, {"state": {"a": 1}}])
    assert handover.load(path) == [{"flows": "x"}, {"state": {"a": 1}}]


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "others may write", "too long"])
def test_what_is_no_file_of_ours_is_not_read_nor_waited_for(path: Path, kind: str) -> None:
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            path.symlink_to("/dev/zero")
        case _:
            handover.write(path, [{"flows": "x"}])
            if kind == "too long":
                os.truncate(path, handover.MAX_FILE + 1)
            else:
                path.chmod(0o622)
    assert handover.load(path) == []
