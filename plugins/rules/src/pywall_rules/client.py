"""``pywall knock``: the client of ``knock`` and ``spa``."""

from __future__ import annotations

import argparse
import ipaddress
import socket
import sys
import time

from .authorization import make, read_secret
from .grants import PROTOCOLS
from .ports import port_text


def command(parser: argparse.ArgumentParser) -> None:
    """Entry point of the group ``pywall.commands``: describe the command and set ``run``."""
    parser.description = "Knock at a host's doors, or send it one authenticated datagram."
    parser.add_argument("host", help="name or address of the firewall")
    parser.add_argument("doors", nargs="*", type=_door, metavar="DOOR", help="doors in order: 7000/tcp 8000/udp")
    parser.add_argument("--secret-file", metavar="FILE", help="send an authenticated datagram instead of knocks")
    parser.add_argument("--open", type=_door, default=(6, 22), metavar="PORT", help="port to open (default: 22/tcp)")
    parser.add_argument("--listen", type=int, default=62201, metavar="PORT", help="UDP port to send it to (62201)")
    parser.add_argument("--address", help="our address as the firewall sees it, when it is behind NAT")
    parser.add_argument("--src-port", type=int, default=0, metavar="PORT", help="source port of the knocks")
    parser.add_argument("--delay", type=float, default=0.2, metavar="SECONDS", help="pause between knocks (0.2)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if bool(args.doors) == bool(args.secret_file):
        print("pywall knock: give either doors or --secret-file", file=sys.stderr)
        return 2
    try:
        family, _, _, _, target = socket.getaddrinfo(args.host, args.listen, type=socket.SOCK_DGRAM)[0]
        if args.secret_file:
            _authorize(args, family, target)
        else:
            for at, door in enumerate(args.doors):
                if at:
                    time.sleep(args.delay)
                _knock(family, (target[0], door[1], *target[2:]), door[0], args.src_port)
    except (OSError, ValueError) as error:
        print(f"pywall knock: {error}", file=sys.stderr)
        return 1
    return 0


def _authorize(args: argparse.Namespace, family: int, target: tuple[object, ...]) -> None:
    secret = read_secret(args.secret_file)
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.connect(target)
        address = ipaddress.ip_address(args.address or sender.getsockname()[0].partition("%")[0])
        sender.send(make(secret, address.packed, *args.open, now=time.time()))


def _knock(family: int, target: tuple[object, ...], protocol: int, src_port: int) -> None:
    kind = socket.SOCK_STREAM if protocol == PROTOCOLS["tcp"] else socket.SOCK_DGRAM
    with socket.socket(family, kind) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if src_port:
            sender.bind(("", src_port))
        if kind == socket.SOCK_DGRAM:
            sender.sendto(b"", target)
            return
        sender.setblocking(False)
        sender.connect_ex(target)  # the SYN leaves at once, nobody answers it
        time.sleep(0.05)


def _door(text: str) -> tuple[int, int]:
    number, _, protocol = text.partition("/")
    if (protocol or "tcp") not in PROTOCOLS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a PORT/PROTOCOL (7000/tcp)")
    try:
        return PROTOCOLS[protocol or "tcp"], port_text(number)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
