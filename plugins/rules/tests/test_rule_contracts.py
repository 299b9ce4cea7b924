"""Every kind keeps the contract of rule kinds, on any packet."""

from __future__ import annotations

from pathlib import Path

from pywall_rules.always import Always
from pywall_rules.app import App
from pywall_rules.clock import Clock
from pywall_rules.domain import Domain
from pywall_rules.fact import Fact
from pywall_rules.flow import FlowStart
from pywall_rules.iface import Iface
from pywall_rules.ip import Ip
from pywall_rules.knock import Knock
from pywall_rules.limit import Limit
from pywall_rules.log import Log
from pywall_rules.port import Port
from pywall_rules.protocol import Protocol
from pywall_rules.seen import Seen
from pywall_rules.service import Service
from pywall_rules.spa import Spa
from pywall_rules.tcp_state import TcpState

from pywall_core.testing import rule_contract

SECRET = Path(__file__).with_name("secret_for_tests.txt")
SECRET.chmod(0o600)

TestAlways = rule_contract(Always, [{}])
TestApp = rule_contract(App, [{"is": "tls"}, {"is": ["ssh", "unknown", "none"]}])
TestFact = rule_contract(
    Fact,
    [
        {"name": "tls.sni", "is": "a"},
        {"name": "tls.sni", "in": ["a", 1, True]},
        {"name": "tls.sni", "glob": ["*.example", "a?"]},
        {"name": "tls.sni", "file": str(SECRET)},
        {"name": "tls.sni", "exists": True},
        {"name": "tls.sni", "exists": False},
    ],
)
TestFactQuestions = rule_contract(
    Fact,
    [
        {"name": "tls.sni", "suffix": ["example.com"]},
        {"name": "tls.sni", "contains": "ads"},
        {"name": "tls.sni", "regex": "^[a-z]+[0-9]{2}"},
        {"name": "tls.version", "least": 1, "most": 3.5},
        {"name": "tls.sni", "same_as": "tls.subject"},
    ],
)
TestClock = rule_contract(
    Clock, [{"days": "mon-fri", "hours": ["08:00-12:00", "22:00-06:00"]}, {"hours": "00:00-24:00"}]
)
TestDomain = rule_contract(Domain, [{"is": "example.com"}, {"is": ["a", "=b.example"]}])
TestLimit = rule_contract(
    Limit,
    [{"over": "10/m"}, {"over": "1MB/s", "of": "bytes", "by": "all"}, {"over": "5/s", "of": "packets", "by": "service"},
     {"concurrent": 2, "by": "pair", "prefix4": 24}],
)  # fmt: skip
TestSeen = rule_contract(Seen, [{"times": 3, "within": "1m"}, {"times": 1, "within": 5, "by": "destination"}])
TestService = rule_contract(Service, [{"is": "https"}, {"is": ["dns", "ssh"], "from": True}])
TestFlow = rule_contract(FlowStart, [{"initiator": "local"}, {"initiator": "remote"}])
TestIface = rule_contract(Iface, [{"in": "eth0"}, {"out": ["eth*", "wg0"]}, {"in": "lo", "out": "*"}])
TestIp = rule_contract(Ip, [{"src": "192.0.2.0/24"}, {"dst": ["::/0"]}, {"src": "10.9.8.7", "dst": "127.0.0.1"}])
TestKnock = rule_contract(Knock, [{"port": 22, "doors": ["1000/tcp", "53/udp"]}, {"port": 53, "doors": ["22/tcp"]}])
TestLog = rule_contract(Log, [{}, {"each": "packet", "message": "x", "rate": 1}])
TestPort = rule_contract(Port, [{"protocol": "tcp", "dst": 22}, {"src": [80, "1000-2000"]}, {"src": 53, "dst": 53}])
TestProtocol = rule_contract(Protocol, [{"is": "tcp"}, {"is": [17, "icmpv6"]}])
TestSpa = rule_contract(Spa, [{"port": 22, "secret_file": str(SECRET), "listen": 53}])
TestTcpState = rule_contract(TcpState, [{"is": "CLOSED"}, {"not": ["ESTABLISHED", "syn-received"]}])
