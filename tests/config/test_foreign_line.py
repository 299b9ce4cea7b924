"""Lines of other firewalls, word by word: the rule that means the same, or nothing."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.config.foreign_line import translated
from pywall_core.testing import engine

PORT_22 = {"rule": "port", "protocol": "tcp", "dst": 22, "action": "ACCEPT"}
PORT_22_ALONE = {"rule": "port", "protocol": "tcp", "dst": 22}
LINES = [
    ("permit tcp any any eq 22", PORT_22),
    ("access-list 100 permit tcp any any eq ssh",
     {"all": [{"rule": "protocol", "is": "tcp"}, {"rule": "service", "is": "ssh"}], "action": "ACCEPT"}),
    ("deny ip 10.0.0.0 0.0.0.255 any", {"rule": "ip", "src": "10.0.0.0/24", "action": "DROP"}),
    (
        "access-list outside_in extended permit udp any host 192.0.2.1 range 5000 5010 log",
        {"all": [{"rule": "ip", "dst": "192.0.2.1"}, {"rule": "port", "protocol": "udp", "dst": "5000-5010"}],
         "action": "ACCEPT"},
    ),
    ("permit tcp 10.0.0.1 0.0.0.0 any eq 22",
     {"all": [{"rule": "ip", "src": "10.0.0.1"}, PORT_22_ALONE], "action": "ACCEPT"}),
    ("permit tcp 0.0.0.0 255.255.255.255 any eq 22", PORT_22),
    ("deny ip 0.0.0.0 0.255.255.255 any", {"rule": "ip", "src": "0.0.0.0/8", "action": "DROP"}),
    ("deny ip any 192.0.2.9 0.0.0.3", {"rule": "ip", "dst": "192.0.2.8/30", "action": "DROP"}),
    ("access-list in extended deny ip 10.0.0.0 255.255.255.0 any",
     {"rule": "ip", "src": "10.0.0.0/24", "action": "DROP"}),
    ("access-list in extended deny ip 10.0.0.1 255.255.255.255 any",
     {"rule": "ip", "src": "10.0.0.1", "action": "DROP"}),
    ("access-list in extended permit tcp 0.0.0.0 0.0.0.0 any eq 22", PORT_22),
    ("chain=input action=accept protocol=tcp dst-port=22", PORT_22),
    ("netsh advfirewall firewall add rule name=a dir=in action=block remoteip=192.0.2.7",
     {"rule": "ip", "src": "192.0.2.7", "action": "DROP"}),
    ("netsh advfirewall firewall add rule name=a dir=out action=block remoteip=192.0.2.7",
     {"rule": "ip", "dst": "192.0.2.7", "action": "DROP"}),
    ("netsh advfirewall firewall add rule name=a dir=out action=block protocol=TCP remoteport=25",
     {"rule": "port", "protocol": "tcp", "dst": 25, "action": "DROP"}),
    ("add rule dir=OUT action=block protocol=UDP localip=192.0.2.7 localport=68 RemotePort=67",
     {"all": [{"rule": "ip", "src": "192.0.2.7"}, {"rule": "port", "protocol": "udp", "src": 68, "dst": 67}],
      "action": "DROP"}),
    ("/ip firewall filter add chain=input action=drop src-address=10.0.0.0/8",
     {"rule": "ip", "src": "10.0.0.0/8", "action": "DROP"}),
    ("netsh advfirewall firewall add rule dir=in action=allow protocol=TCP localport=22", PORT_22),
    ("allow", {"rule": "always", "action": "ACCEPT"}),
    ("block in all", {"rule": "always", "action": "DROP"}),
    ("22/tcp ALLOW IN Anywhere", PORT_22),
    ("-p tcp --dport 22 -j ACCEPT", PORT_22),
    ("firewall-cmd --permanent --add-port=22/tcp", PORT_22),
    ("--add-service=ssh", {"rule": "service", "is": "ssh", "action": "ACCEPT"}),
    ('<service name="ssh"/>', {"rule": "service", "is": "ssh", "action": "ACCEPT"}),
    ("allow OpenSSH", {"rule": "service", "is": "ssh", "action": "ACCEPT"}),
    ("ip saddr 10.0.0.0/8 drop", {"rule": "ip", "src": "10.0.0.0/8", "action": "DROP"}),
    ("iifname lo accept", {"rule": "iface", "in": "lo", "action": "ACCEPT"}),
    ("allow 6000:6007/tcp", {"rule": "port", "protocol": "tcp", "dst": "6000-6007", "action": "ACCEPT"}),
    ("udp dport { 53, 123 } accept", {"rule": "port", "protocol": "udp", "dst": [53, 123], "action": "ACCEPT"}),
    ("set skip on lo", {"rule": "iface", "in": "lo", "action": "ACCEPT"}),
    (
        "pass in quick on eth0 proto tcp from any to any port { 22 80 }",
        {"all": [{"rule": "iface", "in": "eth0"}, {"rule": "port", "protocol": "tcp", "dst": [22, 80]}],
         "action": "ACCEPT"},
    ),
    (
        'rule family="ipv4" source address="10.0.0.0/8" service name="ssh" accept',
        {"all": [{"rule": "ip", "src": "10.0.0.0/8"}, {"rule": "service", "is": "ssh"}], "action": "ACCEPT"},
    ),
    (
        "limit 22/tcp",
        {"all": [{"rule": "port", "protocol": "tcp", "dst": 22}, {"rule": "seen", "times": 6, "within": "30s"}],
         "action": "DROP"},
    ),
    ("pass in proto udp from any port 53", {"rule": "port", "protocol": "udp", "src": 53, "action": "ACCEPT"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "rule"), LINES, ids=[line for line, _ in LINES])
def test_what_is_written_instead_is_a_rule_that_asks_the_same(line: str, rule: dict[str, object]) -> None:
    written = yaml.safe_load(translated(line))
    assert written == rule
    engine(yaml.safe_dump({"version": 1, "plugins": ["rules"], "chains": {"INPUT": [written]}}))


@pytest.mark.parametrize(
    ("line", "form"),
    [
        ("default deny incoming", "default: {INPUT: DROP} beside chains"),
        ("ufw default allow outgoing", "default: {OUTPUT: ACCEPT} beside chains"),
        ("-P FORWARD DROP", "default: {FORWARD: DROP} beside chains"),
        (":INPUT DROP [0:0]", "default: {INPUT: DROP} beside chains"),
        ("policy drop", "default: {INPUT: DROP} beside chains"),
        ('table <bad> persist file "/etc/bad"', "sets: {bad: {file: /etc/bad}} beside chains"),
        ("cscli decisions add --ip 192.0.2.1", "'pywall block 192.0.2.1 --for 4h'"),
    ],
)
def test_lines_that_are_no_rule_have_their_place(line: str, form: str) -> None:
    assert form in translated(line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "allow me in",
        "ip saddr != 10.0.0.0/8 tcp dport != 22 drop",
        "pass in proto tcp to port 22 keep state (max 5)",
        "ct state new drop",
        "allow from 10.0.0.1 from 10.0.0.2",
        "drop from",
        "tcp flags syn drop",
        "allow 22/tcp if it rains",
        "permit tcp 10.0.0.0 0.0.255.0 any eq 22",
        "permit tcp 10.0.0.0 255.255.255.0 any eq 22",
        "permit tcp 10.0.0.1 255.255.255.255 any eq 22",
        "permit tcp 0.0.0.0 0.0.0.0 any eq 22",
        "access-list in extended permit tcp 10.0.0.0 0.0.0.255 any eq 22",
        "access-list in extended permit tcp 10.0.0.1 0.0.0.0 any eq 22",
        "-m conntrack --ctstate NEW -j ACCEPT",
    ],
)
def test_a_word_that_is_not_understood_leaves_nothing_out(line: str) -> None:
    assert translated(line) == ""


WORDS = [
    *("allow", "deny", "limit", "default", "from", "to", "in", "on", "proto", "port", "-p", "-j", "ct"),
    *("22", "22/tcp", "tcp", "any", "all", "lo", "ssh", "{", "}", ",", "!", '"', "=", "<", ">"),
]


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=12).map(" ".join))
def test_whatever_stands_there_the_answer_is_a_rule_or_nothing(line: str) -> None:
    form = translated(line)
    if form.startswith("{"):
        assert isinstance(yaml.safe_load(form.replace("'@", "'").replace("@", "")), dict)


@pytest.mark.parametrize(
    ("line", "form"),
    [
        ("pass in on ! lo", "{not: {rule: iface, in: lo}, action: ACCEPT}"),
        ("ip saddr != 10.0.0.0/8 drop", "{not: {rule: ip, src: 10.0.0.0/8}, action: DROP}"),
        ("-A INPUT ! -s 10.0.0.0/8 -j DROP", "{not: {rule: ip, src: 10.0.0.0/8}, action: DROP}"),
    ],
)
def test_one_negation_goes_around_the_rule(line: str, form: str) -> None:
    assert translated(line) == form
