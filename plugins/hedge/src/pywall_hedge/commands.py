"""`pywall classify FILE...` and `pywall hedge evaluate CORPUS`: entry points of the group `pywall.commands`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import inspection

METHODS = ("learned", "hedge")


def classify_command(parser: argparse.ArgumentParser) -> None:
    """Describe `pywall classify` and set `run`."""
    parser.description = (
        "Tell whether files, folders of files and flows of captures are plain, compressed or encrypted."
    )
    parser.add_argument(
        "files", nargs="+", metavar="PATH", help="file, folder, capture (pcap, pcapng), or - for standard input"
    )
    _method(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--plot", metavar="PNG", help="draw the odds over the bytes (needs pywall-hedge[plot])")
    parser.set_defaults(run=_run_classify)


def hedge_command(parser: argparse.ArgumentParser) -> None:
    """Describe `pywall hedge` and set `run`."""
    parser.description = "Work with the classifier itself."
    inner = parser.add_subparsers(metavar="COMMAND", required=True)
    summary = "accuracy on a corpus, per size and per format"
    part = inner.add_parser("evaluate", help=summary, description=f"Measure {summary}, with 95 % intervals.")
    part.add_argument(
        "corpus", type=Path, metavar="CORPUS", help="folder {plain,compressed,encrypted}/<format>/<files>"
    )
    _method(part)
    part.add_argument("--sizes", type=int, nargs="+", metavar="BYTES", help="fragment sizes (64 to 16384)")
    part.add_argument("--count", type=int, default=80, metavar="N", help="fragments of each format and size (80)")
    part.add_argument("--seed", type=int, default=7, metavar="N", help="of the draw of fragments (7)")
    part.add_argument("--json", action="store_true", help="one JSON object a size")
    part.add_argument("--roc", metavar="PNG", help="draw ROC curves (needs pywall-hedge[plot])")
    part.set_defaults(run=_run_evaluate)


def _method(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--method", choices=METHODS, default="learned", help="learned (default), or the paper's tests")


def _progress(name: str, total: int) -> Callable[[int], None]:
    """Return a bar on standard error for work of over a second; silent where that is not a terminal."""
    if not sys.stderr.isatty() or not total:
        return lambda done: None

    def show(done: int) -> None:
        filled = 30 * done // total
        end = "\r\033[K" if done >= total else ""
        print(
            f"\r{name[-40:]} [{'#' * filled}{'.' * (30 - filled)}] {100 * done // total:3d} %", end=end, file=sys.stderr
        )

    return show


# --- classify -------------------------------------------------------------------------------------------------------


def _run_classify(args: argparse.Namespace) -> int:
    failures = 0
    curves: dict[str, list[tuple[int, float]]] = {}
    names = list(inspection.expand(args.files))
    if not names:
        print(f"pywall classify: {', '.join(args.files)}: no files below", file=sys.stderr)
        return 1
    for name in names:
        try:
            for found, curve in inspection.inspect(name, args.method, _progress):
                curves[found["file"]] = curve
                print(json.dumps(found) if args.json else _text(found), flush=True)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error).removeprefix(f"{name}: ")
            print(f"pywall classify: {name}: {reason}", file=sys.stderr)
            failures += 1
    if args.plot and curves:
        from . import plots

        if not plots.save(args.plot, plots.odds(curves)):
            return 1
    return 1 if failures else 0


def _text(found: dict[str, Any]) -> str:
    because = f" ({found['because']})" if found["because"] else ""
    settled = "" if found["settled_at"] is None else f", encrypted since byte {found['settled_at']}"
    lines = [
        f"{found['file']}: {found['payload.class']}{because}, confidence {found['payload.confidence']:.2f}, "
        f"odds {found['payload.odds']:+.1f}, entropy {found['payload.entropy']:.3f} bits a byte, "
        f"{found['payload.bytes_seen']} bytes{settled}"
    ]
    lines += [f"    {name:24} {value:.6g}" for name, value in found["tests"].items()]
    return "\n".join(lines)


# --- evaluate -------------------------------------------------------------------------------------------------------


def _run_evaluate(args: argparse.Namespace) -> int:
    from .evaluation import SIZES, evaluate

    if not args.corpus.is_dir():
        print(f"pywall hedge evaluate: {args.corpus}: no such folder", file=sys.stderr)
        return 2
    bars: dict[int, Callable[[int], None]] = {}

    def progress(done: int, total: int) -> None:
        bars.setdefault(total, _progress(str(args.corpus), total))(done)

    found = evaluate(args.corpus, args.method, args.sizes or SIZES, args.count, args.seed, progress)
    found = [scores for scores in found if {"compressed", "encrypted"} <= scores.found.keys()]
    if not found:
        print(f"pywall hedge evaluate: {args.corpus} has no compressed and encrypted files", file=sys.stderr)
        return 1
    print("\n".join(_evaluation_json(found) if args.json else evaluation_table(found)))
    if args.roc:
        from . import plots
        from .evaluation import roc

        curves = {f"{scores.size} bytes": roc(scores) for scores in found}
        return 0 if plots.save(args.roc, plots.roc(curves)) else 1
    return 0


def _evaluation_json(found: list[Any]) -> list[str]:
    return [
        json.dumps(
            {
                "size": scores.size,
                "two_way": round(scores.two_way, 4),
                "interval": round(scores.error, 4),
                "three_way": round(scores.three_way, 4) if "plain" in scores.found else None,
                "encrypted_recall": round(scores.share("encrypted", "encrypted"), 4),
                "formats": {f: round(1 - c[3] / c[0], 4) for f, c in scores.found["compressed"].items()},
            }
        )
        for scores in found
    ]


def evaluation_table(found: list[Any]) -> list[str]:
    """Lines of text for the scores of several sizes: accuracies with intervals, then compressed formats one by one."""
    lines = [f"{'bytes':>8} {'two-way %':>16} {'three-way %':>12} {'encrypted found %':>18}"]
    for scores in found:
        lines.append(
            f"{scores.size:>8} {100 * scores.two_way:9.1f} +-{100 * scores.error:4.1f} {100 * scores.three_way:>12.1f} "
            f"{100 * scores.share('encrypted', 'encrypted'):>18.1f}"
        )
    lines += ["", "compressed not taken for encrypted, %:", " ".join([" " * 10, *(f"{s.size:>6}" for s in found)])]
    for form in sorted({form for scores in found for form in scores.found["compressed"]}):
        cells = [scores.found["compressed"].get(form) for scores in found]
        lines.append(
            f"{form:>10}  " + " ".join("     -" if c is None else f"{100 - 100 * c[3] / c[0]:6.0f}" for c in cells)
        )
    return lines
