"""Files of other firewalls given as a policy are called what they are; a policy with mistakes is not one of them."""

from __future__ import annotations

import pytest

from pywall_core.config import ConfigError, loads
from pywall_core.config.foreign_file import MAX_HEAD, file_form

FILES = [
    ("*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n", "iptables", "'pywall convert FILE'"),
    ("# Generated\n\n*nat\nCOMMIT\n", "iptables", "'pywall convert FILE'"),
    ("#!/bin/sh\niptables -P INPUT DROP\n", "iptables", "iptables-save"),
    ("#!/usr/sbin/nft -f\nflush ruleset\ntable inet filter {\n}\n", "nftables", "nft -j list ruleset"),
    ('{"nftables": []}', "nftables", "'pywall convert FILE'"),
    ("ufw allow 22/tcp\n", "ufw", "user.rules"),
    ("set skip on lo\nblock in all\n", "pf", "pywall init"),
    ("# rules\nalert tcp any any -> any any (msg:\"x\"; sid:1;)\n", "Suricata", "{rule: fact"),
    ("<?xml version=\"1.0\"?>\n<zone/>\n", "firewalld", "pywall init"),
    ("kind: NetworkPolicy\nspec: {}\n", "Kubernetes", "{rule: ip, src: CIDR}"),
    ('{"action": "deny", "operator": {"operand": "dest.host"}}', "OpenSnitch", "{rule: domain"),
    ("name: x\ndecisions: [{type: ban}]\n", "CrowdSec", "pywall set crowdsec"),
    ("[zone]\nname = x\n", "INI", "key: value"),
    ('ext_if = "em0"\nset skip on lo\nblock all\n', "pf", "pywall init"),
    ("var HOME_NET any\nalert tcp any any -> any any (sid:1;)\n", "Suricata", "{rule: fact"),
    ("<opnsense><filter/></opnsense>\n", "XML", "pywall init"),
    ("0.0.0.0 ads.example\n0.0.0.0 t.example\n", "a list of hosts", "{type: names, file: FILE}"),
    ("203.0.113.7\n198.51.100.0/24\n", "a list of addresses", "{file: FILE}"),
    ("ipfw add 100 allow tcp from any to me 22\n", "another firewall", "'pywall convert FILE'"),
    ("ACCEPT net fw tcp 22\n", "another firewall", "'pywall convert FILE'"),
    ("domain (ip ip6) table filter chain INPUT { policy DROP; }\n", "another firewall", "'pywall convert FILE'"),
    ("access-list 101 permit tcp any any eq 22\n", "another firewall", "'pywall convert FILE'"),
    ("/ip firewall filter\nadd chain=input action=accept\n", "another firewall", "'pywall convert FILE'"),
    ('{"name": "x", "denied-remote-domains": ["ads.example"]}', "Little Snitch", "{type: names"),
    ("version = 1\n", "key = value", "'key: value'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "called", "form"), FILES, ids=[called for _, called, _ in FILES])
def test_a_file_of_another_firewall_is_called_what_it_is(text: str, called: str, form: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(text.encode(), "p.yaml")
    (problem,) = caught.value.problems
    assert str(problem).startswith("p.yaml:1:1: it is no policy but ")
    assert called in problem.message
    assert form in problem.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version: 1\n",
        "version: 1\nkind: NetworkPolicy\n",
        "plugins: [rules]\n# iptables -A INPUT\n",
        "chains:\n  INPUT:\n    - alert tcp any any -> any any (sid:1;)\n",
        "mode: observe\n",
        "hello",
        "- {rule: always}\n",
    ],
)
def test_a_policy_is_none_of_them_however_wrong_it_is(text: str) -> None:
    assert file_form(text) == ""


def test_only_the_beginning_is_looked_at() -> None:
    assert file_form("#\n" * MAX_HEAD + "*filter\n") == ""
