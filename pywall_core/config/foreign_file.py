"""Whole files of other firewalls given as a policy: what they are, and the way to a policy."""

from __future__ import annotations

import re
from typing import Final

_INIT: Final = "'pywall init' writes a policy to begin with"
_CONVERT: Final = "'pywall convert FILE' writes a policy from"
#: the beginning of a file, without comments, and what is said of it
_FILES: Final = (
    (r"\*(?:filter|nat|mangle|raw|security)\s|-[ANPF] [A-Z]", f"rules of iptables: {_CONVERT} them (iptables-save)"),
    (r"(?:sudo\s+)?ip6?tables\s", f"commands of iptables: run them, and {_CONVERT} what iptables-save then prints"),
    (
        r"(?:flush ruleset|add table|define \w+ =|table (?:inet|ip6?|arp|bridge|netdev) \w+ *\{)",
        f"rules of nftables: {_CONVERT} the output of nft -j list ruleset",
    ),
    (r"\{\s*\"nftables\"\s*:", f"rules of nftables: {_CONVERT} them"),
    (r"(?:sudo\s+)?ufw\s", f"commands of ufw: run them, and {_CONVERT} /etc/ufw/user.rules"),
    (r"Status: (?:in)?active\b", f"what ufw status prints: {_CONVERT} /etc/ufw/user.rules"),
    (
        r"(?:[^\n]*\n)*?(?:DEFAULT_(?:INPUT|OUTPUT|FORWARD)_POLICY|IPT_SYSCTL|MANAGE_BUILTINS)=",
        f"settings of ufw: {_CONVERT} its rules, /etc/ufw/user.rules",
    ),
    (r"-A ufw6?-", f"rules of ufw without their table: {_CONVERT} the whole /etc/ufw/user.rules"),
    (
        r"(?:\w+ *= *\"[^\n]*\n+)*(?:pass|block|match|scrub|set skip|table <\w+>)\s[^\n]*(?:\n|\Z)",
        f"rules of pf: {_INIT}; a line of them where a rule belongs is answered with its form",
    ),
    (
        r"(?:(?:ip|port)?var \w+ [^\n]*\n+)*(?:alert|drop|pass|reject|log|sdrop)\s+\w+\s+\S+\s+\S+\s+(?:->|<>|<-)\s",
        "rules of Suricata or Snort: write what they look for, {rule: fact, name: tls.sni, is: ...}; " + _INIT,
    ),
    (r"<\?xml|<(?:zone|service|ipset|policy)\b", f"XML, as firewalld has it: {_INIT}"),
    (r"<(?:\w+:)?\w+[\s>]", f"XML: a policy is YAML; {_INIT}"),
    (
        r"(?:0\.0\.0\.0|127\.0\.0\.1|::1?)[ \t]+[\w.-]+[^\n]*(?:\n|\Z)",
        "a list of hosts: name it by a set, sets: {ads: {type: names, file: FILE}}, and {rule: domain, is: '@ads'}",
    ),
    (
        r"(?:\d+\.){3}\d+(?:/\d+)?\s*(?:\n|\Z)",
        "a list of addresses: name it by a set, sets: {bad: {file: FILE}}, and {rule: ip, src: '@bad'}",
    ),
    (
        r"(?:domain \([^)]*\) *|@def [^\n]*\n+)*table \(?\w+\)? *(?:chain|\{)|/ip(?:v6)? firewall |ipfw |"
        r"(?:ip )?access-list |(?:ACCEPT|DROP|REJECT|[A-Z][A-Za-z]+\((?:ACCEPT|DROP|REJECT)\))\s+\S+\s+\S+|"
        r"set firewall |"
        r"resource \"|config (?:rule|zone|defaults)\b",
        f"rules of another firewall: {_CONVERT} what iptables-save or nft -j list ruleset prints where they hold",
    ),
    (
        r"\{(?=.{0,2000}\"(?:denied|allowed)-remote-(?:domains|hosts|addresses)\"\s*:)",
        "rules of Little Snitch: their domains are a set, sets: {ads: {type: names, entries: [...]}}; " + _INIT,
    ),
    (
        r"(?:[^\n]*\n)*?(?:apiVersion:\s*\S*(?:networking\.k8s|cilium|calico)|kind:\s*\w*NetworkPolicy)",
        "a NetworkPolicy of Kubernetes: a chain INPUT is its ingress, OUTPUT its egress, {rule: ip, src: CIDR} an "
        f"ipBlock; {_INIT}",
    ),
    (
        r"\{(?=.{0,2000}\"operator\"\s*:)(?=.{0,2000}\"operand\"\s*:)",
        "a rule of OpenSnitch: a rule belongs to a chain, {rule: domain, is: ...} or {rule: process, path: ...}; "
        + _INIT,
    ),
    (
        r"(?:[^\n]*\n)*?(?:decisions|on_success|leakspeed|blackhole):",
        "a profile or scenario of CrowdSec: its decisions come in by 'pywall set crowdsec', what it counts is "
        "{rule: seen, times: 5, within: 1m}",
    ),
    (
        r"(?:[^\n]*\n)*?(?:services:\s*\n\s+[\w.-]+:\s*\n|x-[\w-]+:\s*&)",
        f"a file of Docker Compose: ports that it publishes are asked for in the chain FORWARD; {_INIT}",
    ),
    (
        r"(?:[^\n]*\n)*?(?:af-packet|nfq|outputs|rule-files|app-layer|default-log-dir|default-rule-path):",
        f"suricata.yaml: events go to a file by events: {{file: eve.json}}, networks are sets; {_INIT}",
    ),
    (
        r"(?:[^\n]*\n)*?(?:network:\s*\n\s+(?:version|ethernets|renderer):"
        r"|- (?:hosts|name): [^\n]*\n\s+(?:tasks|become|hosts):)",
        f"a file of another program, Netplan or Ansible: {_INIT}",
    ),
    (r"\[[\w .-]+\]\s*\n\s*\w+\s*=", f"an INI file: a policy is YAML, key: value; {_INIT}"),
    (r"\w+\s*=\s*\S[^\n:]*(?:\n|\Z)", "key = value: a policy is YAML, write 'key: value' (version: 1)"),
)
#: characters that are looked at
MAX_HEAD: Final = 4096


def file_form(text: str) -> str:
    """Return what is said of a text that is a file of another firewall; nothing of a policy, right or wrong."""
    head = text[:MAX_HEAD]
    if re.search(r"^(?:version\s*:\s*1\s*$|plugins\s*:|chains\s*:)", head, re.MULTILINE):
        return ""
    head = "\n".join(line for line in head.split("\n") if not line.lstrip().startswith("#")).lstrip()
    return next((what for pattern, what in _FILES if re.match(pattern, head, re.DOTALL)), "")
