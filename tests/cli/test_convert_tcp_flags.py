"""Flags of TCP in rules of iptables: a connection's begin is converted, what the tracker drops anyway is said."""

from __future__ import annotations

import re

import pytest

from pywall_core.cli.convert_iptables import convert
from pywall_core.cli.convert_matches import NoEqualError
from pywall_core.cli.convert_tcp_flags import SYN_ALONE, flags_begin


@pytest.mark.parametrize("flags", [SYN_ALONE, ("SYN,RST,ACK", "SYN"), ("SYN,ACK", "SYN"), ("ALL", "SYN")])
def test_flags_of_a_first_segment(flags: tuple[str, ...]) -> None:
    flags_begin(flags, negated=False)


@pytest.mark.parametrize(
    ("flags", "negated", "words"),
    [
        (("FIN,SYN,RST,PSH,ACK,URG", "NONE"), False, "`stream` drops segments with impossible flags"),
        (("ALL", "FIN,PSH,URG"), False, "`stream` drops segments with impossible flags"),
        (("ALL", "ALL"), False, "`stream` drops segments with impossible flags"),
        (("SYN,FIN", "SYN,FIN"), False, "`stream` drops segments with impossible flags"),
        (("FIN,RST", "FIN,RST"), False, "`stream` drops segments with impossible flags"),
        (("ACK,FIN", "FIN"), False, "`stream` drops segments with impossible flags"),
        (SYN_ALONE, True, "failure: {midstream: drop-flow}"),
        (("RST", "RST"), False, "the flags RST of RST have no equal"),
        (("ACK,PSH", "PSH"), False, "have no equal"),
        (("ALL", "NONE"), True, "have no equal"),
        (("SYN",), False, "without a mask"),
    ],
)
def test_other_flags(flags: tuple[str, ...], negated: bool, words: str) -> None:
    with pytest.raises(NoEqualError, match=re.escape(words)):
        flags_begin(flags, negated)


@pytest.mark.parametrize("flags", ["--syn", "--tcp-flags FIN,SYN,RST,ACK SYN"])
def test_a_chain_for_new_connections_is_kept(flags: str) -> None:
    rules = f"-A INPUT -p tcp {flags} -m conntrack --ctstate NEW -j TCP\n-A TCP -p tcp --dport 22 -j ACCEPT\n"
    found = convert(f"*filter\n:INPUT DROP [0:0]\n:TCP - [0:0]\n{rules}COMMIT\n")
    assert found.data["chains"]["INPUT"] == [
        {
            "all": [
                {"rule": "flow", "initiator": "remote"},
                {"rule": "protocol", "is": "tcp"},
                {"rule": "port", "protocol": "tcp", "dst": 22},
            ],
            "action": "ACCEPT",
        }
    ]


def test_the_tracker_that_a_note_speaks_of_is_named() -> None:
    scan = "-A INPUT -p tcp --tcp-flags ALL NONE -j DROP"
    found = convert(f"*filter\n:INPUT DROP [0:0]\n{scan}\nCOMMIT\n")
    assert found.data["plugins"] == ["rules", "stream"]
    assert "reaches the rules behind it" not in found.notes[0]
