"""`pywall classify FILE...` and `pywall hedge evaluate CORPUS`: entry points of the group `pywall.commands`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .classification import SHORTEST, classify
from .stream import PIECE, StreamClassifier

METHODS = ("learned", "hedge")
TESTED = 65536
"""Octets from the start of a file that the randomness tests are reported for."""


def classify_command(parser: argparse.ArgumentParser) -> None:
    """Describe `pywall classify` and set `run`."""
    parser.description = "Tell whether files are plain, compressed or encrypted, from their bytes."
    parser.add_argument("files", nargs="+", metavar="FILE", help="file, or - for standard input")
    _method(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--plot", metavar="PNG", help="draw the evidence over the offset (needs pywall-hedge[plot])")
    parser.set_defaults(run=_run_classify)


def hedge_command(parser: argparse.ArgumentParser) -> None:
    """Describe `pywall hedge` and set `run`."""
    parser.description = "Work with the classifier itself."
    inner = parser.add_subparsers(metavar="COMMAND", required=True)
    words = "accuracy on a corpus, per size and per format"
    part = inner.add_parser("evaluate", help=words, description=f"Measure {words}, with 95 % intervals.")
    part.add_argument(
        "corpus", type=Path, metavar="CORPUS", help="folder {plain,compressed,encrypted}/<format>/<files>"
    )
    _method(part)
    part.add_argument("--sizes", type=int, nargs="+", metavar="OCTETS", help="fragment sizes (64 to 16384)")
    part.add_argument("--count", type=int, default=80, metavar="N", help="fragments of each format and size (80)")
    part.add_argument("--seed", type=int, default=7, metavar="N", help="of the draw of fragments (7)")
    part.add_argument("--json", action="store_true", help="one JSON object a size")
    part.add_argument("--roc", metavar="PNG", help="draw ROC curves (needs pywall-hedge[plot])")
    part.set_defaults(run=_run_evaluate)


def _method(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--method", choices=METHODS, default="learned", help="learned (default), or the paper's tests")


def _progress(name: str, total: int) -> Callable[[int], None]:
    """A bar on standard error for work of over a second; silent where that is no terminal."""
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
    for name in args.files:
        try:
            with _open(name) as file:
                found, curves[name] = _classify_file(name, file, args.method)
        except OSError as error:
            print(f"pywall classify: {name}: {error.strerror}", file=sys.stderr)
            failures += 1
            continue
        print(json.dumps(found) if args.json else _text(found))
    if args.plot and curves and not _plot(args.plot, _draw_evidence(curves)):
        return 1
    return 1 if failures else 0


def _open(name: str) -> BinaryIO:
    return sys.stdin.buffer if name == "-" else Path(name).open("rb")


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def _classify_file(name: str, file: BinaryIO, method: str) -> tuple[dict[str, Any], list[tuple[int, float]]]:
    size = 0 if name == "-" else Path(name).stat().st_size
    show = _progress(name, size if size > 4_000_000 else 0)
    stream, start, curve = StreamClassifier(method), bytearray(), []
    for piece in _pieces(file):
        stream.update(piece)
        start += piece[: TESTED - len(start)]
        found = classify(piece, method)
        share = found.confidence if found.label == "encrypted" else 1 - found.confidence
        curve.append((stream.bytes_seen, share))
        show(stream.bytes_seen)
    result = stream.result()
    return {
        "file": name,
        "payload_class": result.label if stream.bytes_seen else "unknown",
        "confidence": round(result.confidence, 4),
        "because": result.because or None,
        "entropy": round(stream.entropy, 4),
        "bytes_seen": stream.bytes_seen,
        "method": method,
        "tests": _tests(bytes(start)),
    }, curve


def _tests(data: bytes) -> dict[str, float]:
    if len(data) < SHORTEST:
        return {}
    from . import randomness

    bits = randomness.bits(data)
    values = {
        "chi_square": randomness.chi_square(data),
        "chi_square_percent": randomness.chi_square_percent(data),
        "monobit": randomness.monobit(bits),
        "block_frequency": randomness.block_frequency(bits),
        "cumulative_sums": randomness.cumulative_sums(bits),
        "cumulative_sums_reverse": randomness.cumulative_sums(bits, reverse=True),
        "runs": randomness.runs(bits),
        "approximate_entropy": randomness.approximate_entropy(bits),
    }
    return {name: float(f"{value:.6g}") for name, value in values.items()}


def _text(found: dict[str, Any]) -> str:
    because = f" ({found['because']})" if found["because"] else ""
    lines = [
        f"{found['file']}: {found['payload_class']}{because}, confidence {found['confidence']:.2f}, "
        f"entropy {found['entropy']:.3f} bits a byte, {found['bytes_seen']} bytes"
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
        from .evaluation import roc

        curves = {f"{scores.size} octets": roc(scores) for scores in found}
        return 0 if _plot(args.roc, _draw_roc(curves)) else 1
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
    lines = [f"{'octets':>8} {'two-way %':>16} {'three-way %':>12} {'encrypted found %':>18}"]
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


# --- pictures -------------------------------------------------------------------------------------------------------


def _plot(target: str, draw: Callable[[Any], None]) -> bool:
    try:
        import matplotlib  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        print("pywall: a plot needs matplotlib: pip install 'pywall-hedge[plot]'", file=sys.stderr)
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot  # type: ignore[import-not-found,unused-ignore]

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    draw(axes)
    figure.savefig(target, dpi=120)
    pyplot.close(figure)
    return True


def _draw_evidence(curves: dict[str, list[tuple[int, float]]]) -> Callable[[Any], None]:
    def draw(axes: Any) -> None:
        for name, points in curves.items():
            axes.plot([at for at, _ in points], [share for _, share in points], drawstyle="steps-pre", label=name[-40:])
        axes.axhline(0.5, color="grey", linewidth=0.8)
        axes.set(xlabel="offset, octets", ylabel="probability of encrypted, 16 KiB at a time", ylim=(-0.02, 1.02))
        axes.legend()

    return draw


def _draw_roc(curves: dict[str, list[tuple[float, float]]]) -> Callable[[Any], None]:
    def draw(axes: Any) -> None:
        for name, points in curves.items():
            axes.plot([wrong for wrong, _ in points], [right for _, right in points], label=name)
        axes.plot((0, 1), (0, 1), color="grey", linewidth=0.8)
        axes.set(xlabel="compressed taken for encrypted", ylabel="encrypted found")
        axes.legend()

    return draw
