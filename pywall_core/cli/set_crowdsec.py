"""``pywall set crowdsec``: keep a named set equal to the decisions of a CrowdSec local API."""

from __future__ import annotations

import argparse
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import FAILURE, OK, USAGE, complain
from .crowdsec_decisions import Changes, Decisions, Lapi, LapiError, Wanted
from .set_change import ask_firewall, change, duration

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEY = "PYWALL_CROWDSEC_KEY"
#: entries of the set that are looked at when the bouncer starts
_MOST = 2_000_000


def add(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = actions.add_parser(
        "crowdsec",
        help="a CrowdSec bouncer: keep a set equal to the decisions of a local API",
        description="Ask a CrowdSec local API for its decisions on addresses and networks, and keep a set of the "
        "policy equal to them. Runs until it is ended; what the API or the firewall misses meanwhile is made up for. "
        f"The key comes from --key-file or the environment ({_KEY}); 'cscli bouncers add pywall' makes one.",
    )
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the API (http://127.0.0.1:8080)")
    parser.add_argument("--key-file", metavar="FILE", help="file with the bouncer's key, readable by its owner alone")
    parser.add_argument("--ca", metavar="FILE", help="certificates to trust, for https")
    parser.add_argument("--set", default="crowdsec", metavar="SET", help="set of the policy, for this alone (crowdsec)")
    parser.add_argument("--every", type=duration, default=10.0, metavar="TIME", help="time between two looks (10s)")
    parser.add_argument("--once", action="store_true", help="take over all decisions once, and end: for timers")
    parser.add_argument("--types", default="ban", metavar="LIST", help="kinds of decision that block (ban)")
    parser.add_argument(
        "--origins", default="", metavar="LIST", help="only of these origins: crowdsec,cscli,CAPI,lists"
    )
    parser.add_argument(
        "--scenarios", default="", metavar="LIST", help="only scenarios with one of these in their name"
    )
    parser.add_argument("--without", default="", metavar="LIST", help="no scenarios with one of these in their name")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the bouncer; the exit code."""
    wanted = Wanted(*(tuple(_list(text)) for text in (args.types, args.origins, args.scenarios, args.without)))
    try:
        bouncer = Bouncer(Lapi(args.url, _key(args.key_file), wanted, args.ca), args.set)
    except LapiError as error:
        complain(f"set crowdsec: {error}")
        return USAGE
    while True:
        if args.once:
            return OK if bouncer.step() else FAILURE
        bouncer.step()
        time.sleep(args.every)


class Bouncer:
    """One set and one API. After any failure the next step takes over all decisions again."""

    def __init__(self, lapi: Lapi, name: str) -> None:
        self._lapi = lapi
        self._set = name
        self._decisions = Decisions(lapi.wanted.types)
        self._started = False

    def step(self) -> bool:
        """Ask once, and change the set. False: something failed, which is said."""
        first, self._started = not self._started, False
        try:
            present = self._present() if first else []
            if present is None:
                return False
            answer = self._lapi.fetch(startup=first)
        except LapiError as error:
            complain(f"set crowdsec: {error}")
            return False
        now = time.monotonic()
        changes = self._decisions.start(answer, present, now) if first else self._decisions.follow(answer, now)
        if not self._apply(changes):
            return False
        self._started = True
        if first or changes:
            print(
                f"{self._set}: {len(self._decisions)} entries, {changes.added} new, {len(changes.delete)} gone",
                flush=True,
            )
        return True

    def _present(self) -> list[str] | None:
        answer: dict[str, Any] | None = ask_firewall({"command": "set-entries", "set": self._set, "limit": _MOST})
        if answer is None:
            complain(
                f"set crowdsec: the policy needs 'sets: {{{self._set}: {{}}}}', and a rule that asks '@{self._set}'"
            )
            return None
        if answer["type"] != "addresses":
            complain(f"set crowdsec: set {self._set!r} is one of {answer['type']}, and should be one of addresses")
            return None
        return [one["entry"] for one in answer["entries"]]

    def _apply(self, changes: Changes) -> bool:
        ok = not changes.delete or change("delete", self._set, changes.delete, None) == OK
        return ok and all(change("add", self._set, entries, seconds) == OK for seconds, entries in changes.add.items())


def _key(file: str | None) -> str:
    if file is None:
        key = os.environ.get(_KEY, "")
        if not key:
            raise LapiError(f"no key: give --key-file FILE or set {_KEY}; 'cscli bouncers add pywall' makes one")
        return key
    try:
        if os.stat(file).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise LapiError(f"{file} can be read by others: chmod 600 {file}")
        return Path(file).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise LapiError(f"{file}: {getattr(error, 'strerror', None) or error}") from None


def _list(text: str) -> Iterable[str]:
    return (part.strip() for part in text.split(",") if part.strip())
