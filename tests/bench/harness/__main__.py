"""Throughput of a host without a firewall, with one that accepts all in Python, with Suricata where it is installed,
and with PyWall, between namespaces.

``python -m tests.bench.harness [ROUNDS]``, as root: each round has namespaces for each firewall, and each kind
of traffic visits them in random order, so that what is compared was measured seconds apart. Writes the table of ratios
into docs/performance.md and the plot beside it.
"""

from __future__ import annotations

import json
import os
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
    "no_protocol": "connections/s, answer of no protocol",
    "datagrams": "64-byte datagrams/s",
    "round_trip": "round trip, median",
}
PORTS = {"by_port": 8100, "by_protocol": 8000, "no_protocol": 8001}
#: figures of the firewall itself, not ratios: CPU of a connection in microseconds, and its 99th percentile
COSTS = {"cpu": "CPU us a connection", "p99": "99th percentile, ms"}
SURICATA = ("Suricata",) if shutil.which("suricata") else ()
FIREWALLS = ("none", "Python accept-all", *SURICATA, "PyWall", "PyWall, offload: false")
Figures = dict[str, dict[str, list[float]]]


def start(lab: Lab, firewall: str, folder: Path) -> int:
    """Have the firewall run on the lab's server; its process id, 0: there is none."""
    if firewall == "none":
        return 0
    log = folder / firewall
    with log.open("wb") as out:
        if firewall in ("Python accept-all", "Suricata"):
            command, ready = [sys.executable, str(HERE / "accept_all.py")], "ready"
            if firewall == "Suricata":
                rules = str(HERE / "suricata.rules")
                command = ["suricata", "-c", str(HERE / "suricata.yaml"), "-S", rules, "-l", str(folder), "-q", "1"]
                ready = "Engine started"
            process = lab.start("server", *command, stdout=out, stderr=out)
            _wait_for(log, ready)
            for hook in ("INPUT", "OUTPUT"):
                lab.run("server", "iptables", "-t", "mangle", "-A", hook, "-j", "NFQUEUE", "--queue-num", "1")
            return process.pid
        config = folder / f"{firewall}.yaml"
        config.write_text(POLICY.read_text() + ("queue: {offload: false}\n" if "false" in firewall else ""))
        command = [sys.executable, "-m", "pywall_core", "run", "--config", str(config)]
        process = lab.start("server", *command, stdout=out, stderr=out)
    deadline = time.monotonic() + 30
    while "PYWALL_INPUT" not in lab.run("server", "iptables-save", "-t", "mangle"):
        if time.monotonic() > deadline:
            raise SystemExit(f"pywall did not start: {log.read_text()}")
        time.sleep(0.1)
    time.sleep(1)
    return process.pid


def cpu_seconds(pid: int) -> float:
    """What a process, its threads and its children have used so far."""
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(cpu_seconds(int(child)) for child in children)


def _wait_for(log: Path, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in log.read_text():
        if time.monotonic() > deadline:
            raise SystemExit(f"{log.name}: not ready: {log.read_text()}")
        time.sleep(0.05)


def measure(lab: Lab, traffic: str, firewall: int) -> dict[str, float]:
    """Figures by name: bits, connections or datagrams a second, or microseconds; of connections the costs as well."""
    if traffic == "bulk":
        said = json.loads(lab.run("client", "iperf3", "-c", SERVER4, "-t", "2", "-J"))
        return {traffic: float(said["end"]["sum_received"]["bits_per_second"])}
    tool = [sys.executable, str(HERE / "traffic.py")]
    if traffic not in PORTS:
        return {traffic: float(lab.run("client", *tool, traffic, SERVER4, "1"))}
    before = cpu_seconds(firewall)
    said = json.loads(lab.run("client", *tool, "connections", SERVER4, str(PORTS[traffic]), "2"))
    spent = cpu_seconds(firewall) - before
    return {traffic: said["rate"], f"{traffic} p99": said["p99"], f"{traffic} cpu": spent / said["count"] * 1e6}


def one_round(figures: Figures) -> None:
    """Every kind of traffic through every firewall, once."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        labs, running = {}, {}
        for number, firewall in enumerate(FIREWALLS):
            lab = labs[firewall] = stack.enter_context(Lab())
            served = folder / f"server-{number}"
            with served.open("wb") as out:
                lab.start("server", sys.executable, str(HERE / "traffic.py"), "serve", stdout=out)
                lab.start("server", "iperf3", "-s", stdout=out)
            _wait_for(served, "ready")
            running[firewall] = start(lab, firewall, folder)
        for traffic in TRAFFIC:
            for firewall in random.sample(FIREWALLS, len(FIREWALLS)):
                for name, figure in measure(labs[firewall], traffic, running[firewall]).items():
                    figures[firewall].setdefault(name, []).append(figure)


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
        for cost, what in COSTS.items() if traffic in PORTS else ():
            costs = [statistics.median(figures[firewall][f"{traffic} {cost}"]) for firewall in FIREWALLS[1:]]
            lines.append(f"| ... {what} | " + " | ".join(f"{found:.0f}" for found in costs) + " |")
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
    figures: Figures = {firewall: {} for firewall in FIREWALLS}
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
