"""``pywall init``: five questions, or flags, and a policy with comments to begin with."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

from .common import FAILURE, OK, USAGE, complain

#: services that may be offered to others: the condition of the rule
SERVICES: Final = {
    "ssh": "all: [{rule: service, is: ssh}, {rule: app, is: ssh, confirmed: true}]",
    "web": "all: [{rule: service, is: web}, {rule: app, is: [http, http2, tls, quic]}]",
    "dns": "all: [{rule: service, is: dns}, {rule: app, is: dns}]",
    "mail": "all: [{rule: service, is: mail}, {rule: app, is: [smtp, tls]}]",
    "samba": "all: [{rule: service, is: samba}, {rule: app, is: [smb, netbios]}]",
    "wireguard": "all: [{rule: service, is: wireguard}, {rule: app, is: wireguard}]",
    "discovery": "rule: service, is: [mdns, ssdp]",
}


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "init",
        help="write a policy to begin with",
        description="Ask five questions on a terminal, or take the answers from flags, and write a policy.",
    )
    parser.add_argument("file", nargs="?", default="pywall.yaml", help="where to write it (%(default)s); - prints it")
    parser.add_argument("--offer", metavar="NAME,...", help=f"services for others: {', '.join(SERVICES)}, or none")
    parser.add_argument("--from", dest="from_", metavar="NET,...", help="who may use them: networks, or any")
    parser.add_argument("--rate", metavar="N/m", help="new connections of one source that pass, 30/m, or none")
    parser.add_argument("--encrypted", choices=("drop", "pass"), help="encrypted flows of no known protocol")
    parser.add_argument("--observe", choices=("yes", "no"), help="report only, drop nothing")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask what is not given, check, write; never over a file that is there."""
    asked = sys.stdin.isatty() and all(getattr(args, one.flag) is None for one in QUESTIONS)
    answers: dict[str, Any] = {}
    wrong = False
    for one in QUESTIONS:
        given = getattr(args, one.flag)
        try:
            answers[one.flag] = _ask(one) if asked else one.read(one.default if given is None else given)
        except ValueError as error:
            complain(f"init: {error}")
            wrong = True
        except EOFError:
            complain("\ninit: no answer, nothing is written")
            return USAGE
    if wrong:
        return USAGE
    text = policy(**answers)
    if args.file == "-":
        print(text, end="")
        return OK
    try:
        with Path(args.file).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        complain(f"init: {args.file} is there already; name another file")
        return FAILURE
    except OSError as error:
        complain(f"init: {args.file}: {error.strerror}")
        return FAILURE
    print(f"{args.file}: now\n  pywall check {args.file}\n  pywall run --config {args.file}")
    return OK


def policy(offer: list[str], from_: list[str], rate: str, *, encrypted: bool, observe: bool) -> str:
    """Return the text of a policy: services that are offered, networks that may use them (none: any), the rate of new
    connections (empty: any), whether encrypted flows of no known protocol are dropped, whether it only reports.
    """
    services, networks = offer, from_
    lines = ["# Made by pywall init. `pywall check` says what it comes to, `pywall events --follow` what it does."]
    lines += ["version: 1"]
    if observe:
        lines += ["mode: observe      # reports what it would do and drops nothing; remove this line to enforce"]
    lines += [f"plugins: [rules, stream, protocols{', hedge' if encrypted else ''}]"]
    if networks:
        quoted = ", ".join(f'"{net}"' for net in networks)
        lines += ["vars:", f"  friends: [{quoted}]      # who may use what this host offers"]
    lines += ["chains:", "  INPUT:", "    # what this host began may be answered"]
    lines += ["    - {rule: flow, initiator: local, action: ACCEPT, name: answers}"]
    lines += ["    # data connections of its FTP sessions, and answers to what it asked by multicast or broadcast"]
    lines += ["    - {rule: flow, expected: [ftp-data, tftp, group-answer], action: ACCEPT, name: what it asked for}"]
    lines += ["    # IPv6 does not work without ICMP, and IPv4 badly"]
    lines += ["    - {rule: protocol, is: [icmp, icmpv6], action: ACCEPT, name: ICMP}"]
    dhcp = "[{rule: service, is: [dhcp, dhcpv6]}, {rule: app, is: [dhcp, dhcpv6]}]"
    lines += [f"    - {{all: {dhcp}, action: ACCEPT, name: DHCP}}"]
    if networks and services:
        lines += ['    - {not: {rule: ip, src: "${friends}"}, action: refused, name: not from here}']
    if rate and services:
        lines += [f"    - {{rule: limit, over: {rate}, action: refused, name: too many connections}}"]
    lines += [f"    - {{{SERVICES[name]}, action: ACCEPT, name: {name}}}" for name in services]
    lines += ["    - {rule: log, message: refused}"]
    if services and (networks or rate):
        lines += ["  refused:", "    - {rule: log, message: refused}"]
    if encrypted:
        lines += ["  OUTPUT:", "    # tunnels and malware: encrypted, and no protocol that is known"]
        lines += ["    - {rule: payload, is: encrypted, action: DROP, name: encrypted and unknown}"]
    lines += ["default: {INPUT: DROP, OUTPUT: ACCEPT}"]
    return "\n".join(lines) + "\n"


def _services(answer: str) -> list[str]:
    names = [] if answer in ("", "none") else [name.strip() for name in answer.split(",")]
    for name in names:
        if name not in SERVICES:
            raise ValueError(f"no service {name!r} (there are: {', '.join(SERVICES)}, none)")
    return names


def _networks(answer: str) -> list[str]:
    given = [] if answer in ("", "any") else [net.strip() for net in answer.split(",")]
    try:
        for net in given:
            if net.endswith((".0", "::")):
                raise ValueError(f"{net!r} is one address, and ends as a network does")
        return [str(ip_network(net, False)) for net in given]
    except ValueError as error:
        raise ValueError(f"{error}: write networks as 192.168.0.0/16, a comma between them, or any") from None


def _rate(answer: str) -> str:
    if answer in ("", "none"):
        return ""
    if not re.fullmatch(r"[1-9]\d{0,8}/[smhd]", answer):
        raise ValueError(f"{answer!r} is not a rate: write 10/s, 30/m, 100/h, or none")
    return answer


def _is(yes: str, no: str) -> Callable[[str], bool]:
    def read(answer: str) -> bool:
        found = {yes: True, yes[0]: True, no: False, no[0]: False}.get(answer.lower())
        if found is None:
            raise ValueError(f"{answer!r}: write {yes} or {no}")
        return found

    return read


@dataclass(frozen=True)
class Question:
    """One question: the flag that answers it, its text, the answer without one, and how an answer is read."""

    flag: str
    text: str
    default: str
    read: Callable[[str], Any]


QUESTIONS: Final = (
    Question("offer", "Which services do others use here (ssh, web, dns, ... or none)", "ssh", _services),
    Question("from_", "From where (networks as 192.168.0.0/16, or any)", "any", _networks),
    Question("rate", "How many new connections of one source pass (30/m, or none)", "30/m", _rate),
    Question("encrypted", "Encrypted traffic of no known protocol: drop or pass", "pass", _is("drop", "pass")),
    Question("observe", "Only report for now, drop nothing (yes or no)", "yes", _is("yes", "no")),
)


def _ask(question: Question) -> Any:
    """Ask until the answer can be read. :raises EOFError: there is no more input"""
    while True:
        try:
            return question.read(input(f"{question.text} [{question.default}]: ").strip() or question.default)
        except ValueError as error:
            print(error)
