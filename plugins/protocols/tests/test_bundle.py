"""The bundle: its order, its options, what every detector declares, and all detectors at once."""

import random
import re
from importlib.metadata import entry_points
from time import thread_time

import pytest
from pydantic import ValidationError
from pywall_protocols import bundle
from pywall_protocols.detectors import find_detectors

from pywall_core.api import API_VERSION, MORE, NO, Match
from pywall_core.plugins.docstrings import docstring
from pywall_core.testing import conversation, detector_contract, engine, make_flow

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12
SESSION = bytes.fromhex("3545a0c89687d99b")
KEXINIT = b"\0\0\1\x14\x04\x14" + bytes(16)
LISTS = b"\0\0\0\x11curve25519-sha256" + bytes(240)
CLIENT_HELLO = b"\x16\x03\x01\0\x2f\1\0\0\x2b\3\3" + NOISE[:32] + b"\0\0\2\x13\1\1\0\0\0"
QUERY = bytes.fromhex("4d2c01000001000000000000") + b"\3www\7example\3org\0\0\1\0\1"
BINDING = b"\0\1\0\0\x21\x12\xa4\x42" + bytes(range(12))
INITIATION = b"\1\0\0\0" + NOISE[:144]
RESET = b"\x38" + SESSION + bytes(5)

OVER_TCP = {
    "http": (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "ssh": (b"SSH-2.0-a\r\n" + KEXINIT + LISTS, b"SSH-2.0-b\r\n" + KEXINIT[:6] + b"another 16 bytes" + LISTS),
    "tls": (CLIENT_HELLO, b"\x15\x03\x03\0\2\2\x28"),
    "openvpn": (b"\0\x0e" + RESET, b"\0\x1a\x40" + SESSION[::-1] + b"\1\0\0\0\0" + SESSION + bytes(4)),
    "http2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", b"\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0"),
    "smtp": (b"EHLO me\r\nMAIL FROM:<a@b>\r\n", b"220 mx.example ESMTP\r\n250 mx.example\r\n250 ok\r\n"),
    "dns": (b"\0\x21" + QUERY, b""),
}
OVER_UDP = {
    "dns": (QUERY, b""),
    "stun": (BINDING, b"\1\1\0\0" + BINDING[4:]),
    "wireguard": (INITIATION, b""),
    "openvpn": (RESET, b""),
    "quic": (b"\xc3\0\0\0\1\x08" + SESSION + b"\0\0\x44\xd0" + NOISE, b""),
    "dtls": (b"\x17\xfe\xfd\0\1\0\0\0\0\0\1\0\x20" + NOISE[:32], b""),
}
NEGATIVES = [(NOISE, NOISE), (b"8" * 40, NOISE), (NOISE[:1], b""), (b"\x17\x03\x03\0\5" + NOISE, NOISE)]


def plugins():
    return bundle.Protocols().detectors()


def may_begin(firsts, said):
    return firsts is None or not said or said[0] in firsts


class All:
    """Every detector as one, asked as the core asks them: a Match counts when every one before it has said NO."""

    def __init__(self, transport: str) -> None:
        self.detectors = [module for _, module in plugins() if transport in module.transport]

    def pywall_detect(self, flow, client, server):
        pending = NO
        for module in self.detectors:
            answer = module.pywall_detect(flow, client, server)
            if not (may_begin(module.first_client, client) and may_begin(module.first_server, server)):
                answer = answer if isinstance(answer, Match) else NO
            if isinstance(answer, Match):
                return answer if pending is NO else MORE
            if answer is MORE:
                pending = MORE
        return pending


TestAllOverTcp = detector_contract(
    All("tcp"), positives=list(OVER_TCP.values()), negatives=NEGATIVES, transport="tcp", examples=30
)
# these are asked of each detector, not of all of them together
del TestAllOverTcp.test_work_is_bounded_over_a_stream_of_single_bytes
del TestAllOverTcp.test_no_and_match_stay_with_what_does_not_belong_there
TestAllOverUdp = detector_contract(
    All("udp"), positives=list(OVER_UDP.values()), negatives=NEGATIVES, transport="udp", examples=30
)


@pytest.mark.parametrize(
    ("transport", "name", "said"),
    [("tcp", *item) for item in OVER_TCP.items()] + [("udp", *item) for item in OVER_UDP.items()],
)
def test_no_other_detector_claims_it(transport, name, said):
    client, server = said
    sizes = {"client_sizes": (len(client),), "server_sizes": (len(server),) if server else ()}
    flow = make_flow(proto=6 if transport == "tcp" else 17, client=client, server=server, **sizes)
    assert All(transport).pywall_detect(flow, client, server).protocol == name
    without = bundle.Protocols.Options.model_validate({"except": [name]})
    others = [
        module
        for _, module in bundle.Protocols(without).detectors()
        if transport in module.transport and may_begin(module.first_client, client)
    ]
    answers = [module.pywall_detect(flow, client, server) for module in others]
    assert [answer for answer in answers if isinstance(answer, Match)] == []


