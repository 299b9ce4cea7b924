"""Throughput without a firewall, with one that accepts all in C and in Python, with Suricata where it is installed, and
with PyWall, between namespaces.

``python -m tests.bench.harness [ROUNDS] [--part PART] [--figures FILE]``, as root: each round has namespaces for each
firewall, and each kind of traffic visits them in random order, so that what is compared was measured seconds apart.
``FILE`` keeps the figures: rounds of several runs add up. Writes the tables into docs/performance.md and the plot
beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from pywall_core.testing.netns import Lab, unavailable

from . import firewalls
from .firewalls import ALL_QUEUED, IN_C, IN_PYTHON, NONE, PYWALL, SURICATA, Firewall, cpu_seconds, queued_packets
from .flights import hold_handshake
from .tables import Figures, plot, table, table_of_policies

HERE = Path(__file__).parent
DOCS = HERE.parents[2] / "docs"
PORTS = {"by_port": 8100, "http": 8000, "tls": 8003, "no_protocol": 8001, "noise": 8002}
NOISE_PASSES = replace(PYWALL, name="PyWall, asks payload", passes_noise=True)


@dataclass(frozen=True)
class Part:
    """Firewalls that are compared with each other, in which place and by which traffic."""

    firewalls: tuple[Firewall, ...]
    traffic: tuple[str, ...]
    gateway: bool = False

    def visits(self, traffic: str) -> list[Firewall]:
        """Return the firewalls that this traffic visits, in random order."""
        wanted = [one for one in self.firewalls if traffic != "noise" or one in (SURICATA, NOISE_PASSES)]
        wanted = [one for one in wanted if traffic == "noise" or one is not NOISE_PASSES]
        return random.sample(wanted, len(wanted))


PARTS = {
    "host": Part(
        (NONE, IN_C, IN_PYTHON, SURICATA, PYWALL, ALL_QUEUED),
        ("bulk", "by_port", "http", "tls", "no_protocol", "dns", "datagrams", "round_trip"),
    ),
    "gateway": Part((NONE, IN_C, SURICATA, PYWALL), ("bulk", "by_port", "http", "tls", "dns"), gateway=True),
    "policies": Part(
        (
            SURICATA,
            PYWALL,
            *(replace(one, name=f"{one.name}, 10 rules more", rules=10) for one in (SURICATA, PYWALL)),
            *(replace(one, name=f"{one.name}, 10,000 rules more", rules=10_000) for one in (SURICATA, PYWALL)),
            *(replace(one, name=f"{one.name}, events to a file", events=True) for one in (SURICATA, PYWALL)),
            NOISE_PASSES,
        ),
        ("http", "noise"),
    ),
}


def measure(lab: Lab, traffic: str, firewall: int) -> dict[str, float]:
    """Figures by name: bits, connections or datagrams a second, or microseconds; of connections the costs as well."""
    server = lab.server4
    if traffic == "bulk":
        said = json.loads(lab.run("client", "iperf3", "-c", server, "-t", "2", "-J"))
        return {traffic: float(said["end"]["sum_received"]["bits_per_second"])}
    tool = [sys.executable, str(HERE / "traffic.py")]
    if traffic not in PORTS and traffic != "dns":
        return {traffic: json.loads(lab.run("client", *tool, traffic, server, "1"))["rate"]}
    spent, queued = -cpu_seconds(firewall), -queued_packets(lab)
    kind = ["questions", server] if traffic == "dns" else ["connections", server, str(PORTS[traffic])]
    said = json.loads(lab.run("client", *tool, *kind, "2"))
    spent, queued = spent + cpu_seconds(firewall), queued + queued_packets(lab)
    count = max(said["count"], 1)
    costs = {"cpu": spent / count * 1e6, "queued": queued / count, "cpu_packet": spent / max(queued, 1) * 1e6}
    costs |= {"p50": said["p50"], "p99": said["p99"]}
    return {traffic: said["rate"], **{f"{traffic} {name}": figure for name, figure in costs.items()}}


def one_round(part: Part, figures: Figures) -> None:
    """Every kind of traffic through every firewall, once."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        handshake = folder / "flights"
        handshake.write_text(json.dumps([flight.hex() for flight in hold_handshake(folder)]))
        os.environ["BENCH_FLIGHTS"] = str(handshake)
        labs, running = {}, {}
        for number, firewall in enumerate(part.firewalls):
            own = folder / str(number)
            own.mkdir()
            lab = labs[firewall] = stack.enter_context(Lab(gateway=part.gateway))
            served = own / "server"
            with served.open("wb") as out:
                server = lab.start("server", sys.executable, str(HERE / "traffic.py"), "serve", stdout=out)
                lab.start("server", "iperf3", "-s", stdout=out)
            firewalls.wait_for_text(served, "ready", server)
            running[firewall] = firewalls.start(lab, firewall, own)
        for traffic in part.traffic:
            for firewall in part.visits(traffic):
                for name, figure in measure(labs[firewall], traffic, running[firewall]).items():
                    figures.setdefault(firewall.name, {}).setdefault(name, []).append(figure)


def write_table(page: str, name: str, text: str) -> str:
    """Return the page with the table of this name replaced."""
    begin, end = f"<!-- {name} by make bench -->\n", f"<!-- end of {name} -->\n"
    before, found, rest = page.partition(begin)
    return before + found + text + end + rest.partition(end)[2] if found else page


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.harness")
    parser.add_argument("rounds", nargs="?", type=int, default=5)
    parser.add_argument("--part", choices=PARTS, action="append", help="default: all")
    parser.add_argument("--figures", type=Path, help="file of figures to add to")
    args = parser.parse_args()
    reason = unavailable() or ("" if shutil.which("iperf3") else "iperf3 is missing")
    if reason:
        raise SystemExit(reason)
    kept: dict[str, Figures] = json.loads(args.figures.read_text()) if args.figures and args.figures.exists() else {}
    for number in range(args.rounds):
        for name, part in _wanted(args.part):
            found: Figures = {}
            one_round(part, found)
            known = kept.setdefault(name, {})
            for firewall in (one.name for one in part.firewalls if one.name in found):
                for figure, values in found[firewall].items():
                    known.setdefault(firewall, {}).setdefault(figure, []).extend(values)
            if args.figures:
                args.figures.write_text(json.dumps(kept))
            print(f"round {number + 1} of {args.rounds}, {name}", file=sys.stderr)
    page = DOCS / "performance.md"
    for name, figures in kept.items():
        text = table_of_policies(figures) if name == "policies" else table(figures)
        print(f"{name}\n{text}")
        page.write_text(write_table(page.read_text(), name, text))
    if "host" in kept:
        plot(kept["host"], DOCS / "performance.svg")


def _wanted(names: list[str] | None) -> Iterator[tuple[str, Part]]:
    for name in names or PARTS:
        part = PARTS[name]
        yield name, replace(part, firewalls=tuple(one for one in part.firewalls if firewalls.there(one)))


if __name__ == "__main__":
    main()
