"""Requests of clients that the workers answer: ``stats``, ``flows``, ``flow``, ``set-entries``."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, Final

from ..flows.filter import FilterError, parse
from ..model.named_set import NamedSet
from .channel import Message
from .control import Client
from .worker_process import WorkerProcess

#: seconds that workers may take to answer a request
_ANSWER_SECONDS: Final = 3.0
_request_numbers = itertools.count(1)


class PendingRequest:
    """A request of a client that the workers answer. ``what`` names the answer; ``order`` is sent to each worker."""

    def __init__(self, client: Client, what: str, workers: Sequence[WorkerProcess], order: Message) -> None:
        self._client = client
        self._what = what
        self._workers = list(workers)
        self._number = next(_request_numbers)
        self._until = monotonic() + _ANSWER_SECONDS
        for worker in workers:
            worker.ask({**order, "id": self._number})

    def finished(self, now: float) -> bool:
        """Return whether the client was answered: when all workers have, or the time is up."""
        answers = [
            answer["content"]
            for worker in self._workers
            for answer in worker.answers
            if answer.get("id") == self._number and self._keeps_to_the_form(answer)
        ]
        if len(answers) < len(self._workers) and now < self._until:
            return False
        for worker in self._workers:
            worker.answers = [answer for answer in worker.answers if answer.get("id") != self._number]
        self._client.answer(self._content(answers))
        return True

    def _keeps_to_the_form(self, answer: Message) -> bool:
        """Return whether it is what is asked for: a worker that was taken over may say anything."""
        content = answer.get("content", ...)
        if self._what == "flows":
            return isinstance(content, list) and all(isinstance(flow, dict) for flow in content)
        return isinstance(content, dict) or (content is None and self._what != "stats")

    def _content(self, answers: list[Any]) -> Message:
        if self._what == "set-entries":
            known = [answer for answer in answers if answer is not None]
            return {"ok": True, **known[0]} if known else {"ok": False, "error": "there is no such set in the policy"}
        if self._what == "flow":
            found = [answer for answer in answers if answer is not None]
            return {"ok": True, "flow": found[0]} if found else {"ok": False, "error": "no such flow"}
        content = [flow for part in answers for flow in part] if self._what == "flows" else answers
        return {"ok": bool(answers), self._what: content}


def worker_request(what: str, request: Message, sets: Mapping[str, NamedSet]) -> Message | str:
    """Return what workers are sent for a client's request; a text says what is wrong with it. A filter may name
    ``sets``.
    """
    if what == "flow":
        number = request.get("flow_id")
        return {"do": what, "flow_id": number} if isinstance(number, int) else "flow_id is a number"
    if what == "set-entries":
        wanted: Message = {key: request[key] for key in ("set", "test", "limit") if key in request}
        if not isinstance(wanted.get("test", []), list) or not isinstance(wanted.get("limit", 0), int):
            return "test is a list, limit is a number"
        return {"do": what, **wanted}
    if what != "flows":
        return {"do": what}
    limit, sort, expression = request.get("limit", 100), request.get("sort", ""), request.get("filter", "")
    if not isinstance(limit, int) or not isinstance(sort, str) or not isinstance(expression, str):
        return "limit is a number, sort and filter are texts"
    try:
        if expression:
            parse(expression, sets)
    except FilterError as error:
        return f"filter: {error}"
    return {"do": what, "limit": limit, "sort": sort, "filter": expression}
