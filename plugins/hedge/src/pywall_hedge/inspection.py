"""What `pywall classify` says of a file, a stream, a folder or the flows of a capture."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .classification import SHORTEST
from .stream import StreamClassifier

PAYLOAD = 1448
"""Bytes of a file that are classified at a time, as a TCP segment would carry them."""
WINDOW = 65536
"""Bytes from the start that are classified: the default of the option `window`; of a file, the randomness tests too."""
_CAPTURES = tuple(
    bytes.fromhex(magic)
    for magic in ("a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1", "a1b2cd34", "34cdb2a1", "0a0d0d0a")
)

Curve = list[tuple[int, float]]
Progress = Callable[[str, int], Callable[[int], None]]


def expand(names: Iterable[str]) -> Iterator[str]:
    """Yield the names, folders replaced by the files below them."""
    for name in names:
        if name != "-" and Path(name).is_dir():
            yield from sorted(str(path) for path in Path(name).rglob("*") if path.is_file())
        else:
            yield name


def inspect(name: str, method: str, progress: Progress) -> Iterator[tuple[dict[str, Any], Curve]]:
    """Yield the finding and the curve of odds over bytes of a file (- is standard input), or of each flow of a capture.

    Raises OSError for a file that cannot be read, ValueError for a damaged capture.
    """
    if name == "-":
        yield _file(name, sys.stdin.buffer, method, lambda done: None)
        return
    with Path(name).open("rb") as file:
        if file.read(4) not in _CAPTURES:
            file.seek(0)
            size = Path(name).stat().st_size
            yield _file(name, file, method, progress(name, size if size > 4_000_000 else 0))
            return
    yield from _capture(name, method)


def _file(name: str, file: BinaryIO, method: str, show: Callable[[int], None]) -> tuple[dict[str, Any], Curve]:
    stream, start, curve = StreamClassifier(method), bytearray(), [(0, 0.0)]
    settled_at: int | None = None
    total = 0
    while payload := file.read(PAYLOAD):
        total += len(payload)
        if stream.bytes_seen < WINDOW and settled_at is None:
            stream.update(payload)
            curve.append((stream.bytes_seen, stream.odds))
            if stream.settled():
                settled_at = stream.bytes_seen
        start += payload[: WINDOW - len(start)]
        show(total)
    found = {"file": name, **finding(stream, settled_at), "payload.bytes_seen": total, "method": method}
    return {**found, "tests": _tests(bytes(start))}, curve


def finding(stream: StreamClassifier, settled_at: int | None) -> dict[str, Any]:
    """Class, confidence, odds, reason and entropy; `settled_at`: bytes after which the test said "encrypted", or
    None."""
    result = stream.result()
    return {
        "payload.class": result.label if stream.bytes_seen else "unknown",
        "payload.confidence": round(result.confidence, 4),
        "payload.odds": round(stream.odds, 2),
        "because": result.because or None,
        "payload.entropy": round(stream.entropy, 4),
        "settled_at": settled_at,
    }


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


def _capture(name: str, method: str) -> Iterator[tuple[dict[str, Any], Curve]]:
    """Yield the flows of a capture by their bytes alone, whatever their protocol; needs pywall-stream for TCP."""
    from ipaddress import ip_address

    from pywall_core.api import MORE, TCP, Answer, Facts, Flow, hookimpl
    from pywall_core.testing import replay

    kept: dict[int, tuple[Flow, StreamClassifier, Curve, list[int]]] = {}

    class Watcher:
        """Keeps a classifier for each flow."""

        api_version = 1
        facts = ("payload.odds",)

        @hookimpl
        def pywall_segment(self, flow: Flow, to_server: bool, offset: int, data: bytes, gap: int) -> None:
            """Classify the payload."""
            if flow.id not in kept:
                began = StreamClassifier(method, start_seen=not flow.midstream, stream=flow.proto == TCP)
                kept[flow.id] = flow, began, [(0, 0.0)], []
            _, stream, curve, settled = kept[flow.id]
            if stream.bytes_seen < WINDOW and not settled:
                stream.update(data, to_server)
                curve.append((stream.bytes_seen, stream.odds))
                if stream.settled():
                    settled.append(stream.bytes_seen)

        @hookimpl
        def pywall_classify(self, flow: Flow, to_server: bool, data: bytes) -> Facts | Answer:
            """Nothing to say."""
            return MORE

    from importlib.metadata import entry_points

    stream_plugin = next(iter(entry_points(group="pywall.plugins", name="stream"))).load()
    options = stream_plugin.Options() if hasattr(stream_plugin, "Options") else None
    stream = stream_plugin(options) if options is not None else stream_plugin
    replay(name, "version: 1\nplugins: [stream, watcher]\n", plugins={"stream": stream, "watcher": Watcher()})
    for flow, found, curve, settled in kept.values():
        ends = f"{ip_address(flow.src)}:{flow.sport} > {ip_address(flow.dst)}:{flow.dport}"
        label = f"{name} {'udp' if flow.proto == 17 else 'tcp'} {ends}"
        made = {"file": label, **finding(found, settled[0] if settled else None)}
        yield (
            {**made, "payload.bytes_seen": flow.bytes_toserver + flow.bytes_toclient, "method": method, "tests": {}},
            curve,
        )
