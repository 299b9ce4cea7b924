"""Which line of a detector said NO: for ``pywall explain --verbose``.

The call runs under a trace function, which notes where each function returns and with what. A NO is followed down to
the function that refused: a check that returned NO, False or None was the last thing called before its caller did, in
the same line or the next.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

from ..model.verdict import NO

#: folders of a path that are shown before the file's name
_SHOWN_FOLDERS: Final = 2


class _Frame:
    """A function that is running: where the last function that it called returned something negative, else None; and
    how many lines were run since.
    """

    __slots__ = ("lines", "refused_at")

    def __init__(self) -> None:
        self.lines = 0
        self.refused_at: tuple[CodeType, int] | None = None


class _Returns:
    """The trace function, and what it has noted. ``own`` is the file of the function that is called."""

    def __init__(self) -> None:
        self._running: list[_Frame] = [_Frame()]
        self._own = ""
        #: where a check in that file last said NO, which what compares both sides' answers may repeat
        self._own_no: tuple[CodeType, int] | None = None

    def __call__(self, frame: FrameType, event: str, value: Any) -> _Returns:
        if event == "call":
            self._own = self._own or frame.f_code.co_filename
            self._running.append(_Frame())
        elif event == "line":
            self._running[-1].lines += 1
        elif event == "return" and len(self._running) > 1:
            ended = self._running.pop()
            inside = ended.refused_at if ended.lines <= 1 else None
            negative = value is NO or value is False or value is None
            at = inside or (frame.f_code, frame.f_lineno)
            caller = self._running[-1]
            caller.refused_at, caller.lines = at if negative else None, 0
            if value is NO and len(self._running) > 1 and at[0].co_filename == self._own:
                self._own_no = at
        return self

    def refusal(self) -> str:
        """Return file, line and function of the first of the functions that said NO one after the other; of the last
        one in the plugin's file where that is in what plugins share.
        """
        at = self._running[0].refused_at
        if at is None:
            return ""
        if at[0].co_filename != self._own:
            at = self._own_no or at
        code, line = at
        shown = "/".join(Path(code.co_filename).parts[-_SHOWN_FOLDERS:])
        return f"{shown}:{line} in {code.co_name}"


def call_and_locate(call: Callable[..., Any], *arguments: Any) -> tuple[Any, str]:
    """Return what a call returns, and where it said NO: ``mail/smtp.py:83 in _greeting``.

    The place is empty for other answers, and where the function is compiled, which leaves no lines to note.
    """
    before = sys.gettrace()
    returns = _Returns()
    sys.settrace(returns)
    try:
        answer = call(*arguments)
    finally:
        sys.settrace(before)
    return answer, returns.refusal() if answer is NO else ""
