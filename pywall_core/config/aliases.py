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
#: What other firewalls call the values of other keys, in lower case.
VALUE_ALIASES: Final = {
    **dict.fromkeys(("us", "me", "self", "here", "host", "outbound", "outgoing", "out", "original"), "local"),
    **dict.fromkeys(("them", "peer", "inbound", "incoming", "in", "client", "reply"), "remote"),
    **dict.fromkeys(("ip", "src", "srcip", "source_ip", "by_src", "source-ip", "saddr"), "source"),
    **dict.fromkeys(("dst", "dstip", "destination_ip", "by_dst", "destination-ip", "daddr"), "destination"),
    **dict.fromkeys(("both", "by_both", "by_rule"), "pair"),
    **dict.fromkeys(("conn", "conns", "connection", "new", "flows", "sessions", "syn"), "connections"),
    **dict.fromkeys(("packet", "pps"), "packets"),
    **dict.fromkeys(("byte", "bits", "traffic"), "bytes"),
    **dict.fromkeys(("drop", "deny", "block", "fail-closed", "fail_closed"), "closed"),
    **dict.fromkeys(("allow", "accept", "pass", "fail-open", "fail_open", "bypass"), "open"),
    **dict.fromkeys(("hash:ip", "hash:net", "ipv4_addr", "ipv6_addr"), "addresses"),
    "6": "tcp",
    "17": "udp",
    "dry-run": "observe",
    "test": "observe",
}
#: Actions of other firewalls that are none here, in lower case, and what is written instead.
ACTION_FORMS: Final = {
    **dict.fromkeys(
        ("log", "alert", "ulog", "nflog", "audit"),
        "logging is a rule of its own, {rule: log, message: ...}, without an action",
    ),
    **dict.fromkeys(("return", "continue"), "a jump does not return; what reaches a chain's end gets the default"),
    **dict.fromkeys(
        ("masquerade", "dnat", "snat", "redirect", "nat", "rdr", "tproxy"),
        "NAT and routing stay with nft or iptables",
    ),
    **dict.fromkeys(
        ("nfqueue", "queue", "divert"), "packets come to PyWall by its section queue; write what becomes of them"
    ),
    **dict.fromkeys(
        ("mark", "connmark", "tcpmss", "set", "tag"), "packets are not changed; that stays with nft or iptables"
    ),
    **dict.fromkeys(("tarpit", "captcha", "steal", "chaos", "delude"), "write DROP, or REJECT to answer"),
    **dict.fromkeys(
        ("rst", "reset", "tcp-reset", "reject-with-rst", "reject tcp-reset", "kill", "rejectsrc", "rejectboth"),
        "write REJECT, which answers TCP with a reset",
    ),
    **dict.fromkeys(
        ("skip", "ignore", "none", "noop", "nothing"),
        "a rule without effect is left out, or has enabled: false; to only report, observe: true",
    ),
    **dict.fromkeys(("notify", "mail", "email"), "the plugins 'mail' and 'webhook' send alerts of {rule: log}"),
    "ban": "write DROP, and beside it add: {set: NAME, key: src, for: 4h}",
    "limit": "a limit is a condition, {rule: limit, over: 10/m, action: DROP}",
    "ask": "nobody is asked while packets wait; write ACCEPT or DROP",
    **dict.fromkeys(("jump", "goto"), "write the name of the chain, action: web"),
}
#: Keys that other firewalls have in a rule and PyWall has not, and what is there instead.
KEY_FORMS: Final = {
    **dict.fromkeys(
        ("log", "logging", "log_prefix"), "logging is a rule of its own before it, {rule: log, message: ...}"
    ),
    **dict.fromkeys(
        ("priority", "order", "position", "precedence", "quick"),
        "rules are asked in the order in which they are written, the first that matches decides",
    ),
    **dict.fromkeys(("reject_with", "reject-with"), "REJECT answers TCP with a reset and the rest with an ICMP error"),
    **dict.fromkeys(
        ("duration", "until", "expires", "ban", "for"),
        "for a rule of a time write {rule: time, ...}, for a ban add: {set: NAME, key: src, for: 1h}",
    ),
    **dict.fromkeys(("direction", "hook", "chain"), "the chain that holds a rule says it: INPUT, OUTPUT, FORWARD"),
    **dict.fromkeys(
        ("state", "ctstate", "keep_state", "keep-state", "stateful", "established"),
        "for answers to what this host began write {rule: flow, initiator: local}",
    ),
    **dict.fromkeys(
        ("and", "if", "when", "where"), "several conditions are written {all: [{rule: ...}, {rule: ...}], action: ...}"
    ),
    **dict.fromkeys(
        ("unless", "except", "exclude", "but"),
        "an exception is written {all: [{rule: ...}, {not: {rule: ...}}], action: ...}",
    ),
    **dict.fromkeys(("sid", "gid", "rev", "classtype", "reference", "id"), "a rule is called by name: ..."),
    **dict.fromkeys(("endPort", "end_port", "port_end"), "a range is written dst: 80-90"),
    **dict.fromkeys(
        ("icmp_type", "icmp-type", "icmptype", "icmpv6_type", "icmpv6-type", "icmp_code", "itype"),
        "types of ICMP are not asked; errors of ICMP belong to the flow that they are about",
    ),
    **dict.fromkeys(("mark", "tag", "table"), "packets are not changed; that stays with nft or iptables"),
    **dict.fromkeys(("counter", "counters", "stats"), "each rule is counted, see pywall stats"),
}
#: Keys that other firewalls use, and ours.
KEY_ALIASES: Final[dict[str, str | tuple[str, ...]]] = {
    **dict.fromkeys(
        ("port", "ports", "multiport", "dst_port", "dest_port", "destination_port", "to_port"), ("dst", "doors")
    ),
    **dict.fromkeys(("src_port", "source_port", "from_port"), "src"),
    **dict.fromkeys(("cidr", "address", "addr", "network", "src_ip", "source_ip"), "src"),
    **dict.fromkeys(("dst_ip", "dest_ip", "destination_ip"), "dst"),
    **dict.fromkeys(("equals", "equal", "eq", "value", "=="), "is"),
    **dict.fromkeys(("matches", "match", "pcre", "regexp", "re", "pattern"), "regex"),
    **dict.fromkeys(("endswith", "ends_with", "ends"), "suffix"),
    **dict.fromkeys(("content", "includes_text", "substring", "has"), "contains"),
    **dict.fromkeys(("startswith", "starts_with", "starts"), "glob"),
    "prefix": ("message", "glob", "prefix4"),
    **dict.fromkeys(
        ("gt", "ge", "gte", "min", "above", "over", ">", ">="), ("least", "over", "concurrent", "min_confidence")
    ),
    **dict.fromkeys(("lt", "le", "lte", "below", "under", "<", "<="), "most"),
    **dict.fromkeys(("msg", "text"), ("message", "comment")),
    **dict.fromkeys(("on", "dev", "device", "nic", "iif", "iifname"), "in"),
    **dict.fromkeys(("oif", "oifname"), "out"),
    **dict.fromkeys(("uid", "username"), "is"),
    **dict.fromkeys(("sequence", "knocks"), "doors"),
    **dict.fromkeys(("name", "protocol", "names", "app"), "is"),
    "suffix": "is",
    **dict.fromkeys(("fail-open", "fail_open", "fail-closed", "default"), "all"),
    "limit": ("over", "most"),
    "per": "by",
    "prefix_len": ("prefix4", "prefix6"),
    "class": "is",
    "interval": "within",
    "timezone": "zone",
    "tz": "zone",
    **dict.fromkeys(("elements", "members", "list"), "entries"),
    **dict.fromkeys(("url", "feed"), ("source", "url")),
    "path": ("file", "path"),
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
    "hitcount": "times",
    "in": "within",
    **dict.fromkeys(("observe", "enabled"), "mode"),
    **dict.fromkeys(("log", "logging"), "events"),
    "rate": "over",
    "max": ("over", "most", "concurrent"),
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
    "timeout": ("for", "window"),
}
