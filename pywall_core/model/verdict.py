"""Answers, actions and verdicts: what rules, detectors, classifiers and vetoes give back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Final


class Answer(Enum):
    """Three-valued answers. Rules say YES, NO, or PENDING while a fact that they ask for has not settled; detectors and
    classifiers without a result say MORE (bytes are wanted) or NO (for good).
    """

    NO = "no"
    YES = "yes"
    PENDING = "pending"
    MORE = "more"


NO: Final = Answer.NO
YES: Final = Answer.YES
PENDING: Final = Answer.PENDING
MORE: Final = Answer.MORE


class Action(StrEnum):
    """What is done with a packet; the values are those of EVE's ``verdict.action``."""

    __hash__ = str.__hash__  # Enum's is a Python function, and every packet counts its action

    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"


ACCEPT: Final = Action.ACCEPT
DROP: Final = Action.DROP
REJECT: Final = Action.REJECT


class Cause(Enum):
    """What a verdict rests on. The values of failures are the names of their switches in the section ``failure:``."""

    RULE = "rule"
    #: facts that the rules ask are not known yet: several outcomes are possible
    PENDING = "pending"
    #: the hook is queued and has no chain
    NO_CHAIN = "no chain"
    #: a plugin's veto, or the core's of a fragment
    VETO = "veto"
    #: a fragment, held until its datagram is whole
    FRAGMENT = "fragment"
    PLUGIN_ERROR = "plugin_error"
    MIDSTREAM = "midstream"
    UNDECODABLE = "undecodable"
    TABLE_FULL = "table_full"
    TRUNCATED = "truncated"
    AMBIGUOUS = "ambiguous"

    @property
    def is_failure(self) -> bool:
        """The section ``failure:`` decided instead of the rules."""
        return self in _FAILURES


_FAILURES: Final = frozenset(
    {Cause.PLUGIN_ERROR, Cause.MIDSTREAM, Cause.UNDECODABLE, Cause.TABLE_FULL, Cause.TRUNCATED, Cause.AMBIGUOUS}
)


@dataclass(slots=True, frozen=True)
class Verdict:
    """The one decision on a packet, with its owner.

    ``final`` says that it holds for the rest of the flow (in this direction for ACCEPT, in all for DROP and REJECT).
    ``rule`` is the deciding rule's place in the configuration (``INPUT[2]``, ``default``, or empty where no rule
    decided), ``plugin`` who provides it, ``reason`` one short phrase for people, ``cause`` the same for programs.
    ``title`` is what the rule is called (its name, comment or text), ``where`` its ``file:line``.
    """

    action: Action
    final: bool = False
    rule: str = ""
    plugin: str = "core"
    chain: str = ""
    reason: str = ""
    cause: Cause = Cause.RULE
    title: str = ""
    where: str = ""


@dataclass(slots=True, frozen=True)
class Drop:
    """Answer of the ``packet`` hook that vetoes one packet; ``reason`` is dotted: ``stream.bad_checksum``.

    ``flow``: the rest of the flow as well, in both directions (``failure.midstream: drop-flow``).
    """

    reason: str
    flow: bool = False


class Facts(dict[str, Any]):
    """Answer of a classifier that has settled: names and values for :attr:`Flow.facts`."""


_NO_FACTS: Final[dict[str, Any]] = {}


@dataclass(slots=True, init=False)
class Match:
    """A detector found its protocol.

    ``facts`` are stored on the flow as ``<protocol>.<name>``; names may be dotted (``client.software_version``).
    ``confirmed``: both sides did what only this protocol does; one side alone never confirms.
    ``done``: more bytes bring no more facts. A match that is done and confirmed is final. Until it is both, the
    detector is asked again when bytes arrive, and each answer replaces the one before.
    ``restart``: the protocol hands the flow over to another one (STARTTLS, CONNECT, SOCKS): offsets into the client's
    and the server's bytes, as given to ``detect``, from which detection begins again. The detected protocol becomes
    ``app_proto_orig`` when something is detected inside.
    ``anomaly`` names what cannot be right (``sni_changed``): an anomaly event is written, once.
    ``describe`` gives more facts. It is called at most once, and not at all where the protocol's facts are those of its
    transactions by then: for detectors that know their protocol before they have read what it says.
    ``decisive``: no other detector is waited for. What is around the bytes leaves no other name: an upgrade that both
    sides have agreed to, a request with its reply.
    """

    protocol: str
    facts: dict[str, Any]
    confirmed: bool
    done: bool
    restart: tuple[int, int] | None
    anomaly: str
    describe: Callable[[], dict[str, Any]] | None = field(compare=False, repr=False)
    decisive: bool

    # written out, as each name makes one: the generated one of a frozen class is never compiled
    def __init__(
        self,
        protocol: str,
        facts: dict[str, Any] = _NO_FACTS,
        confirmed: bool = True,
        done: bool = True,
        restart: tuple[int, int] | None = None,
        anomaly: str = "",
        describe: Callable[[], dict[str, Any]] | None = None,
        decisive: bool = False,
    ) -> None:
        self.protocol = protocol
        self.facts = {} if facts is _NO_FACTS else facts
        self.confirmed = confirmed
        self.done = done
        self.restart = restart
        self.anomaly = anomaly
        self.describe = describe
        self.decisive = decisive

    def described(self) -> Match:
        """Return the match with all of its facts."""
        if self.describe is None:
            return self
        facts = {**self.facts, **self.describe()}
        return Match(self.protocol, facts, self.confirmed, self.done, self.restart, self.anomaly, None, self.decisive)
