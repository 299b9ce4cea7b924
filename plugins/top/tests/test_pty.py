"""``pywall top`` on a pseudo-terminal of 80x24: keys as bytes, the screen as an emulator (pyte) shows it."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path

import pytest

pyte = pytest.importorskip("pyte")

PROGRAM = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("test_top", sys.argv[1])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)

class Noting(tests.FakeFirewall):
    def ask(self, command, **parameters):
        if command in ("set", "flow"):
            with open(sys.argv[2], "a") as file:
                print(json.dumps([command, parameters]), file=file)
        return super().ask(command, **parameters)

tests.TopApp(Noting()).run()
"""


class Screen(pyte.Screen):  # type: ignore[misc]
    """A screen of 80x24 that remembers what a program may do to its terminal beside drawing."""

    def __init__(self) -> None:
        self.bells = 0
        self.titles: list[str] = []
        self.erased: set[int] = set()
        super().__init__(80, 24)

    def bell(self, *_: object) -> None:
        """Count BEL; the one that ends an operating system command is none."""
        self.bells += 1

    def set_title(self, param: str) -> None:
        """Remember it."""
        self.titles.append(param)

    def set_icon_name(self, param: str) -> None:
        """Remember it."""
        self.titles.append(param)

    def erase_in_display(self, how: int = 0, *args: object, **kwargs: object) -> None:
        """Remember how; 3 erases what the terminal has scrolled out too."""
        self.erased.add(how)
        super().erase_in_display(how, *args, **kwargs)


class Terminal:
    """The program on a pseudo-terminal. ``text`` is what the screen shows."""

    def __init__(self, folder: Path) -> None:
        self.notes = folder / "notes"
        self.notes.touch()
        self.screen = Screen()
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLUMNS="", LINES="")
            del os.environ["COLUMNS"], os.environ["LINES"]
            tests = str(Path(__file__).with_name("test_top.py"))
            os.execv(sys.executable, [sys.executable, "-c", PROGRAM, tests, str(self.notes)])
        ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    @property
    def filter_is_shown(self) -> bool:
        """The filter stands between the head and the names of the tabs; its own text changes as one types."""
        return "1 Flows" not in self.screen.display[1]

    def press(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"it did not come to it:\n{self.text}"
            self.read()

    def shows(self, *words: str) -> None:
        self.until(lambda: all(word in self.text for word in words))

    def read(self) -> None:
        if select.select([self._fd], [], [], 0.1)[0]:
            try:
                data = os.read(self._fd, 65536)
            except OSError:  # EIO: the program has ended
                return
            self.raw += data
            self._stream.feed(data)

    def asked(self) -> list[list[object]]:
        return [json.loads(line) for line in self.notes.read_text().splitlines()]

    def end(self) -> int:
        """Read until the program has ended; its exit code."""
        found: list[int] = []

        def ended() -> bool:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                found.append(os.waitstatus_to_exitcode(status))
            return bool(pid)

        self.until(ended)
        return found[0]

    def close(self) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self._fd)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


def test_every_key_on_a_terminal_of_80_by_24(terminal: Terminal) -> None:
    terminal.shows("192.0.2.1:4000", "ssh", "2 flows", "by recent", "1 Flows", "6 Health")
    terminal.until(lambda: "q quit" in terminal.text.splitlines()[-1])
    for number, words in enumerate(
        (("client", "verdict"), ("INPUT[1]", "per s"), ("dropped", "ssh"), ("198.51.100.2",), ("blocked", "addresses"),
         ("worker 42", "queue 1")), 1,
    ):  # fmt: skip
        terminal.press(str(number))
        terminal.shows(*words)
    terminal.press("1")
    terminal.shows("192.0.2.1:4000")
    terminal.press("s")
    terminal.shows("by bytes")
    terminal.press("p")
    terminal.shows("PAUSED")
    terminal.press("p")
    terminal.until(lambda: "PAUSED" not in terminal.text)
    terminal.press("/")
    terminal.shows("Enter: show, empty: all")
    terminal.press("app\x1b")
    # a terminal sends Escape and the next key as one Alt key when both come together
    terminal.until(lambda: not terminal.filter_is_shown)
    terminal.press("/net 192.0.2.0/24\r")
    terminal.shows("filter: net 192.0.2.0/24")
    terminal.press("\r")
    terminal.shows("YES     no torrents: DROP (p.yaml:7)")
    assert ["flow", {"flow_id": 1}] in terminal.asked()
    terminal.press("\x1b")
    terminal.until(lambda: "p.yaml:7" not in terminal.text)
    terminal.press("\x1b[B")  # down
    terminal.press("b")
    terminal.shows("192.0.2.2 is in @blocked")
    terminal.press("a")
    terminal.shows("192.0.2.2 is in @allowed")
    for name in ("blocked", "allowed"):
        assert ["set", {"op": "add", "set": name, "entries": ["192.0.2.2"], "for": 3600}] in terminal.asked()
    terminal.press("q")
    assert terminal.end() == 0
    assert b"\x1b[?1049l" in terminal.raw, "the screen from before is back"
    assert b"\x1b[?25h" in terminal.raw, "the cursor is back"


def test_what_came_from_the_network_moves_nothing(terminal: Terminal) -> None:
    """Names of rules and facts of flow 3 hold escape sequences and brackets of Textual's markup."""
    terminal.shows("192.0.2.1:4000")
    terminal.press("/hostile\r")  # typed ahead: none of it is taken for a key
    terminal.shows("filter: hostile", "192.0.2.3:4000", "[red]", r"\x1b[3J", r"\x9b3J", r"\x07")
    terminal.press("\r")
    terminal.shows(r"tls.sni = [bold]\x1b]0;owned\x07", r"http.hostname = \x1b[3J\x9b3J")
    terminal.press("\x1b")
    terminal.until(lambda: "tls.sni" not in terminal.text)
    terminal.press("q")
    assert terminal.end() == 0
    assert terminal.screen.bells == 0
    assert not [title for title in terminal.screen.titles if "owned" in title]
    assert 3 not in terminal.screen.erased
    assert not re.findall("[\x80-\x9f]", terminal.raw.decode(errors="replace")), "controls of eight bits"
