"""A plugin's helper process: the serving loop."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

from pywall_core.daemon.helper import serve
from pywall_core.model.helper import Helper


class Doubles:
    def answer(self, questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"twice": 2 * question["n"]} for question in questions if "n" in question]


def test_questions_are_answered_until_the_supervisor_ends() -> None:
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=serve, args=(Doubles(), theirs))
    thread.start()
    answers: list[dict[str, Any]] = []
    helpers = []
    for _ in range(2):
        helper = Helper(answers.append)
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        socket.send_fds(ours, [b"c"], [its.fileno()])
        its.close()
        helper.connect(mine)
        mine.setblocking(True)
        helpers.append(helper)
        mine.send(b"no JSON")
        mine.send(b'{"another": "form"}')
        assert helper.ask({"n": 21})
        answers.append(json.loads(mine.recv(99)))
        mine.setblocking(False)
    assert answers == [{"twice": 42}] * 2
    ours.send(b"?")
    assert ours.recv(9) == b"?", "a sign of life"
    helpers[0].close()
    assert not helpers[0].ask({"n": 1})
    assert helpers[0].descriptor == -1
    ours.close()
    thread.join(5)
    assert not thread.is_alive()
    helpers[1].read()  # the end is seen
    assert helpers[1].descriptor == -1
