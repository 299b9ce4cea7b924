"""Throughput of a host without a firewall, with one that accepts all in Python, and with PyWall, between namespaces.

``python -m tests.bench.harness [ROUNDS]``, as root: each round has namespaces for each firewall, and each kind
of traffic visits them in random order, so that what is compared was measured seconds apart. Writes the table of ratios
into docs/performance.md and the plot beside it.
"""

from __future__ import annotations

import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from pywall_core.testing.netns import SERVER4, Lab, unavailable

HERE = Path(__file__).parent
DOCS = HERE.parents[2] / "docs"
POLICY = HERE.parent / "policy.yaml"
BEGIN, END = "<!-- table by make bench -->\n", "<!-- end of table -->\n"
TRAFFIC = {
    "bulk": "bulk TCP",
    "by_port": "connections/s, by port",
    "by_protocol": "connections/s, HTTP detected",
    "datagrams": "64-byte datagrams/s",
    "round_trip": "round trip, median",
}
FIREWALLS = ("none", "Python accept-all", "PyWall", "PyWall, offload: false")
Figures = dict[str, dict[str, list[float]]]


def start(lab: Lab, firewall: str, folder: Path) -> None:
    """Have the firewall run on the lab's server."""
    if firewall == "none":
        return
    log = folder / firewall
    with log.open("wb") as out:
        if firewall == "Python accept-all":
            lab.start("server", sys.executable, str(HERE / "accept_all.py"), stdout=out, stderr=out)
            _wait_for(log, "ready")
            for hook in ("INPUT", "OUTPUT"):
                lab.run("server", "iptables", "-t", "mangle", "-A", hook, "-j", "NFQUEUE", "--queue-num", "1")
            return
        config = folder / f"{firewall}.yaml"
        config.write_text(POLICY.read_text() + ("queue: {offload: false}\n" if "false" in firewall else ""))
        lab.start("server", sys.executable, "-m", "pywall_core", "run", "--config", str(config), stdout=out, stderr=out)
    deadline = time.monotonic() + 30
    while "PYWALL_INPUT" not in lab.run("server", "iptables-save", "-t", "mangle"):
        if time.monotonic() > deadline:
            raise SystemExit(f"pywall did not start: {log.read_text()}")
        time.sleep(0.1)
    time.sleep(1)


def _wait_for(log: Path, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in log.read_text():
        if time.monotonic() > deadline:
            raise SystemExit(f"{log.name}: not ready: {log.read_text()}")
        time.sleep(0.05)


def measure(lab: Lab, traffic: str) -> float:
    """One figure: bits, connections or datagrams a second, or microseconds."""
    if traffic == "bulk":
        said = json.loads(lab.run("client", "iperf3", "-c", SERVER4, "-t", "2", "-J"))
        return float(said["end"]["sum_received"]["bits_per_second"])
    tool = [sys.executable, str(HERE / "traffic.py")]
    if traffic in ("by_port", "by_protocol"):
        port = "8100" if traffic == "by_port" else "8000"
        return float(lab.run("client", *tool, "connections", SERVER4, port, "2"))
    return float(lab.run("client", *tool, traffic, SERVER4, "1"))


def one_round(figures: Figures) -> None:
    """Every kind of traffic through every firewall, once."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        labs = {}
        for number, firewall in enumerate(FIREWALLS):
            lab = labs[firewall] = stack.enter_context(Lab())
            served = folder / f"server-{number}"
            with served.open("wb") as out:
                lab.start("server", sys.executable, str(HERE / "traffic.py"), "serve", stdout=out)
                lab.start("server", "iperf3", "-s", stdout=out)
            _wait_for(served, "ready")
            start(lab, firewall, folder)
        for traffic in TRAFFIC:
            for firewall in random.sample(FIREWALLS, len(FIREWALLS)):
                figures[firewall][traffic].append(measure(labs[firewall], traffic))


def ratios(figures: Figures, firewall: str, traffic: str) -> list[float]:
    """To no firewall, round by round."""
    pairs = zip(figures[firewall][traffic], figures["none"][traffic], strict=True)
    return [mine / none for mine, none in pairs]


def table(figures: Figures) -> str:
    """Markdown: medians of the ratios, lowest and highest in brackets."""
    lines = ["| | " + " | ".join(FIREWALLS[1:]) + " |", "|---" * len(FIREWALLS) + "|"]
    for traffic, title in TRAFFIC.items():
        cells = []
        for firewall in FIREWALLS[1:]:
            found = ratios(figures, firewall, traffic)
            cells.append(f"{statistics.median(found):.2f} ({min(found):.2f}-{max(found):.2f})")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def plot(figures: Figures, path: Path) -> None:
    """Bars of the same medians."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 4))
    width = 0.8 / (len(FIREWALLS) - 1)
    for index, firewall in enumerate(FIREWALLS[1:]):
        heights = [statistics.median(ratios(figures, firewall, traffic)) for traffic in TRAFFIC]
        axes.bar([at + index * width for at in range(len(TRAFFIC))], heights, width, label=firewall)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_xticks([at + width for at in range(len(TRAFFIC))], [*TRAFFIC.values()], fontsize=8)
    axes.set_ylabel("ratio to no firewall")
    axes.set_yscale("log")
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    """Measure, print, write."""
    reason = unavailable() or ("" if shutil.which("iperf3") else "iperf3 is missing")
    if reason:
        raise SystemExit(reason)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    figures: Figures = {firewall: {traffic: [] for traffic in TRAFFIC} for firewall in FIREWALLS}
    for number in range(rounds):
        one_round(figures)
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    text = table(figures)
    print(text)
    page = DOCS / "performance.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(before + BEGIN + text + END + after)
    plot(figures, DOCS / "performance.svg")


if __name__ == "__main__":
    main()
