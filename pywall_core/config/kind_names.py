"""What people and other firewalls call kinds of rules, and what each of them is here."""

from __future__ import annotations

from typing import Final

#: Operands of rules of OpenSnitch, and the condition that asks for each.
OPERANDS: Final = {
    "process.path": "{{rule: process, path: {}}}",
    "process.command": "{{rule: process, command: {}}}",
    "process.parent.path": "{{rule: process, parent: {}}}",
    "user.id": "{{rule: user, is: {}}}",
    "user.name": "{{rule: user, is: {}}}",
    "dest.host": "{{rule: domain, is: {}}}",
    "dest.ip": "{{rule: ip, dst: {}}}",
    "dest.network": "{{rule: ip, dst: {}}}",
    "dest.port": "{{rule: port, dst: {}}}",
    "source.ip": "{{rule: ip, src: {}}}",
    "source.port": "{{rule: port, src: {}}}",
    "protocol": "{{rule: protocol, is: {}}}",
    "iface.out": "{{rule: iface, out: {}}}",
    "iface.in": "{{rule: iface, in: {}}}",
}
#: What people call the rule kinds, and ours.
KIND_ALIASES: Final = {
    "address": "ip",
    "addr": "ip",
    "host": "ip",
    "src": "ip",
    "dst": "ip",
    "source": "ip",
    "destination": "ip",
    "network": "ip",
    "net": "ip",
    "cidr": "ip",
    "ports": "port",
    "dport": "port",
    "sport": "port",
    "service": "port",
    "dst_port": "port",
    "src_port": "port",
    "tcp": "protocol",
    "udp": "protocol",
    "icmp": "protocol",
    "proto": "protocol",
    "interface": "iface",
    "device": "iface",
    "in": "iface",
    "out": "iface",
    "application": "app",
    "l7": "app",
    "sni": "fact",
    "any": "always",
    "default": "always",
    "encrypted": "payload",
    "entropy": "payload",
    "hedge": "payload",
    "classifier": "payload",
    **dict.fromkeys(("container", "docker", "unit", "service_unit", "slice"), "cgroup"),
    **dict.fromkeys(("app-layer-protocol", "app_proto", "alproto", "app-layer"), "app"),
}
#: Words that name no kind, and what asks for what they mean.
KIND_FORMS: Final = {
    **dict.fromkeys(("set", "ipset", "table"), "; a set is asked for as an address, {rule: ip, src: '@NAME'}"),
    **dict.fromkeys(
        ("mac", "mac-address", "ether", "arp"), "; PyWall sees packets of IP, addresses of Ethernet stay with nft"
    ),
    **dict.fromkeys(
        ("zone", "zones"), "; a zone is a device, {rule: iface, in: eth0}, or a set, {rule: ip, src: '@NAME'}"
    ),
    **dict.fromkeys(("country", "geoip", "geoblock"), "; write {rule: geo, src: DE, database: FILE.mmdb}"),
    **dict.fromkeys(
        ("hostname", "fqdn", "url", "site", "website", "dest_host"), "; write {rule: domain, is: example.com}"
    ),
    **dict.fromkeys(
        ("content", "string", "pcre", "regex"),
        "; what flows say is asked by {rule: fact, name: http.url, contains: ...}",
    ),
    **dict.fromkeys(
        ("threshold", "recent", "detection_filter", "hitcount"), "; write {rule: seen, times: 5, within: 1m}"
    ),
    **dict.fromkeys(
        ("hashlimit", "connlimit", "ratelimit", "rate"),
        "; write {rule: limit, over: 10/s} or {rule: limit, concurrent: 20}",
    ),
    **dict.fromkeys(
        ("tcp-flags", "tcpflags", "syn"), "; for connections that others begin write {rule: flow, initiator: remote}"
    ),
    **dict.fromkeys(("mark", "connmark", "dscp", "tos", "ttl", "length"), "; that stays with nft or iptables"),
    **dict.fromkeys(("multiport", "dports"), "; write {rule: port, dst: [80, 443]}"),
    **dict.fromkeys(("and", "all"), "; write {all: [{...}, {...}]}"),
    **dict.fromkeys(("or",), "; write {any: [{...}, {...}]}"),
    "not": "; write {not: {rule: ...}}",
    **dict.fromkeys(("owner", "uid", "uid-owner", "skuid"), "; write {rule: user, is: ...}"),
    **dict.fromkeys(("icmp", "icmpv6", "icmp-type", "ping"), "; write {rule: protocol, is: [icmp, icmpv6]}"),
    **{
        name: f"; write {{rule: protocol, is: {name}}}, or with a port {{rule: port, protocol: {name}, dst: ...}}"
        for name in ("tcp", "udp")
    },
    **dict.fromkeys(
        ("accept", "allow", "pass", "permit"), "; it is an action, write {rule: port, dst: 22, action: ACCEPT}"
    ),
    **dict.fromkeys(("drop", "deny", "block"), "; it is an action, write {rule: port, dst: 22, action: DROP}"),
    "reject": "; it is an action, write {rule: port, dst: 22, action: REJECT}",
    **{operand: f"; write {form.format('...')}" for operand, form in OPERANDS.items()},
}
