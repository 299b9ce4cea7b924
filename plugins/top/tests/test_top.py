"""``pywall top`` at 80x24, driven by keys, over a firewall that only answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from threading import Event
from typing import Any

from pywall_top.app import SORTS, Story, TopApp
from pywall_top.source import Snapshot, end, host_rows, look, rule_rows, size
from textual.pilot import Pilot
from textual.widgets import DataTable, Input, Static, TabbedContent


def flow(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "flow_id": number,
        "src_ip": f"192.0.2.{number}",
        "src_port": 4000,
        "dest_ip": "198.51.100.2",
        "dest_port": 22,
        "proto": "TCP",
        "app_proto": "ssh",
        "state": "established",
        "pkts_toserver": 3,
        "pkts_toclient": 2,
        "bytes_toserver": 300,
        "bytes_toclient": 2000,
        "age": 1.5,
        "idle": 0.1,
        "verdict": "drop",
        "final": True,
        "rule": "INPUT[1]",
        **fields,
    }


class FakeFirewall:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def ask(self, command: str, **parameters: Any) -> dict[str, Any]:
        self.asked.append((command, parameters))
        match command:
            case "status":
                queues = {"1": {"waiting": 0, "packets": 7}, "lost": {"full": 2}}
                workers = [{"pid": 42, "queue": 1, "age": 5.0}]
                policy = {"policy": "p", "mode": "enforce", "hooks": ["INPUT"]}
                return {"ok": True, **policy, "queues": queues, "workers": workers}
            case "stats":
                decisions = [{"chain": "INPUT", "rule": "INPUT[1]", "action": "drop", "packets": 7}]
                stats = {"packets": 7, "verdicts": {"drop": 7}, "flows": {"active": 2}, "decisions": decisions}
                return {
                    "ok": True,
                    "stats": [
                        {**stats, "rules": {"INPUT[1]": 2}, "sets": {"blocked": {"type": "addresses", "entries": 1}}}
                    ],
                }
            case "flows" if parameters["filter"] == "hostile":
                # what does harm first: the column of the rule is the last, and 8 columns wide on a terminal of 80
                names = {3: "[red]bad[/] [/b]", 4: "\x1b[3J", 5: "\x9b3J", 6: "\x07"}
                return {"ok": True, "flows": [flow(number, rule_name=name) for number, name in names.items()]}
            case "flow" if parameters["flow_id"] == 3:
                facts = {"tls.sni": "[bold]\x1b]0;owned\x07", "http.hostname": "\x1b[3J\x9b3J"}
                return {"ok": True, "flow": flow(3, facts=facts)}
            case "flows":
                return {"ok": True, "flows": [flow(1), flow(2, app_proto=None, verdict="accept", final=False)]}
            case "flow":
                walk = [
                    {"rule": "INPUT[1]", "name": "no torrents", "answer": "YES", "action": "DROP", "where": "p.yaml:7"}
                ]
                direction = {"direction": "to_server", "hook": "INPUT", "walk": walk}
                return {"ok": True, "flow": flow(1, facts={"ssh.client": "x"}, directions=[direction])}
            case _:
                return {"ok": True}


def drive(keys: Callable[[TopApp, Pilot[None]], Awaitable[None]], firewall: FakeFirewall | None = None) -> None:
    async def run() -> None:
        app = TopApp(firewall or FakeFirewall())
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: app.query_one("#flows", DataTable).row_count)
            await keys(app, pilot)

    asyncio.run(run())


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Let the program go on until it has come to it; what it asks for runs in threads."""
    async with asyncio.timeout(60):
        while not condition():
            await pilot.pause()


def test_all_tabs_are_filled_and_fit_the_screen() -> None:
    async def keys(app: TopApp, pilot: Pilot[None]) -> None:
        counts = {name: app.query_one(f"#{name}", DataTable).row_count for name in ("flows", "rules", "hosts", "sets")}
        assert counts == {"flows": 2, "rules": 1, "hosts": 3, "sets": 1}
        assert app.query_one("#flows", DataTable).get_row_at(0)[0].plain == "192.0.2.1:4000"
        assert "2 flows" in str(app.query_one("#head", Static).render())
        assert app.query_one("#flows", DataTable).region.width <= 80
        await pilot.press("2")
        await until(pilot, lambda: app.query_one(TabbedContent).active == "tab-rules")

    drive(keys)


