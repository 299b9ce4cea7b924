"""The helper process of the plugin: answers whose socket it is. See :class:`ProcessAnswers`."""

from __future__ import annotations

from typing import Any

from .cgroups import CgroupPaths, hierarchy
from .description import describe_cgroup, describe_process
from .process_index import ProcessIndex
from .sock_diag import Owner
from .users import UserNames

Message = dict[str, Any]


class ProcessAnswers:
    """Answers ``{"inode": ..., "uid": ..., "cgroup": ...}`` with the same and ``"facts"``: names without ``process.``.

    Facts that are not there are not known for good: the process has ended, or was never to be seen.
    """

    def __init__(self, users: UserNames | None = None) -> None:
        self._cgroups = CgroupPaths(hierarchy())
        self._index = ProcessIndex(self._cgroups)
        self._users = UserNames() if users is None else users

    def answer(self, questions: list[Message]) -> list[Message]:
        """Return the answers. Questions that do not keep to the form have none."""
        owners = [owner for owner in map(_owner, questions) if owner is not None]
        pids = self._index.find(owners)
        names = self._users.find(owner.uid for owner in owners)
        return [
            {**owner._asdict(), "facts": self._facts(owner, pids.get(owner.inode), names.get(owner.uid))}
            for owner in owners
        ]

    def _facts(self, owner: Owner, pid: int | None, user: str | None) -> dict[str, Any]:
        facts = {} if pid is None else describe_process(pid)
        path = self._cgroups.path(owner.cgroup)
        if path is not None and path != "/":  # of the socket, which its process may have passed on
            for name in ("cgroup", "unit", "user_unit", "container"):
                facts.pop(name, None)
            facts.update(describe_cgroup(path))
        if user:
            facts["user"] = user
        return facts


def _owner(question: Message) -> Owner | None:
    values = [question.get(name) for name in Owner._fields]
    if not all(type(value) is int and 0 <= value < 1 << 64 for value in values):
        return None
    return Owner(*values)  # type: ignore[arg-type]
