"""The terminal program (Textual)."""

from __future__ import annotations

from time import monotonic
from typing import Any, ClassVar, Final

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.notifications import SeverityLevel
from textual.screen import ModalScreen
from textual.widgets import DataTable, Footer, Input, Static, TabbedContent, TabPane
from textual.worker import get_current_worker

from pywall_core.client import printable

from .source import (
    Firewall,
    Json,
    Row,
    Snapshot,
    flow_row,
    health_rows,
    host_rows,
    look,
    protocol_rows,
    rule_rows,
    set_rows,
    size,
    story,
)

#: seconds between two refreshes
REFRESH: Final = 1.0
#: orders of the flows, as `pywall flows --sort` knows them
SORTS: Final = ("recent", "bytes", "packets", "age")
_TABLES: Final = {
    "flows": ("client", "server", "proto", "protocol", "bytes", "age", "verdict", "rule"),
    "rules": ("rule", "chain", "action", "packets", "per s", "hits"),
    "protocols": ("protocol", "flows", "bytes", "dropped"),
    "hosts": ("host", "flows", "bytes", "dropped"),
    "sets": ("set", "type", "entries"),
    "health": ("what", "value"),
}


class Story(ModalScreen[None]):
    """One flow's story over the tables; any of Escape, Enter and q closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q", "dismiss", "close")]
    CSS = "Story { align: center middle; } #story { width: 95%; height: 90%; border: round $accent; padding: 0 1; }"

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="story"):
            yield Static(printable(self._text), markup=False)


class TopApp(App[None]):
    """Flows, rules, protocols, hosts, sets and health of ``firewall``, refreshed each second."""

    TITLE = "pywall top"
    CSS = """
    Screen { overflow: hidden; }
    #tabs { height: 1fr; }
    #head { height: 1; background: $panel; padding: 0 1; }
    #filter { height: 3; display: none; }
    DataTable { height: 1fr; }
    TabPane { padding: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "quit"),
        # with priority the focus moves before the next key is looked at: what is typed ahead over a slow line belongs
        # to the filter, and no `b` in it blocks a host
        Binding("slash", "filter", "filter", key_display="/", priority=True),
        Binding("escape", "close_filter", show=False),
        Binding("s", "sort", "sort"),
        Binding("p", "pause", "pause"),
        Binding("b", "block", "block 1 h"),
        Binding("a", "allow", "allow 1 h"),
        *(Binding(str(n), f"tab({name!r})", name, show=False) for n, name in enumerate(_TABLES, 1)),
    ]

    def __init__(self, firewall: Firewall) -> None:
        super().__init__()
        self._firewall = firewall
        self._sort = 0
        self._expression = ""
        self._paused = False
        self._flows: list[Json] = []
        self._packets: dict[str, int] = {}
        self._seen = 0.0
        self._total = (0, 0.0)

    def compose(self) -> ComposeResult:
        yield Static("", id="head", markup=False)
        yield Input(placeholder="host 192.0.2.1 and port 443, app ssh ... (Enter: show, empty: all)", id="filter")
        with TabbedContent(id="tabs"):
            for number, name in enumerate(_TABLES, 1):
                with TabPane(f"{number} {name.capitalize()}", id=f"tab-{name}"):
                    yield DataTable(id=name, cursor_type="row", zebra_stripes=True)
        yield Footer()

    def on_mount(self) -> None:
        """Make the columns, and look for the first time."""
        for name, columns in _TABLES.items():
            self._table(name).add_columns(*columns)
        self.set_interval(REFRESH, self._refresh_unless_asking)
        self.refresh_now()
        self._table("flows").focus()

    def refresh_now(self) -> None:
        """Ask the firewall, beside the screen."""
        if not self._paused:
            self._ask(SORTS[self._sort], self._expression)

    def _refresh_unless_asking(self) -> None:
        # over a slow line an answer may take longer than the interval
        if not any(worker.name == "_ask" and worker.is_running for worker in self.workers):
            self.refresh_now()

    # a group of its own: a refresh overtakes the one before it, and never a block or a story asked for just before
    @work(thread=True, exclusive=True, group="refresh")
    def _ask(self, sort: str, expression: str) -> None:
        snapshot = look(self._firewall, sort, expression)
        if not get_current_worker().is_cancelled:  # a thread goes on when it was overtaken
            self.call_from_thread(self._show, snapshot)

    def _show(self, snapshot: Snapshot) -> None:
        if not self.query("#head"):
            return  # the screen is being taken down, and this answer was still on its way
        now = monotonic()
        self._flows = snapshot.flows
        rules, self._packets = rule_rows(snapshot.stats, self._packets, now - self._seen)
        self.query_one("#head", Static).update(printable(self._headline(snapshot, now)))
        self._seen = now
        contents: dict[str, list[Row]] = {
            "flows": [flow_row(flow) for flow in snapshot.flows],
            "rules": rules,
            "protocols": protocol_rows(snapshot.flows),
            "hosts": host_rows(snapshot.flows),
            "sets": set_rows(snapshot.stats),
            "health": health_rows(snapshot) if snapshot.status else [],
        }
        for name, rows in contents.items():
            self._fill(self._table(name), rows)

    def _headline(self, snapshot: Snapshot, now: float) -> str:
        if snapshot.error:
            return f"pywall top: {snapshot.error}"
        stats = snapshot.stats
        packets, seconds = int(stats.get("packets", 0)), now - self._total[1]
        rate = (packets - self._total[0]) / seconds if self._total[1] else 0.0
        self._total = (packets, now)
        verdicts = ", ".join(f"{size(n)} {action}" for action, n in sorted(stats.get("verdicts", {}).items()))
        active = stats.get("flows", {}).get("active", 0)
        parts = [f"{active} flows", f"{rate:.0f} packets/s", verdicts, f"by {SORTS[self._sort]}"]
        parts += [f"filter: {self._expression}"] if self._expression else []
        return " | ".join([*parts, *(["PAUSED"] if self._paused else [])])

    def _fill(self, table: DataTable[Any], rows: list[Row]) -> None:
        """Show the rows; the cursor and the scroll position stay."""
        at, scroll = table.cursor_row, table.scroll_offset
        table.clear()
        for row in rows:
            table.add_row(*(Text(printable(cell).replace("\n", " ")) for cell in row))
        if rows:
            table.move_cursor(row=min(at, len(rows) - 1), animate=False, scroll=False)
            table.scroll_to(scroll.x, scroll.y, animate=False)

    def _table(self, name: str) -> DataTable[Any]:
        return self.query_one(f"#{name}", DataTable)

    # --- keys -----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave ``/`` to the filter itself, and to a story that lies over the tables."""
        return action != "filter" or (len(self.screen_stack) == 1 and not isinstance(self.focused, Input))

    def action_filter(self) -> None:
        """Show the filter."""
        field = self.query_one("#filter", Input)
        field.display = True
        self.screen.set_focus(field)

    def action_close_filter(self) -> None:
        """Hide the filter; the expression that was shown before stays."""
        field = self.query_one("#filter", Input)
        if field.display:
            field.display = False
            field.value = self._expression
            self.screen.set_focus(self._table("flows"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The filter was typed."""
        self._expression = event.value.strip()
        self.action_close_filter()
        self.refresh_now()

    def action_sort(self) -> None:
        """Another order of the flows."""
        self._sort = (self._sort + 1) % len(SORTS)
        self.refresh_now()

    def action_pause(self) -> None:
        """Stop or go on."""
        self._paused = not self._paused
        head = self.query_one("#head", Static)
        if self._paused:
            head.update("PAUSED (p goes on)")
        self.refresh_now()

    def action_tab(self, name: str) -> None:
        """Show the tab of that name."""
        self.query_one(TabbedContent).active = f"tab-{name}"
        self._table(name).focus()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Enter on a flow: its story."""
        if event.data_table.id == "flows" and event.cursor_row < len(self._flows):
            self._tell(self._flows[event.cursor_row]["flow_id"])

    @work(thread=True)
    def _tell(self, number: int) -> None:
        answer = self._firewall.ask("flow", flow_id=number)
        text = story(answer["flow"]) if answer.get("ok") else str(answer.get("error"))
        self.call_from_thread(self.push_screen, Story(text))

    def action_block(self) -> None:
        """Block the chosen host for an hour."""
        self._change_set("blocked")

    def action_allow(self) -> None:
        """Allow the chosen host for an hour."""
        self._change_set("allowed")

    def _change_set(self, name: str) -> None:
        active = self.query_one(TabbedContent).active
        table = self._table(active.removeprefix("tab-"))
        row = table.cursor_row
        host = ""
        if active == "tab-flows" and row < len(self._flows):
            host = self._flows[row]["src_ip"]
        elif active == "tab-hosts" and row < table.row_count:
            host = str(table.get_row_at(row)[0])
        if host:
            self._send_change(name, host)

    @work(thread=True)
    def _send_change(self, name: str, host: str) -> None:
        answer = self._firewall.ask("set", op="add", set=name, entries=[host], **{"for": 3600})
        done = bool(answer.get("ok"))
        text = f"{host} is in @{name} for an hour" if done else printable(str(answer.get("error")))
        severity: SeverityLevel = "information" if done else "error"
        self.call_from_thread(self.notify, text, markup=False, severity=severity)
