"""Following: a flow's parser of transactions; unwrappers, which remove frames; and the stand-in for one that failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, final

from ..calls.guard import Raised, attempt
from ..model.transaction import Found, Transaction, TransactionParser, Unwrapper

#: By another name, since mypyc makes of ``getattr`` with a default an exception that is raised and thrown away.
_get: Final[Callable[..., Any]] = getattr


@final
class Following:
    """A flow's parser, the plugin that made it, and the protocol that it follows.

    ``own_facts``: the protocol's facts are those of its transactions. ``began``: one was found, until then these facts
    are open. ``confirmed`` and ``unanswered``: what the parser has said last.
    """

    __slots__ = (
        "began", "confirmed", "facts_of", "own_facts", "parser", "plugin", "prefix", "protocol", "unanswered",
    )  # fmt: skip

    def __init__(
        self, plugin: str, protocol: str, facts_of: str, parser: TransactionParser, began: bool = False
    ) -> None:
        self.plugin = plugin
        self.protocol = protocol
        #: the protocol whose facts its transactions have
        self.facts_of = facts_of
        self.prefix = facts_of + "."
        self.parser = parser
        self.began = began
        self.own_facts = bool(parser.has_transactions)
        self.confirmed = bool(parser.confirmed)
        self.unanswered = is_unanswered(parser)

    def copy(self) -> Following:
        """Return the same state once more. A parser that cannot be copied fails when its copy is fed."""
        copy: Any = attempt(_copied_following, self)
        if type(copy) is Following:
            return copy
        return Following(self.plugin, self.protocol, self.facts_of, _Failed(copy.error), self.began)


@final
class Unwrapping:
    """What takes the inside out of the frames of a carrying protocol, and the plugin that made it."""

    __slots__ = ("plugin", "unwrapper")

    def __init__(self, plugin: str, unwrapper: Unwrapper) -> None:
        self.plugin = plugin
        self.unwrapper = unwrapper

    def copy(self) -> Unwrapping:
        """Return the same state once more. One that cannot be copied fails when its copy is asked."""
        copy: Any = attempt(_copied_unwrapper, self.unwrapper)
        return Unwrapping(self.plugin, _Failed(copy.error) if type(copy) is Raised else copy)


@final
class _Failed:
    """Stands for a parser or unwrapper whose ``copy`` has raised."""

    has_transactions = True
    confirmed = False
    over = False

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def feed(self, to_server: bool, data: bytes) -> Sequence[Found]:
        raise self._error

    def unwrap(self, to_server: bool, data: bytes) -> bytes:
        raise self._error

    def gap(self, to_server: bool, size: int) -> bool:
        raise self._error

    def finish(self) -> Sequence[Transaction]:
        raise self._error

    def copy(self) -> _Failed:
        return self


def is_unanswered(parser: TransactionParser) -> bool:
    """Return what a parser says, where it says so (see :class:`~pywall_core.model.transaction.TransactionParser`)."""
    return bool(_get(parser, "unanswered", False))


def _copied_following(following: Following) -> Following:
    parser = following.parser.copy()
    return Following(following.plugin, following.protocol, following.facts_of, parser, following.began)


def _copied_unwrapper(unwrapper: Unwrapper) -> Unwrapper:
    return unwrapper.copy()  # one without the method raises in here