@pytest.mark.parametrize("ports", [(1, 1), (53, 443), (40000, 22)])
def test_ports_change_nothing(ports):
    for transport, said in [("tcp", OVER_TCP), ("udp", OVER_UDP)]:
        everything = All(transport)
        for name, (client, server) in said.items():
            sizes = {"client_sizes": (len(client),), "server_sizes": (len(server),) if server else ()}
            flow = make_flow(proto=6 if transport == "tcp" else 17, sport=ports[0], dport=ports[1], **sizes)
            assert everything.pywall_detect(flow, client, server).protocol == name


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_random_conversations_have_no_name(transport):
    everything, chance = All(transport), random.Random(transport)
    for _ in range(1000):
        said = {True: [], False: []}
        for side in (True, False, True, False):
            said[side].append(chance.randbytes(chance.randint(1, 300)))
            client, server = b"".join(said[True]), b"".join(said[False])
            sizes = {"client_sizes": tuple(map(len, said[True])), "server_sizes": tuple(map(len, said[False]))}
            flow = make_flow(proto=6 if transport == "tcp" else 17, client=client, server=server, **sizes)
            answer = everything.pywall_detect(flow, client, server)
            assert not isinstance(answer, Match), (answer, said)


@pytest.mark.parametrize(
    "pattern",
    [b"\r\n", b" ", b"A", b"GET /", b"a:", b"\0", b"\xff", b"\x30\x00", b"\1a", b"\1\1", b"220-x\r\n", b"* ",
     b"+OK\r\n", b"\x16\x03\x01\0\1\1", b"(", b'{"a":', b"<a>", b"d1:a", b"\xc0\x0c", b"\nSSH",
     b"HTTP/1.1 100 a\r\n\r\n"],
)  # fmt: skip
def test_no_repeated_pattern_takes_long(pattern):
    full = (pattern * 16384)[:16384]
    for _, module in plugins():
        for transport in module.transport if isinstance(module.transport, tuple) else (module.transport,):
            proto, sizes = (6, ()) if transport == "tcp" else (17, (512,) * 32)
            flow = make_flow(proto=proto, client=full, server=full, client_sizes=sizes, server_sizes=sizes)
            if may_begin(module.first_client, full) and may_begin(module.first_server, full):
                begin = thread_time()
                module.pywall_detect(flow, full, full)
                assert thread_time() - begin < 0.01, module.__name__


def test_they_are_asked_by_tier_then_by_name():
    tiers = list(bundle.TIERS)
    order = [(tiers.index(module.tier), name) for name, module in plugins()]
    assert order == sorted(order)
    assert {module.tier for _, module in plugins()} == set(tiers)


def test_every_module_of_a_family_is_a_detector():
    for name, module in plugins():
        assert callable(module.pywall_detect), f"{name} is a helper; move it to parsing/"


