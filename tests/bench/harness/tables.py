"""What was measured, as Markdown and bars: medians of ratios within a round, in brackets the lowest and the highest."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Final

#: by firewall and figure, one number a round
Figures = dict[str, dict[str, list[float]]]

#: titles of the kinds of traffic; the unit is a second's worth, but the round trip's
TITLES: Final = {
    "bulk": "bulk TCP",
    "by_port": "connections/s, by port",
    "http": "connections/s, HTTP",
    "tls": "connections/s, TLS",
    "no_protocol": "connections/s, answer of no protocol",
    "noise": "connections/s, random bytes, payload asked",
    "dns": "DNS questions/s over UDP",
    "datagrams": "64-byte datagrams/s",
    "round_trip": "round trip, median",
}
#: figures of the firewall itself, not ratios
COSTS: Final = {
    "cpu": "CPU us a connection",
    "queued": "queued packets a connection",
    "cpu_packet": "CPU us a queued packet",
    "p50": "median time, ms",
    "p99": "99th percentile, ms",
}
PAIR: Final = ("PyWall", "Suricata")


def ratios(figures: Figures, firewall: str, other: str, figure: str) -> list[float]:
    """Return the ratios of one firewall's figure to another's, round by round."""
    pairs = zip(figures[firewall][figure], figures[other][figure], strict=True)
    return [mine / theirs for mine, theirs in pairs if theirs]


def ratio_text(found: Sequence[float]) -> str:
    """Return the median with the lowest and the highest."""
    return f"{statistics.median(found):.2f} ({min(found):.2f}-{max(found):.2f})" if found else "-"


def table(figures: Figures, base: str = "none") -> str:
    """Return the kinds of traffic by firewall, as ratios to ``base``, and what a connection costs."""
    firewalls = [name for name in figures if name != base]
    paired = all(name in figures for name in PAIR)
    head = [*firewalls, *([" / ".join(PAIR)] if paired else [])]
    lines = ["| of no firewall | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
    for traffic, title in TITLES.items():
        if traffic not in figures[base]:
            continue
        cells = [ratio_text(ratios(figures, name, base, traffic)) for name in firewalls]
        cells += [ratio_text(ratios(figures, *PAIR, traffic))] if paired else []
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
        for cost, what in COSTS.items():
            figure = f"{traffic} {cost}"
            if figure in figures[base]:
                cells = [f"{statistics.median(figures[name][figure]):.3g}" for name in firewalls]
                cells += [ratio_text(ratios(figures, *PAIR, figure))] if paired else []
                lines.append(f"| ... {what} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def table_of_policies(figures: Figures) -> str:
    """Return what rules and events cost: connections of HTTP by firewall, beside the same firewall without them."""
    lines = [
        "| policy | connections/s | of the plain one | of Suricata's plain one | CPU us a connection |",
        "|---|---|---|---|---|",
    ]
    for name, found in figures.items():
        for traffic in ("http", "noise"):
            if traffic not in found or name in PAIR:
                continue
            plain = PAIR[1] if name.startswith(PAIR[1]) or traffic == "noise" else PAIR[0]
            cells = [
                f"{statistics.median(found[traffic]):.0f}",
                ratio_text(ratios(figures, name, plain, traffic)),
                ratio_text(ratios(figures, name, PAIR[1], traffic)) if PAIR[1] in figures else "-",
                f"{statistics.median(found[f'{traffic} cpu']):.0f}",
            ]
            lines.append(f"| {name}, {TITLES[traffic].partition(', ')[2]} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def plot(figures: Figures, path: Path, base: str = "none") -> None:
    """Draw bars of the same medians."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 4))
    firewalls = [name for name in figures if name != base]
    kinds = [traffic for traffic in TITLES if traffic in figures[base]]
    width = 0.8 / len(firewalls)
    for index, name in enumerate(firewalls):
        heights = [statistics.median(ratios(figures, name, base, traffic)) for traffic in kinds]
        axes.bar([at + index * width for at in range(len(kinds))], heights, width, label=name)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_xticks([at + 0.4 for at in range(len(kinds))], kinds, fontsize=8)
    axes.set_ylabel("ratio to no firewall")
    axes.set_yscale("log")
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path)
