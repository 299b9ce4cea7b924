"""Requests of clients that the workers answer."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.daemon.requests import PendingRequest, worker_request
from pywall_core.model.named_set import PortNumberSet

from .conftest import FakeClient, FakeWorker


def pending(client: FakeClient, what: str, workers: list[Any]) -> PendingRequest:
    return PendingRequest(client, what, workers, {"do": what})


def answer(worker: FakeWorker, content: object) -> None:
    worker.answers.append({"id": worker.asked[-1]["id"], "content": content})


def test_the_client_is_answered_when_all_workers_have(client: FakeClient) -> None:
    workers = [FakeWorker(), FakeWorker()]
    request = pending(client, "stats", workers)
    answer(workers[0], {"packets": 1})
    assert not request.finished(0.0)
    answer(workers[1], {"packets": 2})
    assert request.finished(0.0)
    assert client.answered == [{"ok": True, "stats": [{"packets": 1}, {"packets": 2}]}]
    assert [worker.answers for worker in workers] == [[], []]


def test_workers_that_do_not_answer_in_time_are_left_out(client: FakeClient) -> None:
    workers = [FakeWorker(), FakeWorker()]
    request = pending(client, "flows", workers)
    answer(workers[1], [{"flow_id": 1}])
    assert request.finished(float("inf"))
    assert client.answered == [{"ok": True, "flows": [{"flow_id": 1}]}]


def test_answers_to_other_requests_stay(client: FakeClient) -> None:
    worker = FakeWorker()
    first, second = pending(client, "stats", [worker]), pending(client, "stats", [worker])
    answer(worker, {"of": "the second"})
    assert second.finished(0.0)
    assert not first.finished(0.0)


@pytest.mark.parametrize("what", ["stats", "flows", "flow", "set-entries"])
@pytest.mark.parametrize(
    "answer", [{}, {"content": 5}, {"content": "text"}, {"content": [5]}, {"content": True}], ids=str
)
def test_an_answer_of_another_form_is_none(client: FakeClient, what: str, answer: dict[str, Any]) -> None:
    """A worker that was taken over may say anything."""
    worker = FakeWorker()
    request = pending(client, what, [worker])
    worker.answers.append({"id": worker.asked[-1]["id"], **answer})
    assert not request.finished(0.0)
    assert request.finished(float("inf"))
    assert [given["ok"] for given in client.answered] == [False]
    assert worker.answers == []


@pytest.mark.parametrize(
    ("what", "answers", "expected"),
    [
        ("flow", [None, {"flow_id": 5}], {"ok": True, "flow": {"flow_id": 5}}),
        ("flow", [None, None], {"ok": False, "error": "no such flow"}),
        ("set-entries", [{"entries": []}, None], {"ok": True, "entries": []}),
        ("set-entries", [None, None], {"ok": False, "error": "there is no such set in the policy"}),
    ],
)
def test_one_worker_knows_what_is_asked(
    client: FakeClient, what: str, answers: list[object], expected: dict[str, object]
) -> None:
    workers = [FakeWorker(), FakeWorker()]
    request = pending(client, what, workers)
    for worker, content in zip(workers, answers, strict=True):
        answer(worker, content)
    assert request.finished(0.0)
    assert client.answered == [expected]


@pytest.mark.parametrize(
    ("request_", "wrong"),
    [
        ({"command": "flow", "flow_id": "5"}, "flow_id is a number"),
        ({"command": "flows", "limit": "all"}, "limit is a number"),
        ({"command": "flows", "filter": "port x"}, "filter: "),
        ({"command": "flows", "filter": "set x"}, "filter: there is no set 'x' (there are: blocked)"),
        ({"command": "set-entries", "set": "a", "test": "b"}, "test is a list"),
    ],
)
def test_a_wrong_request_is_refused_before_workers_see_it(request_: dict[str, Any], wrong: str) -> None:
    order = worker_request(request_["command"], request_, {"blocked": PortNumberSet("blocked")})
    assert isinstance(order, str)
    assert wrong in order


def test_a_right_request_becomes_an_order() -> None:
    assert worker_request("stats", {}, {}) == {"do": "stats"}
    assert worker_request("flow", {"flow_id": 7}, {}) == {"do": "flow", "flow_id": 7}
    flows = worker_request("flows", {"filter": "port 22", "limit": 5}, {})
    assert flows == {"do": "flows", "limit": 5, "sort": "", "filter": "port 22"}