def test_a_new_file_is_found_and_a_helper_is_not(tmp_path):
    for file in ("mail/new_one.py", "mail/__init__.py", "mail/_shared.py", "parsing/words.py", "bundle.py"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    assert find_detectors(tmp_path) == {"new-one": "mail.new_one"}


def test_two_detectors_of_one_name_are_refused(tmp_path):
    for family in ("mail", "web"):
        (tmp_path / family).mkdir()
        (tmp_path / family / "twin.py").touch()
    with pytest.raises(ValueError, match=r"called 'twin': mail\.twin and web\.twin; rename one"):
        find_detectors(tmp_path)


def test_every_detector_is_an_entry_point():
    points = {point.name: point.value for point in entry_points(group="pywall.plugins") if "protocols" in point.value}
    assert points.pop("protocols") == "pywall_protocols.bundle:Protocols"
    expected = {name: f"pywall_protocols.{module}" for name, module in bundle.DETECTORS.items()}
    assert points == expected, "install the distribution again: pip install -e plugins/protocols"


@pytest.mark.parametrize(("name", "module"), plugins())
def test_what_a_detector_declares(name, module):
    fields = re.findall(r"^:(\w+):", docstring(module), re.MULTILINE)
    assert fields == ["checked", "source", "minimum", "facts"]
    assert module.api_version == API_VERSION
    assert module.protocols
    assert set(module.transport if isinstance(module.transport, tuple) else (module.transport,)) <= {"tcp", "udp"}
    assert set(getattr(module, "unseen", ())) <= set(module.protocols)
    for first in (module.first_client, module.first_server):
        assert first is None or (isinstance(first, bytes) and first)


def test_no_two_detectors_name_the_same_protocol():
    also = (
        "utp",
        "quic-midway",
        "tls-midway",
        "rdp-midway",
        "esp-udp",
        "gnutella-udp",
        "rtp-tcp",
        "coap-tcp",
        "devp2p",
    )  # of BitTorrent, QUIC, TLS, the IP protocol ...
    over_both = {
        "dlep",
        "genshinimpact",
        "spotify",
        "directconnect",
        "adb",
        "cassandra",
        "iperf",
        "lisp",
        "tencentgames",
        "viber",
    }  # in two tables: one a transport, or who begins
    named = [protocol for name, module in plugins() if name not in also for protocol in module.protocols]
    assert {name for name in named if named.count(name) > 1} == over_both


def test_some_can_be_left_out():
    options = bundle.Protocols.Options.model_validate({"except": ["rtp", "dns"]})
    left = [name for name, _ in bundle.Protocols(options).detectors()]
    assert left == [name for name, _ in plugins() if name not in ("rtp", "dns")]


@pytest.mark.parametrize("options", [{"except": ["htp"]}, {"without": ["dns"]}, {"except": "dns"}])
def test_wrong_options_are_refused(options):
    with pytest.raises(ValidationError):
        bundle.Protocols.Options.model_validate(options)


def test_a_datagram_flow_is_never_asked_of_tcp_detectors():
    http_over_udp = conversation("udp").client(b"GET / HTTP/1.1\r\n\r\n").turns()[0][1]
    flow = make_flow(proto=17, client=http_over_udp, client_sizes=(len(http_over_udp),))
    assert not isinstance(All("udp").pywall_detect(flow, http_over_udp, b""), Match)


def test_what_nobody_has_seen_is_named_and_never_confirmed():
    asks = b"\2\0\0\0" + bytes(4) + bytes(10) + b"\xff\xff\xc0\0\2\1"
    answers = b"\2\x80\0\0" + bytes(4) + b"\0\0\0\1" + bytes(12)
    lab = engine("version: 1\nplugins: [stream, protocols]\ndefault: ACCEPT\n")
    lab.send(conversation("udp").client(asks).server(answers))
    (flow,) = lab.flows
    assert (flow.app_proto, flow.confirmed) == ("pcp", False)


GREETING = bytes.fromhex("ff00000000000000017f03014e554c4c") + bytes(48)
HELLO = bytes.fromhex("0400000800000001")
AMQP = b"AMQP\0\1\0\0"


@pytest.mark.parametrize(
    ("name", "opening", "question", "answer"),
    [
        ("openflow", HELLO, bytes.fromhex("0405000800000002"), bytes.fromhex("0402000800000003")),
        ("zmtp", GREETING, b"\4\x19\5READY\x0bSocket-Type\0\0\0\3REQ", b"\4\x19\5READY\x0bSocket-Type\0\0\0\3REP"),
        (
            "amqp",
            AMQP,
            bytes.fromhex("0000001602000000005310c00903a1046c6f63614040"),
            bytes.fromhex("0000000c02000000"),
        ),
        ("ceph", b"ceph v2\n\x10\0" + b"\1\0\0\0\0\0\0\0" * 2, b"\1" * 50, bytes(136)),
        ("rfb", b"RFB 003.008\n", b"\1", b"\1\2"),
        ("telnet", b"\xff\xfd\3", b"\xff\xfd\1", b"\xff\xfb\1\xff\xfd\x18login: "),
        ("rsync", b"@RSYNCD: 31.0\n", b"files\n", b"@RSYNCD: OK\n"),
    ],
)
@pytest.mark.parametrize("client_first", [True, False])
def test_both_sides_may_open_with_the_same_bytes(name, opening, question, answer, client_first):
    """What follows tells them from an echo; an echo of all that is said confirms nothing."""
    for behind, confirmed in ((answer, True), (question, False)):
        talk = conversation()
        for to_server in (client_first, not client_first):
            talk = talk.client(opening) if to_server else talk.server(opening)
        lab = engine({"plugins": ["stream", "protocols"], "detection": {"all": True}})
        lab.send(talk.client(question).server(behind).close())
        (flow,) = lab.flows
        lab.close()
        assert (flow.app_proto, flow.confirmed) == (name, confirmed)
