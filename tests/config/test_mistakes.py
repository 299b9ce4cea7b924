"""Mistakes that people make, and the right form that each is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.cli.common import prepare
from pywall_core.config import ConfigError

#: a rule as people write it -> what the answer says
RULES = [
    ("{rule: port, dst: 1000:2000, action: DROP}", "a range is written 1000-2000"),
    ("{rule: port, dst: '80,443', action: DROP}", "write a list, [80, 443]"),
    ("{rule: port, dst: '22', action: DROP}", "write 22 without quotes"),
    ("{rule: port, dst: https, action: DROP}", "https has port 443, write {rule: service, is: https}"),
    ("{rule: port, dst: 22/tcp, action: DROP}", "write {rule: port, protocol: tcp, dst: 22}"),
    ("{rule: port, dst: '!22', action: DROP}", "write {not: {rule: port, dst: 22}}"),
    ("{rule: port, dst: any, action: DROP}", "for any port, write {rule: protocol, is: tcp}"),
    ("{rule: port, dport: 22, action: DROP}", "unknown key; did you mean 'dst'?"),
    ("{rule: port, proto: tcp, dst: 22, action: DROP}", "unknown key; did you mean 'protocol'?"),
    ("{rule: port, protocol: TCP, dst: 22, action: DROP}", "'TCP' is not allowed; did you mean 'tcp'?"),
    ("{rule: ip, src: '!10.0.0.0/8', action: DROP}", "write {not: {rule: ip, src: 10.0.0.0/8}}"),
    ("{rule: ip, src: !10.0.0.0/8 , action: DROP}", "'!' does not negate, write {not: {rule: ...}}"),
    ("{rule: ip, src: '10.0.0.1,10.0.0.2', action: DROP}", "write a list, [10.0.0.1, 10.0.0.2]"),
    ("{rule: ip, src: any, action: DROP}", "for any address, leave the key out"),
    ("{rule: ip, src: 10.0.*.*, action: DROP}", "write 10.0.0.0/16"),
    ("{rule: ip, src: 10.0/16, action: DROP}", "write 10.0.0.0/16"),
    ("{rule: ip, src: 192.0.2.1:80, action: DROP}", "a port is a rule of its own, {rule: port, dst: 80}"),
    ("{rule: ip, dst: example.com, action: DROP}", "a name is looked for in what flows say"),
    ("{rule: ip, source: 10.0.0.0/8, action: DROP}", "unknown key; did you mean 'src'?"),
    ("{rule: protocol, is: tcp/udp, action: DROP}", "write a list, [tcp, udp]"),
    ("{rule: protocol, is: UDP, action: DROP}", "'UDP' is not an IP protocol: write udp"),
    ("{rule: app, is: https, action: DROP}", "no loaded plugin detects 'https'; did you mean 'tls'?"),
    ("{rule: app, is: HTTP, action: DROP}", "did you mean 'http'?"),
    ("{rule: app, is: htpp, action: DROP}", "did you mean 'http'?"),
    ("{rule: app, is: 'ssh,http', action: DROP}", "write a list, [ssh, http]"),
    ("{rule: https, action: DROP}", "write {rule: app, is: tls}"),
    ("{rule: tcp, dst: 22, action: DROP}", "unknown rule 'tcp'; did you mean 'protocol'?"),
    ("{rule: interface, in: eth0, action: DROP}", "did you mean 'iface'?"),
    ("{rule: payload, is: encrypted, action: DROP}", "the plugin 'hedge' brings it and is installed: add '- hedge'"),
    ("{rule: always, action: drop}", "did you mean 'DROP'?"),
    ("{rule: always, action: deny}", "did you mean 'DROP'?"),
    ("{rule: always, action: allow}", "did you mean 'ACCEPT'?"),
    ("{rule: always, action: LOG}", "logging is a rule of its own, {rule: log, message: ...}"),
    ("{rule: always, action: RETURN}", "a jump does not return"),
    ("{rule: always, actoin: DROP}", "unknown key; did you mean 'action'?"),
    ("{rule: always, action:DROP}", "a blank must follow the colon, write 'action: DROP'"),
    ("{rule: always, DROP}", "write 'action: DROP'"),
    ("{rule: always, action: DROP, description: x}", "unknown key; did you mean 'comment'?"),
    ("{rule: always, action: DROP, enabled: no}", "write false"),
    ("{not: {rule: port, dst: 22, action: DROP}}", "'action' belongs to the whole rule"),
    ("ssh DROP", "write {rule: app, is: ssh, action: DROP}"),
    ("{rule: fact, name: tls.snii, is: x, action: DROP}", "did you mean 'tls.sni'?"),
    ("{rule: fact, name: sni, is: x, action: DROP}", "the fact 'sni' is called 'tls.sni'"),
    ("{rule: fact, name: tls.sni, glob: *.example.com, action: DROP}", 'begins with * or & needs quotes'),
    ("{rule: ip, src: [10.0.0.0/8, action: DROP}", "a comma or the closing ] is missing"),
    ("{rule: always, action: DROP", "a comma or the closing } is missing"),
    ("{type: port, dst: 22, action: DROP}", "write 'rule: port'"),
    ("{port: 22, action: DROP}", "write {rule: port, dst: 22, ...}"),
    ("{iface: lo, action: ACCEPT}", "write {rule: iface, in: lo, ...}"),
    ("{app: ssh, action: DROP}", "write {rule: app, is: ssh, ...}"),
    ("{and: [{rule: always}], action: DROP}", "did you mean 'all'?"),
    ("{or: [{rule: always}], action: DROP}", "did you mean 'any'?"),
    ("{rule: app, not: ssh, action: DROP}", "write {not: {rule: app, is: ssh}, action: ...}"),
    ("{rule: port, dst: '>1024', action: DROP}", "write 1025-65535"),
    ("{rule: port, dst: '<=1024', action: DROP}", "write 0-1024"),
    ("{rule: port, dst: 80 443, action: DROP}", "write a list, [80, 443]"),
    ("{rule: port, is: 22, action: DROP}", "write 'dst' or 'src'"),
    ("{rule: iface, is: lo, action: DROP}", "did you mean 'in'?"),
    ("{rule: ip, src: blocked, action: DROP}", "a named set is written '@blocked'"),
    ("{rule: ip, src: $LAN, action: DROP}", "a variable is written ${LAN}"),
    ("{rule: ip, src: '${LAN}', action: DROP}", "no variable 'LAN'"),
    ("{rule: ip, src: ::1, action: DROP}", "begins with : needs quotes"),
    ("{rule: limit, over: 10, action: DROP}", "write 10/s, 100/m, 5/h"),
    ("{rule: limit, over: 10 per second, action: DROP}", "write 10/s, 100/m, 5/h"),
    ("{rule: limit, rate: 10/s, action: DROP}", "did you mean 'over'?"),
    ("{rule: seen, count: 5, within: 1m, action: DROP}", "did you mean 'times'?"),
    ("{rule: time, hours: 9-17, action: DROP}", "write 09:00-17:00"),
    ("{rule: time, hours: 9am-5pm, action: DROP}", "write 09:00-17:00"),
    ("{rule: time, hours: 22h to 6h, action: DROP}", "write 22:00-06:00"),
    ("{rule: time, days: weekdays, action: DROP}", "write mon-fri"),
    ("{rule: time, days: weekend, action: DROP}", "write [sat, sun]"),
    ("{rule: domain, is: 'https://example.com/x', action: DROP}", "write example.com"),
    ("{rule: domain, is: 'example.com:443', action: DROP}", "write example.com"),
    ("{rule: domain, is: '*ads*', action: DROP}", "glob: '*ads*'"),
    ("{rule: domain, is: 'a.example, b.example', action: DROP}", "a list, [a.example, b.example]"),
    ("{rule: fact, name: tls.sni, regex: '*.example', action: DROP}", "glob: '*.example'"),
    ("{rule: app, is: any, action: DROP}", "leave the rule out"),
    ("{rule: app, is: 'bit*', action: DROP}", "patterns are not taken"),
    ("{rule: ip, src: '@bad', action: DROP}", "add 'sets: {bad: {type: addresses}}'"),
    ("{rule: port, dst: 23, action: DROP, add: bad}", "write {set: bad, key: src, for: 1h}"),
    ("{rule: port, dst: 23, action: [LOG, DROP]}", "logging is a rule of its own before it"),
    ("{rule: always, action: DROP} // all", "a comment begins with #"),
    ("{rule: service, is: htps, action: ACCEPT}", "did you mean 'https'?"),
    ("{rule: user, is: root, action: ACCEPT}", "add '- process' under plugins"),
    ("allow 22/tcp", "write {rule: port, protocol: tcp, dst: 22, action: ACCEPT}"),
    ("ufw deny 23", "write {rule: port, dst: 23, action: DROP}"),
    ("allow from any to any port 22", "write {rule: port, dst: 22, action: ACCEPT}"),
    ("allow from 10.0.0.0/8 to any port 22 proto tcp",
     "{all: [{rule: ip, src: 10.0.0.0/8}, {rule: port, protocol: tcp, dst: 22}], action: ACCEPT}"),
    ("deny from 203.0.113.5", "write {rule: ip, src: 203.0.113.5, action: DROP}"),
    ("port 22", "write {rule: port, dst: 22, action: ACCEPT}"),
    ("port 22: ACCEPT", "write {rule: port, dst: 22, action: ACCEPT}"),
    ("-A INPUT -p tcp --dport 22 -j ACCEPT", "'pywall convert FILE' writes a policy"),
    ("iptables -A INPUT -j DROP", "'pywall convert FILE' writes a policy"),
    ("tcp dport 22 accept", "'pywall convert FILE' writes a policy"),
    ("ct state established,related accept", "'pywall convert FILE' writes a policy"),
    ("drop tcp any any -> any 22 (sid:1;)", "of a rule of Suricata or Snort write what it looks for"),
    ("{name: x, action: block, expr: 'geoip(ip.dst)'}", "'expr' is of another firewall"),
    ("{operator: {type: simple}, action: DROP}", "'operator' is of another firewall"),
    ("{rule: port, dst: tcp/22, action: DROP}", "write {rule: port, protocol: tcp, dst: 22}"),
    ("{rule: port, dst: 1000\u20132000, action: DROP}", "a range is written with -, 1000-2000"),
    ("{rule: port, protocol: tcp/udp, dst: 53, action: DROP}", "leave the key out for any"),
    ("{rule: port, protocol: any, dst: 53, action: DROP}", "for any, leave the key out"),
    ("{rule: ip, src: '[2001:db8::1]', action: DROP}", "write 2001:db8::1 without brackets"),
    ("{rule: ip, src: '[2001:db8::1]:22', action: DROP}", "write 2001:db8::1 without brackets"),
    ("{rule: ip, src: 10.0.0.1, dport: 22, action: DROP}", "a port is a rule of its own"),
    ("{rule: state, is: established, action: ACCEPT}", "write {rule: flow, initiator: local}"),
    ("{rule: ct, state: new, action: ACCEPT}", "write {rule: flow, initiator: local}"),
    ("{rule: tcp-state, is: NEW, action: ACCEPT}", "write {rule: flow, initiator: remote}"),
    ("{rule: tcp-state, is: RELATED, action: ACCEPT}", "a word of conntrack"),
    ("{rule: time, from: '8:00', action: DROP}", "write hours: 08:00-18:00"),
    ("{rule: domain, is: \u201cexample.com\u201d, action: DROP}", "a typographic quote"),
    ("{rule: app, is: \u2018ssh\u2019, action: DROP}", "a typographic quote"),
    ("{rule: always,\u00a0action: DROP}", "a no-break space: write a blank"),
    ("{rule:always, action:DROP}", "a blank must follow the colon, write 'rule: always'"),
    ("{rule=always, action=DROP}", "a blank must follow the colon, write 'rule: always'"),
    ("{not: rule: always, action: DROP}", "has braces of its own"),
    ("{all: {rule: always}, action: DROP}", "should be a list of rules: write [{...}]"),
    ("{rule: always, action: DROP, log: true}", "logging is a rule of its own"),
    ("{rule: always, action: DROP, priority: 10}", "in the order in which they are written"),
    ("{rule: always, action: REJECT, reject_with: tcp-reset}", "REJECT answers TCP with a reset"),
    ("{rule: always, action: DROP, state: NEW}", "write {rule: flow, initiator: local}"),
    ("{rule: always, action: DROP, chain: INPUT}", "the chain that holds a rule says it"),
    ("{<<: *base, action: DROP}", "aliases are not taken; write the value out"),
    ("\t{rule: always, action: DROP}", "a tab; write a blank"),
    ('{rule: port, dst: "22:", action: DROP}', "a range is written 22-65535"),
    ("{rule: port, dst: -1024, action: DROP}", "a range is written 0-1024"),
    ("{rule: port, dst: 1000..2000, action: DROP}", "a range is written 1000-2000"),
    ("{rule: port, dst: 80;443, action: DROP}", "write a list, [80, 443]"),
    ('{rule: port, dst: "!= 22", action: DROP}', "write {not: {rule: port, dst: 22}}"),
    ("{rule: port, dst: $HTTP_PORTS, action: DROP}", "a variable is written ${HTTP_PORTS}"),
    ('{rule: port, dst: "[80,443]", action: DROP}', "write a list, [80, 443]"),
    ("{rule: port, dst: 22.0, action: DROP}", "write 22"),
    ("{rule: port, dst: 1-65535/udp, action: DROP}", "write {rule: port, protocol: udp, dst: 1-65535}"),
    ("{rule: port, dst: tcp:22, action: DROP}", "write {rule: port, protocol: tcp, dst: 22}"),
    ("{rule: port, dst: [22, [80, 443]], action: DROP}", "a list is not in a list"),
    ("{rule: port, destination_port: 22, action: DROP}", "did you mean 'dst'?"),
    ("{rule: port, protocol: 6, dst: 22, action: DROP}", "did you mean 'tcp'?"),
    ("{rule: port, protocol: [tcp, udp], dst: 53, action: DROP}", "it takes one"),
    ("{rule: port, saddr: 10.0.0.1, action: DROP}", "{rule: ip, src: 10.0.0.1}"),
    ("{rule: ip, src: 10.0.0.0/33, action: DROP}", "a length is at most 32"),
    ("{rule: ip, src: 10.0.0.256, action: DROP}", "at most 255"),
    ("{rule: ip, src: 010.0.0.1, action: DROP}", "write no zeros in front, 10.0.0.1"),
    ("{rule: ip, src: 10.0.0.1-10, action: DROP}", "a range is written 10.0.0.1-10.0.0.10"),
    ("{rule: ip, src: 10.0.0.9-10.0.0.1, action: DROP}", "the lower address of a range comes first"),
    ("{rule: ip, src: 10.0.0.0 255.0.0.0, action: DROP}", "write 10.0.0.0/8"),
    ("{rule: ip, src: not 10.0.0.0/8, action: DROP}", "write {not: {rule: ip, src: 10.0.0.0/8}}"),
    ("{rule: ip, src: <blocked>, action: DROP}", "a named set is written '@blocked'"),
    ("{rule: ip, src: {set: blocked}, action: DROP}", "a named set is written '@blocked'"),
    ("{rule: ip, src: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}, action: DROP}", "an exception is written {all:"),
    ("{rule: ip, src: localhost, action: DROP}", "write [127.0.0.0/8, '::1']"),
    ("{rule: ip, src: self, action: DROP}", "{rule: flow, initiator: local}"),
    ("{rule: ip, src: eth0, action: DROP}", "{rule: iface, in: eth0}"),
    ("{rule: ip, src: ipset:blocked, action: DROP}", "a named set is written '@blocked'"),
    ("{rule: ip, src: DE, action: DROP}", "a country is {rule: geo, src: DE"),
    ("{rule: ip, src: AS15169, action: DROP}", "{rule: asn, src: 15169"),
    ("{rule: ip, src: '00:11:22:33:44:55', action: DROP}", "it is one of Ethernet"),
    ("{rule: ip, src: 10.0.0.1, port: 22, action: DROP}", "a port is a rule of its own"),
    ("{rule: ip, src: 10.0.0.1, proto: tcp, action: DROP}", "a protocol is a rule of its own"),
    ("{rule: mac, src: a, action: DROP}", "addresses of Ethernet stay with nft"),
    ("{rule: ipset, name: blocked, action: DROP}", "{rule: ip, src: '@NAME'}"),
    ("{rule: zone, is: public, action: DROP}", "a zone is a device"),
    ("{rule: country, is: DE, action: DROP}", "write {rule: geo"),
    ("{rule: hostname, is: example.com, action: DROP}", "write {rule: domain"),
    ("{rule: tls.sni, is: example.com, action: DROP}", "write {rule: fact, name: tls.sni"),
    ("{rule: threshold, count: 5, seconds: 60, action: DROP}", "write {rule: seen"),
    ("{rule: connlimit, above: 10, action: DROP}", "{rule: limit, concurrent: 20}"),
    ("{rule: tcp-flags, is: SYN, action: DROP}", "{rule: flow, initiator: remote}"),
    ("{rule: geo, src: de, database: x, action: DROP}", "write DE"),
    ("{rule: asn, src: AS15169, database: x, action: DROP}", "write 15169"),
    ("{rule: fact, name: tls.sni, endswith: .x.com, action: DROP}", "did you mean 'suffix'?"),
    ("{rule: fact, name: tls.sni, pcre: /x/i, action: DROP}", "did you mean 'regex'?"),
    ("{rule: fact, name: tls.sni, equals: x, action: DROP}", "did you mean 'is'?"),
    ("{rule: limit, over: 5/5m, action: DROP}", "{rule: seen, times: 5, within: 5m}"),
    ("{rule: limit, over: 1mbit/s, action: DROP}", "write bytes, 125kB/s"),
    ("{rule: limit, over: 10/s, by: srcip, action: DROP}", "did you mean 'source'?"),
    ("{rule: limit, over: 10/s, burst: 20 packets, action: DROP}", "write 20"),
    ("{rule: seen, times: 5, within: 60 seconds, action: DROP}", "write 60s"),
    ("{rule: time, hours: 09.00-17.00, action: DROP}", "write 09:00-17:00"),
    ("{rule: time, days: mo-fr, action: DROP}", "write mon-fri"),
    ("{rule: time, days: [1, 2], action: DROP}", "write mon"),
    ("{rule: time, days: mon,tue, action: DROP}", "a list is written in brackets"),
    ("{rule: time, zone: local, hours: 08:00-09:00, action: DROP}", "leave the key out"),
    ("pass in on eth0 proto tcp from any to any port 22",
     "{all: [{rule: iface, in: eth0}, {rule: port, protocol: tcp, dst: 22}], action: ACCEPT}"),
    ("block in all", "write {rule: always, action: DROP}"),
    ("-p tcp --dport 22 -j ACCEPT", "write {rule: port, protocol: tcp, dst: 22, action: ACCEPT}"),
    ("limit ssh", "{rule: seen, times: 6, within: 30s}"),
    ("default deny incoming", "write default: {INPUT: DROP} beside chains"),
    ("policy drop", "write default: {INPUT: DROP} beside chains"),
    ("cscli decisions add --ip 192.0.2.1", "'pywall block 192.0.2.1 --for 4h'"),
    ("{ssh: allow}", "write {rule: app, is: ssh, action: ACCEPT}"),
    ("{drop: {port: 22}}", "write {rule: port, dst: 22, action: DROP}"),
    ("{src: 10.0.0.0/8, dport: 22, proto: tcp, action: ACCEPT}",
     "{all: [{rule: ip, src: 10.0.0.0/8}, {rule: port, protocol: tcp, dst: 22}]"),
    ("{port: {dst: 22}, action: DROP}", "write {rule: port, dst: 22"),
    ("{from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{protocol: TCP, port: 22}]}",
     "{rule: ip, src: CIDR} for an ipBlock"),
    ("{none: [{rule: always}], action: DROP}", "{not: {any: [...]}"),
    ("{all: [{rule: always}], not: {rule: always}, action: DROP}", "one goes into the other"),
    ("{not: [{rule: port, dst: 22}], action: DROP}", "without the brackets"),
    ("{rule: port 22, action: DROP}", "write {rule: port, dst: 22"),
    ("{rule: port, dst: [22,, 23], action: DROP}", "two commas"),
    ("{rule: port; dst: 22; action: DROP}", "a comma parts the keys"),
    ("{rule: always, action: DROP, comment: it is so: yes}", "or quotes around a text"),
    ("{rule: always, action: {type: DROP}}", "write action: DROP"),
    ("{rule: always, action: MASQUERADE}", "NAT and routing stay with nft or iptables"),
    ("{rule: always, action: NFQUEUE}", "by its section queue"),
    ("{rule: always, action: ban}", "add: {set: NAME"),
    ("{rule: always, action: jump web}", "write the name of the chain"),
    ("{rule: always, action: alert}", "logging is a rule of its own"),
    ("{rule: always, action: CONTINUE}", "a jump does not return"),
    ("{rule: always, action: DROP, quick: true}", "in the order in which they are written"),
    ("{rule: always, action: DROP, keep_state: true}", "{rule: flow, initiator: local}"),
    ("{rule: always, action: DROP, sid: 1}", "a rule is called by name"),
    ("{rule: always, action: DROP, except: 10.0.0.0/8}", "an exception is written"),
    ("{rule: always, action: DROP, ban: 10m}", "for a ban add:"),
    ("{rule: port, dst: 22, action: DROP, app: ssh}", "{rule: app, is: ssh}"),
    ("{rule: port, dst: 22, action: DROP, in: eth0}", "{rule: iface, in: eth0}"),
    ('{rule: app, is: "!ssh", action: DROP}', "write {not: {rule: app, is: ssh}}"),
    ("{rule: app, is: /usr/bin/curl, action: DROP}", "{rule: process, path: /usr/bin/curl}"),
    ("{rule: app, is: tls:443, action: DROP}", "{all: [{rule: app, is: tls}, {rule: port, dst: 443}]}"),
    ("{rule: app, is: youtube.com, action: DROP}", "{rule: domain, is: youtube.com}"),
    ('{rule: protocol, is: "!tcp", action: DROP}', "write {not: {rule: protocol, is: tcp}}"),
    ("{rule: protocol, is: https, action: DROP}", "write {rule: app, is: tls}"),
    ('{rule: iface, in: "!lo", action: DROP}', "write {not: {rule: iface, in: lo}}"),
    ("{rule: iface, in: any, action: DROP}", "leave the rule out"),
    ('{rule: iface, in: "eth0,eth1", action: DROP}', "write a list, [eth0, eth1]"),
    ("{rule: iface, in: eth0:1, action: DROP}", "write eth0"),
    ("{rule: iface, in: eth+, action: DROP}", "write 'eth*'"),
    ("{rule: iface, in: averyveryverylongname, action: DROP}", "at most 15 characters"),
    ("{rule: flow, initiator: us, action: DROP}", "did you mean 'local'?"),
    ("{rule: service, is: tcp/22, action: DROP}", "write {rule: port, protocol: tcp, dst: 22}"),
    ("{rule: service, is: openssh, action: DROP}", "did you mean 'ssh'?"),
    ("{rule: log, prefix: x}", "did you mean 'message'?"),
    ('{rule: always, action: DROP, add: {set: "@bad", key: src}}', "write it without the @"),
    ("ip saddr 10.0.0.0/8 tcp dport { 22, 80 } ct state new accept",
     "{all: [{rule: ip, src: 10.0.0.0/8}, {rule: port, protocol: tcp, dst: [22, 80]}], action: ACCEPT}"),
    ("ct state established,related accept", "write {rule: flow, initiator: local, action: ACCEPT}"),
    ("-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", "write {rule: flow, initiator: local"),
    ("-A INPUT -p tcp -m tcp --dport 22 -m comment --comment x -j ACCEPT",
     "write {rule: port, protocol: tcp, dst: 22, action: ACCEPT}"),
    ("tcp dport 1024-65535 reject with tcp reset", "{rule: port, protocol: tcp, dst: 1024-65535, action: REJECT}"),
    ("limit rate 10/second accept", "write {rule: limit, over: 10/s, action: DROP}"),
    ("ip daddr != 10.0.0.1 drop", "write {not: {rule: ip, dst: 10.0.0.1}, action: DROP}"),
    ("meta skuid 1000 drop", "write {rule: user, is: 1000, action: DROP}"),
    ("jump web", "write {rule: always, action: web}"),
    ("pass in on em0 proto tcp to port 22 keep state",
     "{all: [{rule: iface, in: em0}, {rule: port, protocol: tcp, dst: 22}], action: ACCEPT}"),
    ("block drop in quick from <bad> to any", "write {rule: ip, src: '@bad', action: DROP}"),
    ("block return out proto udp to port 53", "write {rule: port, protocol: udp, dst: 53, action: REJECT}"),
    ("pass in proto tcp to port 22 keep state (max-src-conn 10)", "should be a rule, {rule: KIND, ...}"),
    ("{rich rule: 'rule family=ipv4 source address=10.0.0.0/8 accept'}", "write {rule: ip, src: 10.0.0.0/8"),
    ("{port: 80/tcp}", "write {rule: port, protocol: tcp, dst: 80"),
    ("{zone: public, service: http}", "write {rule: service, is: http"),
    ("{masquerade: true}", "NAT and routing stay with nft or iptables"),
    ("{source: 10.0.0.0/8, target: ACCEPT}", "write {rule: ip, src: 10.0.0.0/8, action: ACCEPT}"),
    ("{operand: dest.host, data: example.com}", "write {rule: domain, is: example.com"),
    ("{operator: {operand: process.path, data: /usr/bin/curl}}", "write {rule: process, path: /usr/bin/curl"),
    ("{rule: dest.port, is: 22, action: DROP}", "write {rule: port, dst: ...}"),
    ("{rule: app-layer-protocol, is: ssh, action: DROP}", "did you mean 'app'?"),
    ("{rule: container, is: web, action: DROP}", "unknown rule 'container'"),
    ("{rule: fact, name: tls.sni, content: x, action: DROP}", "did you mean 'contains'?"),
    ("{rule: fact, name: http.status, over: 400, action: DROP}", "did you mean 'least'?"),
    ("{rule: port, dst: '8080:80', action: ACCEPT}", "of a pair as Docker has it write the second, 80"),
    ("{rule: port, dst: '127.0.0.1:8080:80', action: ACCEPT}", "the container's port, 80"),
    ("{rule: port, dst: 80 or 443, action: DROP}", "write a list, [80, 443]"),
    ("{rule: port, dst: (80|443), action: DROP}", "write a list, [80, 443]"),
    ("{rule: port, dst: {port: 22}, action: DROP}", "write 22"),
    ("{rule: port, dst: true, action: DROP}", "true is not a port"),
    ("{rule: port, dst: 80, endPort: 90, action: DROP}", "a range is written dst: 80-90"),
    ("{rule: {port: {dst: 22}}, action: DROP}", "write {rule: port, dst: 22, action: ...}"),
    ("{rule: app, is: null, action: DROP}", "nothing is not text"),
    ("{rule: domain, is: 10.0.0.1, action: DROP}", "an address: write {rule: ip, dst: 10.0.0.1}"),
    ("{rule: domain, is: 10.0.0.0/8, action: DROP}", "a network: write {rule: ip, dst: 10.0.0.0/8}"),
    ("{rule: domain, is: '2001:db8::1', action: DROP}", "write {rule: ip, dst: '2001:db8::1'}"),
    ("{rule: always, action: DROP, add: {set: bad, for: 10 minutes}}", "write 10m"),
    ("{<<: 5, rule: always, action: DROP}", "merge keys are not taken"),
    ("{rule: ip, src: !include x.txt , action: DROP}", "include: FILE"),
]  # fmt: skip
#: a file as people write it -> what the answer says
FILES = [
    ("chains:\n\tINPUT: []\n", "a tab; indent with blanks"),
    ("failure: closed\n", "write {all: closed}"),
    ("plugins: rules, stream\n", "write [rules, stream]"),
    ("plugins: {rules: }\n", "begin each plugin with '- '"),
    ("plugins: [protocls]\n", "did you mean 'protocols'?"),
    ("chains: {INPUT: {rule: always, action: DROP}}\n", "begin each entry with '- '"),
    ("chains: {input: []}\n", "did you mean 'INPUT'?"),
    ("chain: {INPUT: []}\n", "did you mean 'chains'?"),
    ("default: drop\n", "did you mean 'DROP'?"),
    ("default: {INPUT: deny}\n", "did you mean 'DROP'?"),
    ("queue: {hooks: INPUT}\n", "write [INPUT]"),
    ("queue: {workers: '2'}\n", "write 2 without quotes"),
    ("mode: enforcing\n", "did you mean 'enforce'?"),
    ("mode:observe\nqueue: {number: 1}\n", "a blank must follow the colon"),
    ("default: 'ACCEPT\n", "a closing quote is missing"),
    ("INPUT:\n  - {rule: always, action: DROP}\n", "write chains: {INPUT: [...]}"),
    ("chains: {PREROUTING: []}\n", "PREROUTING is no hook of PyWall"),
    ("rules: []\n", "did you mean 'chains'?"),
    ("queue: 1\n", "write {number: 1}"),
    ("events: /var/log/eve.json\n", "write {file: /var/log/eve.json}"),
    ("sets: {bad: [10.0.0.1]}\n", "write {entries: [10.0.0.1]}"),
    ("sets: {bad: /etc/bad.txt}\n", "write {file: /etc/bad.txt}"),
    ("sets: {bad: {type: ip}}\n", "did you mean 'addresses'?"),
    ("sets: {bad: {type: domains}}\n", "did you mean 'names'?"),
    ("version: '1'\n", "write 1 without quotes"),
    ("plugins: [pywall-rules]\n", "did you mean 'rules'?"),
    ("plugins:\n  -rules\n  - stream: {}\n", "a blank must follow the dash"),
    ("mode: audit\n", "did you mean 'observe'?"),
    ("// a comment\nversion: 1\n", "a comment begins with #, and not with //"),
    ('// JSON\n{"version": 1, "mode": "observe"}\n', "a comment begins with #, and not with //"),
    ("base: &base {rule: port, dst: 22}\n", "unknown key"),
    ("plugins: [rules]\n---\nplugins: [stream]\n", "a second document"),
    ("chains: {INPUT: [], INPUT: []}\n", "duplicate key, already in line 1"),
    ("include: p.yaml\n", "includes itself"),
    ("queue: {number: -1}\n", "should be greater than or equal to 0"),
    ("mode: \u201cobserve\u201d\n", "a typographic quote"),
    ("plugins: [rules, rules]\n", "duplicate plugin"),
    ('plugins: ["rules, stream"]\n', "write a list, [rules, stream]"),
    ("plugins: rules stream\n", "write [rules, stream]"),
    ("plugins: [./myplugin.py]\n", "a plugin is named as its entry point"),
    ("sets: {bad: {elements: [10.0.0.1]}}\n", "did you mean 'entries'?"),
    ("sets: {bad: {url: 'https://a.example/b'}}\n", "did you mean 'source'?"),
    ("sets: {bad: {type: hash:ip}}\n", "did you mean 'addresses'?"),
    ("failure: fail-open\n", "write {all: open}"),
    ("failure: {all: drop}\n", "did you mean 'closed'?"),
    ("queue: {bypass: true}\n", "failure: {no_listener: accept}"),
    ("queue: {workers: auto}\n", "write the number of CPUs"),
    ("detection: {bytes: 64 KiB}\n", "write 65536"),
    ("includes: [a.yaml]\n", "did you mean 'include'?"),
    ("chains:\n- INPUT:\n  - {rule: always, action: DROP}\n", "without the dash"),
    ("- {rule: always, action: DROP}\n", "chains: {INPUT: [...]}"),
    ("mode: dry-run\n", "did you mean 'observe'?"),
    ("pywall:\n  plugins: [rules]\n  mode: observe\n", "write them without 'pywall' above them"),
    ("chains: {INPUT: DROP}\n", "default: {INPUT: DROP}"),
    ("chains: {INPUT: {rules: []}}\n", "write them below INPUT: itself, without 'rules'"),
    ("chains: {INPUT: 5}\n", "write INPUT: [{rule: ..., action: ...}]"),
    ("chains:\n  INPUT: |\n    - {rule: always, action: DROP}\n", "leave | or > out behind INPUT:"),
    ("table: {flows: 99999999999999999999999}\n", "should be less than or equal to 16777216"),
    ("chains:\n  INPUT:\n    - {rule: always, action: DROP}\n    \u2013 rule: always\n", "an entry begins with '- '"),
    ("default: DROP\nmode:\u00a0observe\n", "a no-break space: write a blank"),
    ("chains:\n  INPUT:\n    - rule: always\n     action: DROP\n", "its keys in column 7"),
    ("chains:\n  INPUT:\n    - rule: always\n    action: DROP\n", "its keys in column 7"),
    ("1: 2\n", "1 is not a key"),
]
#: the bytes of a file -> where and what
BYTES = [
    (b"", "1:1: empty"),
    (b"# nothing\n", "1:1: empty"),
    (b"version: 1\n# R\xe8gle\n", "2:4: not UTF-8 text, by the byte 0xe8; in Latin-1 it is '\u00e8'"),
    ("version: 1\nplugins: []\n".encode("utf-16-le"), "1:1: not UTF-8 text: it is UTF-16"),
    ("version: 1\n".encode("utf-32"), "1:1: not UTF-8 text: it is UTF-32"),
    (b"version: 1\n# \x07bell\n", "2:3: the control character U+0007"),
    (b"\x1f\x8b\x08\0\0\0", "1:1: not a text: it is compressed, unpack it with gunzip"),
    (b"\xd4\xc3\xb2\xa1\2\0\4\0", "1:1: not a text: it is a capture"),
    (b"vars:\n  address-groups: {}\naf-packet:\n  - interface: eth0\n", "1:1: it is no policy but suricata.yaml"),
    (b"version: '3.8'\nservices:\n  web:\n    image: nginx\n", "1:1: it is no policy but a file of Docker Compose"),
]


@pytest.mark.parametrize(("content", "says"), BYTES)
def test_a_file_that_is_no_policy_is_named_with_its_place(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "p.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        prepare(str(file))
    assert str(caught.value).removeprefix(f"{file}:").startswith(says)


def test_a_broken_list_of_plugins_is_one_mistake(tmp_path: Path) -> None:
    lines = refused(tmp_path, "version: 1\nplugins: [rules\nchains: {INPUT: [{rule: always, action: DROP}]}\n")
    assert [line.split(":")[1] for line in lines] == ["2"]


def test_utf16_is_named(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_bytes("version: 1\n".encode("utf-16"))
    with pytest.raises(ConfigError, match="it is UTF-16, save it as UTF-8"):
        prepare(str(file))


def test_a_misplaced_line_hides_no_mistake_of_the_rest(tmp_path: Path) -> None:
    text = (
        "version: 1\nplugins: [rulez]\nmode: foo\nchains:\n  INPUT:\n    - port 22 ACCEPT\n"
        "\t- {rule: port, dst: 1, action: DROP}\n  FOWARD: []\ndefault: nope\n"
    )
    lines = refused(tmp_path, text)
    assert {line.split(":")[1] for line in lines} == {"2", "3", "6", "7", "8", "9"}


def refused(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "p.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        prepare(str(file))
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


@pytest.mark.parametrize(("rule", "right"), RULES, ids=[rule for rule, _ in RULES])
def test_a_wrong_rule_is_answered_with_the_right_form(tmp_path: Path, rule: str, right: str) -> None:
    head = "version: 1\nplugins: [rules, stream, protocols]\nchains:\n  INPUT:\n    - "
    lines = refused(tmp_path, f"{head}{rule}\n    - {{rule: always, action: ACCEPT}}\n")
    assert any(right in line for line in lines), lines
    assert all(line.startswith("p.yaml:5:") for line in lines)
    assert len(lines) <= 2
    assert all(len(line) < 300 and "literal" not in line and "tuple" not in line for line in lines)


@pytest.mark.parametrize(("text", "right"), FILES, ids=[text for text, _ in FILES])
def test_a_wrong_file_is_answered_with_the_right_form(tmp_path: Path, text: str, right: str) -> None:
    lines = refused(tmp_path, text)
    assert any(right in line for line in lines), lines
    assert len(lines) <= 2


def test_every_mistake_of_a_file_is_answered_at_once(tmp_path: Path) -> None:
    head = "version: 1\nplugins: [rules, stream, protocols]\nchains:\n  INPUT:\n"
    lines = refused(tmp_path, head + "".join(f"    - {rule}\n" for rule, _ in RULES))
    assert {line.split(":")[1] for line in lines} == {str(at) for at in range(5, 5 + len(RULES))}


def test_what_is_missing_for_a_rule_is_said_once(tmp_path: Path) -> None:
    text = "version: 1\nplugins: [rules]\nchains:\n  OUTPUT:\n    - {rule: domain, is: a.example, action: DROP}\n"
    (line,) = refused(tmp_path, text)
    assert "the plugin 'protocols' brings it and is installed" in line
