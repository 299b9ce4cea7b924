"""What other firewalls call actions, modes and keys, and what they are here."""

from __future__ import annotations

from typing import Final

#: What other firewalls call the actions, and the modes.
ACTION_ALIASES: Final = {
    "allow": "ACCEPT",
    "pass": "ACCEPT",
    "permit": "ACCEPT",
    "block": "DROP",
    "deny": "DROP",
    "discard": "DROP",
    "refuse": "REJECT",
    "enforcing": "enforce",
    "permissive": "observe",
    "monitor": "observe",
    "audit": "observe",
    **dict.fromkeys(("ip", "ips", "ipv4", "ipv6", "cidr", "address", "network", "networks", "ipv4_addr"), "addresses"),
    **dict.fromkeys(("domain", "domains", "host", "hosts", "hostnames", "name"), "names"),
    **dict.fromkeys(("string", "text", "regex"), "strings"),
    "inet_service": "ports",
}
#: Keys that other firewalls have in a rule and PyWall has not, and what is there instead.
KEY_FORMS: Final = {
    **dict.fromkeys(
        ("log", "logging", "log_prefix"), "logging is a rule of its own before it, {rule: log, message: ...}"
    ),
    **dict.fromkeys(
        ("priority", "order", "position", "precedence"), "rules are asked in the order in which they stand"
    ),
    **dict.fromkeys(("reject_with", "reject-with"), "REJECT answers TCP with a reset and the rest with an ICMP error"),
    **dict.fromkeys(
        ("duration", "until", "expires"), "for a rule of a time write {rule: time, ...}, for a ban add: {...}"
    ),
    **dict.fromkeys(("direction", "hook", "chain"), "the chain that holds a rule says it: INPUT, OUTPUT, FORWARD"),
    **dict.fromkeys(("state", "ctstate"), "for answers to what this host began write {rule: flow, initiator: local}"),
}
#: Keys that other firewalls use, and ours.
KEY_ALIASES: Final = {
    "dport": "dst",
    "dports": "dst",
    "dest": "dst",
    "destination": "dst",
    "daddr": "dst",
    "to": "dst",
    "sport": "src",
    "source": "src",
    "saddr": "src",
    "from": "src",
    "proto": "protocol",
    "verdict": "action",
    "target": "action",
    "then": "action",
    "jump": "action",
    "policy": "default",
    "rules": "chains",
    "chain": "chains",
    "description": "comment",
    "note": "comment",
    "title": "name",
    "disabled": "enabled",
    "dry_run": "observe",
    "interface": "in",
    "sni": "name",
    "variables": "vars",
    "includes": "include",
    "rate": "over",
    "max": "over",
    "connections": "concurrent",
    "count": "times",
    "period": "within",
    "seconds": "within",
    "domain": "is",
    "country": "src",
    "user": "is",
    "program": "path",
    "exe": "path",
    "weekdays": "days",
    "ttl": "for",
    "timeout": "for",
}
