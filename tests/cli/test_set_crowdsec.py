"""``pywall set crowdsec`` against an API that a test plays, and a firewall that notes what it is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.cli import main, set_change
from pywall_core.cli.crowdsec_decisions import Decisions, Lapi, LapiError, Wanted, duration
from pywall_core.cli.live import Refused
from pywall_core.cli.set_crowdsec import Bouncer

KEY = "837be58e22a28738066de1be8f53636b"


def decision(number: int, value: str, *, lasts: str = "4h0m0s", scope: str = "Ip", kind: str = "ban") -> dict[str, Any]:
    scenario = "crowdsecurity/ssh-bf"
    return {
        "id": number, "origin": "crowdsec", "type": kind, "scope": scope, "value": value,
        "duration": lasts, "scenario": scenario,
    }  # fmt: skip


class FakeApi:
    """Answers what ``answers`` has, one after the other; notes the queries."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.queries: list[dict[str, list[str]]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if self.headers["X-Api-Key"] != KEY:
                    self.send_error(403)
                    return
                api.queries.append(parse_qs(parts.query))
                answer = api.answers.pop(0) if parts.path == "/v1/decisions/stream" and api.answers else b"{}"
                self.send_response(200)
                self.end_headers()
                self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


class FakeFirewall:
    """The set, as requests change it."""

    def __init__(self) -> None:
        self.entries: dict[str, float | None] = {}
        self.type = "addresses"
        self.running = True
        self.requests = 0

    def ask(self, **request: Any) -> dict[str, Any]:
        assert len(json.dumps(request)) < 4096, "the control socket takes no more"
        self.requests += 1
        if not self.running or request["set"] != "crowdsec":
            raise Refused("no")
        if request["command"] == "set-entries":
            entries = [{"entry": entry, "left": left} for entry, left in self.entries.items()]
            return {"ok": True, "type": self.type, "entries": entries}
        for entry in request["entries"]:
            if request["op"] == "add":
                self.entries[entry] = request["for"]
            else:
                self.entries.pop(entry, None)
        return {"ok": True}


@pytest.fixture
def api() -> Iterator[FakeApi]:
    made = FakeApi()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def firewall(monkeypatch: pytest.MonkeyPatch) -> FakeFirewall:
    made = FakeFirewall()
    monkeypatch.setattr(set_change, "question", made.ask)
    return made


def test_a_set_follows_the_decisions(api: FakeApi, firewall: FakeFirewall) -> None:
    firewall.entries = {"192.0.2.99": None, "203.0.113.1": 5.0}
    bouncer = Bouncer(Lapi(api.url, KEY), "crowdsec")
    api.answers = [
        {
            "new": [decision(1, "203.0.113.1"), decision(2, "198.51.100.0/24", scope="Range", lasts="30s")],
            "deleted": None,
        },
        {"new": None, "deleted": None},
        {
            "new": [decision(3, "2001:db8::/48", scope="range")],
            "deleted": [decision(1, "203.0.113.1", lasts="-5s"), decision(77, "192.0.2.1")],
        },
    ]
    assert bouncer.step()
    assert firewall.entries.keys() == {"203.0.113.1", "198.51.100.0/24"}  # what was left of a run before has gone
    assert 14_400 <= firewall.entries["203.0.113.1"] <= 14_400 * 1.01 + 1
    assert 30 <= firewall.entries["198.51.100.0/24"] <= 31
    assert bouncer.step()
    assert bouncer.step()
    assert firewall.entries.keys() == {"198.51.100.0/24", "2001:db8::/48"}
    assert [query["startup"] for query in api.queries] == [["true"], ["false"], ["false"]]
    assert api.queries[0]["scopes"] == ["ip,range"]


def test_after_a_failure_everything_is_taken_over_anew(
    api: FakeApi, firewall: FakeFirewall, capsys: pytest.CaptureFixture[str]
) -> None:
    bouncer = Bouncer(Lapi(api.url, KEY), "crowdsec")
    api.answers = [{"new": [decision(1, "203.0.113.1")], "deleted": []}, b"<html>", {"new": [], "deleted": []}]
    assert bouncer.step()
    assert not bouncer.step()
    assert "the answer is not that of a CrowdSec API" in capsys.readouterr().err
    assert bouncer.step()
    assert firewall.entries == {}
    firewall.running = False
    api.answers = [{"new": [decision(2, "203.0.113.2")], "deleted": []}]
    assert not bouncer.step()
    firewall.running = True
    api.answers = [{"new": [decision(2, "203.0.113.2")], "deleted": []}]
    assert bouncer.step()
    assert firewall.entries.keys() == {"203.0.113.2"}
    assert [query["startup"] for query in api.queries][-1] == ["true"]


