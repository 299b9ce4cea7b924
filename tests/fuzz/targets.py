"""What is fuzzed: five functions of bytes that must never raise nor take long.

``python -m tests.fuzz.targets decoder CORPUS -max_total_time=600`` (what follows the target is libFuzzer's). Without
atheris the same functions run over the corpus in the unit tests, so that every crash that was found stays fixed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from .dialogues import dialogues

#: seconds of processor time that one packet may cost at the very worst
WORST: Final = 0.010


def decoder(data: bytes) -> None:
    """Headers of one packet, and what follows from them; and of the packets inside."""
    from pywall_core.packet.decode import decode
    from pywall_core.packet.flow_key import reverse_key
    from pywall_core.packet.tunnels import MAX_DEPTH, inner_packet

    packet = decode(data, 1.0, 1)
    assert 0 <= packet.start <= packet.end <= len(data)
    assert reverse_key(reverse_key(packet.key)) == packet.key or not packet.key
    while packet.error is None and (inner := inner_packet(packet)) is not None:
        assert inner.tunnel is not None
        assert inner.tunnel.depth <= MAX_DEPTH or inner.error is not None
        packet = inner


def reassembly(data: bytes) -> None:
    """Packets of one connection through tracker, fragments and engine: a script of lengths, offsets and flags."""
    from pywall_core.api import Verdict, decode
    from pywall_core.testing import fragment, tcp_packet

    engine = _engine()
    at = 0
    now = 1.0
    while at + 8 <= len(data):
        who, flags, seq, ack, size, cut = data[at], data[at + 1], data[at + 2], data[at + 3], data[at + 4], data[at + 5]
        now += data[at + 6] / 16
        payload = data[at + 8 : at + 8 + size % 64]
        at += 8 + len(payload)
        ends = ("10.0.0.1", 1000, "10.0.0.2", 80) if who & 1 else ("10.0.0.2", 80, "10.0.0.1", 1000)
        raw = tcp_packet(*ends, seq=(seq << 2) - 64, ack=(ack << 2) - 64, flags=flags & 63, data=payload)
        pieces = fragment(raw, 8 + cut % 64 * 8) if who & 6 == 6 else [raw]
        for piece in pieces if who & 8 else reversed(pieces):
            assert isinstance(engine.process(decode(piece, now, 1 if who & 1 else 3)), Verdict)
    engine.close()


def detectors(data: bytes) -> None:
    """All detectors behind one selector byte: which one, how much is the client's, and how it is cut."""
    from pywall_core.api import MORE, NO, Match
    from pywall_core.testing import make_flow

    if len(data) < 4:
        return
    every = _detectors()
    detector = every[data[0] % len(every)]
    datagrams = "udp" in detector.transports and (data[1] & 1 or "tcp" not in detector.transports)
    border = 4 + int.from_bytes(data[2:4], "big") % (len(data) - 3)
    client, server = data[4:border], data[border:]
    flow = make_flow(proto=17 if datagrams else 6)
    step = 1 + (data[1] >> 1)
    state = flow.detection
    for end in range(step, len(client) + step, step):
        state.client = client[:end]
        state.client_sizes = (*state.client_sizes, len(client[end - step : end])) if datagrams else ()
        before = time.process_time()
        answer = detector.call(flow, flow.client, flow.server)
        assert time.process_time() - before < WORST * 10, f"{detector.name} is slow"
        assert answer in (MORE, NO) or isinstance(answer.described(), Match)
    state.server = server
    state.server_sizes = (len(server),) if datagrams and server else ()
    answer = detector.call(flow, flow.client, flow.server)
    assert answer in (MORE, NO) or isinstance(answer.described(), Match)


def configuration(data: bytes) -> None:
    """The YAML reader and the models: any text is a configuration or a list of errors."""
    from pywall_core.config import ConfigError, loads

    try:
        loads(data, "fuzz.yaml")
    except ConfigError as error:
        if not error.problems:
            raise RuntimeError("an error without words") from error


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "decoder": decoder,
    "reassembly": reassembly,
    "detectors": detectors,
    "configuration": configuration,
    "dialogues": dialogues,
}


def _engine() -> Any:
    from pywall_core.engine.engine import Engine

    config, plugins = _loaded()
    engine = Engine(config, plugins, live=False)
    engine.failures.record = _raise  # type: ignore[method-assign]
    return engine


def _raise(plugin: str, error: BaseException) -> bool:
    raise AssertionError(f"plugin {plugin} raised {error!r}") from error


@cache
def _loaded() -> tuple[Any, Any]:
    from pywall_core.config import Config
    from pywall_core.plugins.loader import load

    config = Config.model_validate(
        {
            "version": 1,
            "plugins": ["rules", {"stream": {"checksum": "off"}}, "http"],
            "chains": {"INPUT": [{"rule": "app", "is": "http", "action": "DROP"}]},
        }
    )
    return config, load(config)


@cache
def _detectors() -> list[Any]:
    from pywall_core.config import Config
    from pywall_core.plugins.loader import load

    config = Config.model_validate({"version": 1, "plugins": ["stream", "protocols"]})
    return load(config).detectors.all


def main(words: list[str]) -> None:
    """Run one target under libFuzzer."""
    import atheris

    target = TARGETS[words[1]]
    with atheris.instrument_imports(include=["pywall_core", "pywall_stream", "pywall_protocols", "pywall_rules"]):
        target(b"\0" * 16)
    atheris.Setup([words[0], *words[2:]], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
