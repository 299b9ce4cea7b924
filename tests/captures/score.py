"""Precision and recall of ``pywall replay`` on a folder of captures whose flows are labelled in ``manifest.json``.

``python tests/captures/score.py FOLDER [--markdown] [--all]``

A positive is a TCP or UDP flow of status ``agreed`` whose start was captured and that is not excluded. It is found when
the flow's ``app_proto`` or ``app_proto_orig`` is its label or one of its ``accept``. An answer is a false alarm where
no source named that protocol for the flow, whatever its status. Exit code 1 when the replay failed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

POLICY = Path(__file__).with_name("policy.yaml")
#: Answers that name no protocol.
SILENT = {"unknown", "none", "failed", None}
#: Other sources' names of what is called otherwise here.
SAME = {
    "adwin_config": "adwin",
    "cassandra": "cql",
    "iec62056": "dlms",
    "mining": "stratum",
    "ieee-c37118": "synphasor",
    "iso9506-1-mms": "mms",
    "nbns": "netbios",
    "nbss": "netbios",
    "z3950": "z39.50",
}
Key = tuple[str, str, frozenset[tuple[str, int]]]


@dataclass
class Score:
    """What was found of one protocol."""

    positives: int = 0
    found: int = 0
    midstream: int = 0
    midstream_found: int = 0
    misses: list[str] = field(default_factory=list)
    false_alarms: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.found / self.positives if self.positives else 0.0

    @property
    def precision(self) -> float:
        alarms = len(self.false_alarms)
        return self.found / (self.found + alarms) if self.found + alarms else 0.0


def replay(folder: Path) -> dict[Key, set[str]]:
    """The protocols that ``pywall replay`` named, by capture, transport and both endpoints."""
    command = [Path(sys.executable).with_name("pywall"), "replay", "--config", POLICY, "--json", folder]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if not done.stdout:
        sys.exit(f"replay failed: {done.stderr[-2000:]}")
    named: dict[Key, set[str]] = defaultdict(set)
    for line in done.stdout.splitlines():
        event = json.loads(line)
        if event.get("event_type") != "flow" or "src_port" not in event:
            continue
        ends = ((event["src_ip"], event["src_port"]), (event["dest_ip"], event["dest_port"]))
        key = (event["pcap_filename"], event["proto"].lower(), frozenset(ends))
        named[key] |= {event.get("app_proto"), event.get("app_proto_orig")} - SILENT
    return named


def sources(flow: dict[str, Any]) -> set[str]:
    """Every protocol that some source named for the flow."""
    labels: Iterable[str] = [label for labels in flow["votes"].values() for label in labels]
    labels = [*labels, flow["label"], *flow.get("accept", ()), *_names(flow.get("guesses", {}))]
    named = {part for label in labels for part in label.removeprefix("other:").split("|")}
    return named | {SAME[name] for name in named if name in SAME}


def _names(guesses: Any) -> list[str]:
    values = guesses.values() if isinstance(guesses, dict) else guesses
    return [name for value in values for name in ([value] if isinstance(value, str) else value)]


def score(folder: Path) -> tuple[dict[str, Score], list[str]]:
    """Scores by protocol, and the agreed flows that nothing was named for."""
    named = replay(folder)
    scores: dict[str, Score] = defaultdict(Score)
    unknown = []
    manifest = json.loads((folder / "manifest.json").read_text())
    for capture in manifest["captures"]:
        path = str(folder / capture["file"])
        for flow in capture["flows"]:
            if flow["proto"] not in ("tcp", "udp") or flow.get("exclude"):
                continue
            client, server = (flow["client_ip"], flow["client_port"]), (flow["server_ip"], flow["server_port"])
            answers = named.get((path, flow["proto"], frozenset((client, server))), set())
            label = flow["label"]
            shown = f"{capture['file']} {flow['proto']} {client[0]}:{client[1]} > {server[0]}:{server[1]} {label}"
            shown += f" {flow['status']}: {', '.join(sorted(answers)) or 'unknown'}"
            for answer in answers - sources(flow):
                scores[answer].false_alarms.append(shown)
            if flow["status"] != "agreed" or label in ("other", "unknown", "none"):
                continue
            found = bool(answers & {label, *flow.get("accept", ())})
            if flow.get("midstream"):
                scores[label].midstream += 1
                scores[label].midstream_found += found
                continue
            scores[label].positives += 1
            scores[label].found += found
            if not found:
                scores[label].misses.append(shown)
                unknown += [] if answers else [shown]
    return scores, unknown


def rows(scores: dict[str, Score]) -> list[tuple[str, ...]]:
    """The table, the protocols with most positives first."""
    table: list[tuple[str, ...]] = [
        ("protocol", "flows", "found", "recall", "false alarms", "precision", "mid-stream found")
    ]
    for name, each in sorted(scores.items(), key=lambda item: (-item[1].positives, item[0])):
        recall = f"{each.recall:.3f}" if each.positives else "-"
        precision = f"{each.precision:.3f}" if each.found or each.false_alarms else "-"
        midstream = f"{each.midstream_found} of {each.midstream}" if each.midstream else "-"
        alarms = str(len(each.false_alarms))
        table.append((name, str(each.positives), str(each.found), recall, alarms, precision, midstream))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description="score pywall replay on labelled captures")
    parser.add_argument("folder", type=Path, help="folder with manifest.json")
    parser.add_argument("--markdown", action="store_true", help="print the table for the manual alone")
    parser.add_argument("--all", action="store_true", help="list every miss and false alarm, not ten a protocol")
    options = parser.parse_args()
    scores, unknown = score(options.folder.resolve())
    table = rows(scores)
    if options.markdown:
        for number, row in enumerate(table):
            print("| " + " | ".join(row) + " |")
            if number == 0:
                print("|" + " --- |" * len(row))
        return
    widths = [max(len(row[n]) for row in table) for n in range(len(table[0]))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
    positives = sum(each.positives for each in scores.values())
    print(
        f"\nagreed flows named unknown: {len(unknown)} of {positives} ({100 * len(unknown) / max(1, positives):.2f} %)"
    )
    most = None if options.all else 10
    for what in ("misses", "false_alarms"):
        print(f"\n{what.replace('_', ' ')}:")
        for name, each in sorted(scores.items()):
            for line in getattr(each, what)[:most]:
                print(f"  {name}: {line}")


if __name__ == "__main__":
    main()