def test_an_address_is_free_when_its_last_decision_has_gone() -> None:
    held = Decisions()
    held.start({"new": [decision(1, "203.0.113.1"), decision(2, "203.0.113.1", lasts="1h0m0s")]}, [], 0)
    assert not held.follow({"deleted": [decision(1, "203.0.113.1")]}, 1).delete
    assert held.follow({"deleted": [decision(2, "203.0.113.1")]}, 2).delete == ["203.0.113.1"]
    held.follow({"new": [decision(3, "203.0.113.1")]}, 3)
    both = held.follow({"new": [decision(4, "203.0.113.1")], "deleted": [decision(3, "203.0.113.1")]}, 4)
    assert both.delete == []
    assert both.added == 1


def test_other_scopes_types_and_forms_are_left_out() -> None:
    held = Decisions()
    answer = {
        "new": [
            decision(1, "DE", scope="Country"), decision(2, "203.0.113.1", kind="captcha"), decision(3, "203.0.113"),
            decision(4, "203.0.113.4", lasts="-1s"), decision(5, "203.0.113.5", lasts="soon"), "x", None,
            {"scope": 1, "value": 2}, decision(6, "203.0.113.6/32", scope="Range"),
        ]
    }  # fmt: skip
    changes = held.start(answer, [], 0)
    assert [entry for entries in changes.add.values() for entry in entries] == ["203.0.113.6"]
    assert held.skipped == 8
    assert Decisions(["captcha"]).start(answer, [], 0).added == 1


def test_many_are_added_in_few_requests(firewall: FakeFirewall, api: FakeApi) -> None:
    """Fifty entries a request, those of about the same time to live together."""
    decisions = [
        decision(n, f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", lasts=f"{100 + n % 68}h{n % 60}m1.5s")
        for n in range(20_000)
    ]
    api.answers = [{"new": decisions, "deleted": []}]
    assert Bouncer(Lapi(api.url, KEY), "crowdsec").step()
    assert len(firewall.entries) == 20_000
    assert firewall.requests < 600


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("4h", 14400), ("3h59m2.5s", 14342.5), ("350ms", 0.35), ("-1m0s", -60), ("1h0m0.000001s", 3600.000001),
        ("167h59m59.999999999s", 604799.999999999), ("", None), ("4", None), ("4h soon", None), (7, None), (None, None),
        ("12µs", 12e-6),
    ],
)  # fmt: skip
def test_durations_of_go(text: object, seconds: float | None) -> None:
    assert duration(text) == (None if seconds is None else pytest.approx(seconds))


@given(st.recursive(st.none() | st.text() | st.integers(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)))
def test_any_answer_is_taken(anything: Any) -> None:
    held = Decisions()
    held.start({"new": anything, "deleted": anything}, [], 0)
    held.follow({"new": anything, "deleted": anything}, 0)
    assert len(held) == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"url": "ftp://x"}, "should be http://HOST:8080"),
        ({"key": "wrong"}, "answered 403: the key is wrong; 'cscli bouncers add pywall' makes one"),
        ({"url": "http://127.0.0.1:1"}, "http://127.0.0.1:1: "),
        ({"answer": b"[]"}, "is not that of a CrowdSec API"),
        ({"answer": b"\xff"}, "is not that of a CrowdSec API"),
    ],
)
def test_what_is_wrong_is_said(api: FakeApi, change: dict[str, Any], says: str) -> None:
    api.answers = [change.get("answer", b"{}")]
    with pytest.raises(LapiError) as caught:
        Lapi(change.get("url", api.url), change.get("key", KEY)).fetch(startup=True)
    assert says in str(caught.value)


def test_filters_go_to_the_api(api: FakeApi) -> None:
    api.answers = [{"new": None, "deleted": None}]
    Lapi(api.url + "/", KEY, Wanted(origins=("crowdsec", "cscli"), scenarios=("ssh",), without=("slow",))).fetch(
        startup=False
    )
    assert api.queries == [
        {
            "startup": ["false"], "scopes": ["ip,range"], "origins": ["crowdsec,cscli"],
            "scenarios_containing": ["ssh"], "scenarios_not_containing": ["slow"],
        }
    ]  # fmt: skip


def test_the_command_once(
    api: FakeApi,
    firewall: FakeFirewall,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PYWALL_CROWDSEC_KEY", raising=False)
    words = ["set", "crowdsec", "--once", "--url", api.url]
    assert main(words) == 2
    assert "cscli bouncers add pywall" in capsys.readouterr().err
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    file.chmod(0o644)
    assert main([*words, "--key-file", str(file)]) == 2
    assert f"chmod 600 {file}" in capsys.readouterr().err
    file.chmod(0o600)
    api.answers = [{"new": [decision(1, "203.0.113.1")], "deleted": None}]
    assert main([*words, "--key-file", str(file)]) == 0
    assert capsys.readouterr().out == "crowdsec: 1 entries, 1 new, 0 gone\n"
    assert main([*words, "--key-file", str(file), "--set", "nothing"]) == 1
    assert "the policy needs 'sets: {nothing: {}}'" in capsys.readouterr().err
    firewall.type = "names"
    assert main([*words, "--key-file", str(file)]) == 1
    assert "should be one of addresses" in capsys.readouterr().err
