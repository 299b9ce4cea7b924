"""``pywall set crowdsec`` against an API that a test plays, and a firewall that notes what it is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pywall_core.cli import main, set_change
from pywall_core.cli.crowdsec_decisions import Lapi
from pywall_core.cli.live import Refused
from pywall_core.cli.set_crowdsec import Bouncer

from .crowdsec_api import KEY, FakeApi, decision


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
