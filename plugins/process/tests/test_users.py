"""Names of users: a look-up may ask another machine, and nobody waits for one that hangs."""

from __future__ import annotations

import pwd
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from pywall_process import users as module
from pywall_process.answers import ProcessAnswers
from pywall_process.users import UserNames

HANGS, NOBODY = 5000, 6000


class Directory:
    """In the place of the name service: knows all users but one, and one of them after a while."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.asked: list[int] = []
        self.has_nobody = False

    def getpwuid(self, uid: int) -> Any:
        self.asked.append(uid)
        if uid == HANGS:
            self.goes_on.wait()
        if uid == NOBODY and not self.has_nobody:
            raise KeyError(uid)
        return SimpleNamespace(pw_name=f"user{uid}")


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Directory]:
    made = Directory()
    monkeypatch.setattr(pwd, "getpwuid", made.getpwuid)
    yield made
    made.goes_on.set()


def wait(names: UserNames) -> None:
    for thread in list(names._under_way.values()):
        thread.join()


def test_a_user_is_looked_up_once(directory: Directory) -> None:
    names = UserNames(seconds=60.0)
    assert names.find([1, 2, 1]) == {1: "user1", 2: "user2"}
    assert names.find([2]) == {2: "user2"}
    assert sorted(directory.asked) == [1, 2]


def test_one_whose_look_up_hangs_has_no_name_and_the_others_have(directory: Directory) -> None:
    names = UserNames(seconds=0.01)
    assert HANGS not in names.find([HANGS])
    names.seconds = 60.0
    assert names.find([1, HANGS]) == {1: "user1"}, "it is neither waited for nor asked again"
    assert directory.asked.count(HANGS) == 1
    directory.goes_on.set()
    wait(names)
    assert names.find([HANGS]) == {HANGS: f"user{HANGS}"}


def test_one_who_is_not_known_is_asked_for_again_later(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that is away says so, or that there is no such user."""
    now = 1000.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    names = UserNames(seconds=60.0)
    assert names.find([NOBODY]) == {}
    directory.has_nobody = True
    now += 59
    assert names.find([NOBODY]) == {}
    now += 2
    assert names.find([NOBODY]) == {NOBODY: f"user{NOBODY}"}
    assert directory.asked == [NOBODY] * 2


def test_look_ups_that_hang_are_bounded(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_UNDER_WAY", 1)
    names = UserNames(seconds=0.01)
    names.find([HANGS])
    assert names.find([1]) == {}
    assert directory.asked == [HANGS]


def test_names_that_are_kept_are_bounded(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_KNOWN", 2)
    names = UserNames(seconds=60.0)
    for uid in range(9):
        assert names.find([uid]) == {uid: f"user{uid}"}
    assert len(names._known) <= 2


def test_a_machine_that_has_no_room_for_a_thread_has_no_name(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    names = UserNames(seconds=60.0)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert names.find([1]) == {}
    assert names.find([1]) == {1: "user1"}


def test_a_question_is_answered_though_the_look_up_hangs(directory: Directory) -> None:
    names = UserNames(seconds=0.01)
    answers = ProcessAnswers(names)
    question = {"inode": 0, "uid": HANGS, "cgroup": 0}
    assert answers.answer([question]) == [{**question, "facts": {}}]
    directory.goes_on.set()
    wait(names)
    assert answers.answer([question]) == [{**question, "facts": {"user": f"user{HANGS}"}}]
