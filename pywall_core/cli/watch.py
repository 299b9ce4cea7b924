"""``pywall watch``: the policy in observe mode over the packets of an interface; nothing is stopped or changed."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from time import time
from typing import TYPE_CHECKING, Any

from .common import FAILURE, OK, PRIVILEGES, add_config, add_json, complain, prepare, printable, warn
from .number_args import positive

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..sources.interface import Interface, Seen

Event = dict[str, Any]


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "watch",
        help="what the policy would do with the packets of an interface",
        description="Look at the packets of a network interface and print what each flow is and what the policy would "
        "do, as it happens. Nothing is queued, stopped or changed; no firewall rules are set. Packets to this host "
        "count as INPUT, from it as OUTPUT, others as FORWARD. Ends with Ctrl-C.",
    )
    parser.add_argument("-i", "--interface", default="", metavar="NAME", help="one interface; otherwise all")
    parser.add_argument("--count", type=positive, default=0, metavar="N", help="end after N packets")
    add_config(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ..engine.engine import Engine
    from ..sources.interface import Interface

    config, plugins, _ = prepare(args.config)
    warn(config)
    name = args.interface
    try:
        interface = Interface(name)
    except PermissionError:
        complain("watch: needs CAP_NET_RAW: run it as root")
        return PRIVILEGES
    except OSError as error:
        complain(f"watch: {name}: {error.strerror}")
        return FAILURE
    with interface:
        engine = Engine(config, plugins, live=False, sink=_printer(args.json))
        print(f"watch: {name or 'all interfaces'}; Ctrl-C ends it", file=sys.stderr, flush=True)
        packets = _watch(engine, interface, args.count)
        engine.close()
        lost = interface.lost()
    print(f"watch: {packets} packets, {lost} lost in the socket", file=sys.stderr)
    return OK


def _printer(as_json: bool) -> Callable[[Event], None]:
    from ..event_lines import NOT_SHOWN, event_line
    from ..events.fields import to_line

    def as_line(event: Event) -> None:
        if event["event_type"] not in NOT_SHOWN:
            print(printable(event_line(event)), flush=True)

    return (lambda event: print(to_line(event), flush=True)) if as_json else as_line


def _watch(engine: Engine, interface: Interface, most: int) -> int:
    from ..model.packet import FORWARD, INPUT, OUTPUT
    from ..packet.decode import decode
    from ..sources.interface import PACKET_OTHERHOST, PACKET_OUTGOING

    hooks = {PACKET_OUTGOING: OUTPUT, PACKET_OTHERHOST: FORWARD}
    packets = 0
    for seen in _until_signal(interface.packets()):
        if seen is None:
            engine.advance(time())
            continue
        packet = decode(seen.data, seen.time)
        packet.hook = hooks.get(seen.kind, INPUT)
        if packet.hook == OUTPUT:
            packet.outdev = seen.interface
        else:
            packet.indev = seen.interface
        engine.process(packet)
        packets += 1
        if packets == most:
            break
    return packets


def _until_signal(packets: Iterator[Seen | None]) -> Iterator[Seen | None]:
    """Return packets until SIGINT or SIGTERM; both are looked at between two packets, so none is left half-way."""
    stopped: list[int] = []
    before = {number: signal.signal(number, lambda got, _: stopped.append(got)) for number in _SIGNALS}
    try:
        for packet in packets:
            if stopped:
                return
            yield packet
    finally:
        for number, handler in before.items():
            with contextlib.suppress(TypeError):
                signal.signal(number, handler)


_SIGNALS = (signal.SIGINT, signal.SIGTERM)