def test_enter_shows_the_walk_and_escape_closes_it() -> None:
    async def keys(app: TopApp, pilot: Pilot[None]) -> None:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Story) and app.screen.query(Static))
        text = str(app.screen.query_one(Static).render())
        assert "YES     no torrents: DROP (p.yaml:7)" in text
        assert "ssh.client = x" in text
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Story))

    drive(keys)


BLOCKED = ("set", {"op": "add", "set": "blocked", "entries": ["192.0.2.2"], "for": 3600})


def test_b_blocks_the_chosen_source() -> None:
    firewall = FakeFirewall()

    async def keys(app: TopApp, pilot: Pilot[None]) -> None:
        await pilot.press("down", "b")
        await until(pilot, lambda: BLOCKED in firewall.asked)

    drive(keys, firewall)


def test_a_refresh_takes_back_no_block() -> None:
    """A refresh takes the place of the one before it, and of nothing else that was asked for just before."""
    firewall = FakeFirewall()

    async def keys(app: TopApp, pilot: Pilot[None]) -> None:
        await pilot.press("down")
        app.action_block()
        app.refresh_now()
        await until(pilot, lambda: BLOCKED in firewall.asked)

    drive(keys, firewall)


def test_the_filter_and_the_order_go_to_the_firewall() -> None:
    firewall = FakeFirewall()

    async def keys(app: TopApp, pilot: Pilot[None]) -> None:
        await pilot.press("s", "slash")
        app.query_one("#filter", Input).value = "app ssh"
        await pilot.press("enter")
        asked = ("flows", {"sort": SORTS[1], "filter": "app ssh", "limit": 500})
        await until(pilot, lambda: asked in firewall.asked)

    drive(keys, firewall)


def test_an_answer_that_comes_while_it_ends_is_passed_over() -> None:
    async def keys(app: TopApp, pilot: Pilot[None]) -> None:
        await app.query_one("#head").remove()
        app._show(look(FakeFirewall(), SORTS[0], ""))

    drive(keys)


def test_an_answer_that_was_overtaken_is_not_shown() -> None:
    """The order was changed while an answer in the old one was on its way: it comes last, and is not shown."""
    asked, held, answered = Event(), Event(), Event()

    class Slow(FakeFirewall):
        def ask(self, command: str, **parameters: Any) -> dict[str, Any]:
            if command == "flows" and parameters["sort"] == SORTS[1]:
                asked.set()
                held.wait(60)
                answered.set()
                return {"ok": True, "flows": [flow(9)]}
            return super().ask(command, **parameters)

    async def keys(app: TopApp, pilot: Pilot[None]) -> None:
        shown: list[list[int]] = []
        show = app._show

        def noting(snapshot: Snapshot) -> None:
            shown.append([entry["flow_id"] for entry in snapshot.flows])
            show(snapshot)

        app._show = noting  # type: ignore[method-assign]
        await pilot.press("s")
        await until(pilot, asked.is_set)
        await pilot.press("s")
        held.set()
        await until(pilot, answered.is_set)
        seen = len(shown)
        await until(pilot, lambda: len(shown) > seen + 2)
        assert [9] not in shown

    drive(keys, Slow())


def test_a_firewall_that_is_gone_is_said() -> None:
    class Gone(FakeFirewall):
        def ask(self, command: str, **parameters: Any) -> dict[str, Any]:
            return {"ok": False, "error": "pywall does not run here"}

    assert look(Gone(), "", "").error == "pywall does not run here"


def test_rates_are_those_since_the_last_look() -> None:
    stats = {"decisions": [{"chain": "INPUT", "rule": "INPUT[0]", "action": "accept", "packets": 30}]}
    rows, counts = rule_rows(stats, {"INPUT INPUT[0] accept": 10}, 2.0)
    assert rows == [("INPUT[0]", "INPUT", "accept", "30", "10", "")]
    assert counts == {"INPUT INPUT[0] accept": 30}


def test_texts() -> None:
    assert [size(n) for n in (0, 1023, 1536, 5 << 20)] == ["0", "1023", "1.5K", "5.0M"]
    assert [end("192.0.2.1", 1), end("2001:db8::1", 1), end("192.0.2.1", 0)] == [
        "192.0.2.1:1",
        "[2001:db8::1]:1",
        "192.0.2.1",
    ]
    assert host_rows([flow(1)])[0] == ("192.0.2.1", "1", "2.2K", "1")
