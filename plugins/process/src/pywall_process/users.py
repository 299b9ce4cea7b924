"""Names of users, for an answer that does not wait for a directory (LDAP, SSSD) that hangs."""

from __future__ import annotations

import pwd
from collections.abc import Iterable
from threading import Thread
from time import monotonic
from typing import Final

#: seconds that an answer waits for names: less than a packet waits for it
_SECONDS: Final = 1.0
#: seconds before somebody who was not known is looked up again: the directory may have been away
_AGAIN: Final = 60.0
#: look-ups that may hang at a time: as many as there are questions at a time
_MOST_UNDER_WAY: Final = 256
_MOST_KNOWN: Final = 4096


class UserNames:
    """Looks each user up in a thread of its own; what comes too late is known the next time.

    ``seconds``: how long :meth:`find` waits at most.
    """

    def __init__(self, seconds: float = _SECONDS) -> None:
        self.seconds = seconds
        #: name, empty where there is none, and until when that holds
        self._known: dict[int, tuple[str, float]] = {}
        self._under_way: dict[int, Thread] = {}

    def find(self, uids: Iterable[int]) -> dict[int, str]:
        """Return the names of users by their numbers; those who are not known are left out."""
        wanted = set(uids)
        now = monotonic()
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        begun = [self._begin(uid) for uid in wanted if now >= self._known.get(uid, ("", 0.0))[1]]
        for thread in begun:
            if thread is not None:
                thread.join(max(0.0, now + self.seconds - monotonic()))
        names = {uid: self._known.get(uid, ("", 0.0))[0] for uid in wanted}
        return {uid: name for uid, name in names.items() if name}

    def _begin(self, uid: int) -> Thread | None:
        if uid in self._under_way or len(self._under_way) >= _MOST_UNDER_WAY:
            return None
        thread = self._under_way[uid] = Thread(target=self._look_up, args=(uid,), daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no room for one
            del self._under_way[uid]
            return None
        return thread

    def _look_up(self, uid: int) -> None:
        try:
            self._known[uid] = (pwd.getpwuid(uid).pw_name, float("inf"))
        except KeyError:
            self._known[uid] = ("", monotonic() + _AGAIN)
        finally:
            del self._under_way[uid]
