"""Cost of detectors: matches with their facts, noise, and every answer over labelled captures.

``make bench`` runs it; the last one needs the captures that ``PYWALL_CAPTURES`` names and prints the cost by detector.
"""

import os
import random
from collections import defaultdict
from importlib.metadata import entry_points
from pathlib import Path
from time import perf_counter_ns
from types import ModuleType

import pytest
from pywall_protocols import bundle
from pywall_protocols.encryption import tls
from pywall_protocols.parsing import certificate, client_hello, dialogue
from pywall_protocols.remote import ssh
from pywall_protocols.tunnels import openvpn
from pywall_protocols.web import http

from pywall_core.api import Match, hookimpl
from pywall_core.testing import make_flow, replay

#: What is kept from one call to the next, which would hide the cost of the first one.
KEPT = (client_hello.read, certificate.details, dialogue.lines, dialogue.replies)
#: Goals in microseconds: the mean of NO and MORE, and the longest call.
GOAL_NO, GOAL_LONGEST = 2.0, 10_000.0

SESSION = bytes.fromhex("3545a0c89687d99b")
NAME = b"\0\0\0\x14\0\x12\0\0\x0fwww.example.org"
EXTENSIONS = NAME + b"\0\x10\0\x0e\0\x0c\2h2\x08http/1.1" + b"\0\x0a\0\x06\0\x04\0\x1d\0\x17" + b"\0\x2b\0\5\4\3\4\3\3"
HELLO = (
    b"\3\3" + bytes(range(32)) + b"\0\0\x0a\x13\1\x13\2\x13\3\xc0\x2b\xc0\x2f\1\0" + len(EXTENSIONS).to_bytes(2, "big")
)
HELLO += EXTENSIONS
MESSAGE = b"\1" + len(HELLO).to_bytes(3, "big") + HELLO
LISTS = b"".join(
    len(names).to_bytes(4, "big") + names
    for names in (
        b"curve25519-sha256",
        b"ssh-ed25519",
        b"aes256-ctr",
        b"aes256-ctr",
        b"hmac-sha2-256",
        b"hmac-sha2-256",
    )
)
KEXINIT = b"\x04\x14" + bytes(16) + LISTS + b"\0\0\0\4none" * 2 + bytes(17)

MATCHES = {
    "tls": (tls, b"\x16\x03\x01" + len(MESSAGE).to_bytes(2, "big") + MESSAGE, b"\x15\x03\x03\0\2\2\x28"),
    "ssh": (ssh, b"SSH-2.0-a\r\n" + len(KEXINIT).to_bytes(4, "big") + KEXINIT, b"SSH-2.0-OpenSSH_9.2\r\n"),
    "openvpn": (openvpn, b"\0\x0e\x38" + SESSION + bytes(5), b""),
    "http": (
        http,
        b"GET /index.html HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: bench/1\r\nAccept: */*\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n",
    ),
}


def forget():
    for function in KEPT:
        function.cache_clear()


@pytest.mark.benchmark(group="a match with its facts (goal: 150 us)")
@pytest.mark.parametrize("name", MATCHES)
def bench_match(benchmark, name):
    detector, client, server = MATCHES[name]
    flow = make_flow(client=client, server=server)
    answer = benchmark.pedantic(detector.pywall_detect, (flow, client, server), setup=forget, rounds=5000)
    assert isinstance(answer, Match)


@pytest.mark.benchmark(group="every TCP detector on the first segment of noise")
def bench_noise(benchmark):
    noise = random.Random(1).randbytes(1400)
    asked = [
        module.pywall_detect
        for _, module in bundle.Protocols().detectors()
        if "tcp" in module.transport and (module.first_client is None or noise[0] in module.first_client)
    ]
    flow = make_flow(client=noise)
    answers = benchmark(lambda: [detect(flow, noise, b"") for detect in asked])
    assert not any(isinstance(answer, Match) for answer in answers)


class Recorded:
    """Detectors that note every call, so that it can be timed again by itself."""

    def __init__(self) -> None:
        self.calls = defaultdict(list)
        self.plugins = {name: self._recorded(name, module) for name, module in bundle.Protocols().detectors()}

    def _recorded(self, name, module):
        detect = module.pywall_detect

        @hookimpl
        def pywall_detect(flow, client, server):
            answer = detect(flow, client, server)
            sizes = {"client_sizes": flow.client_sizes, "server_sizes": flow.server_sizes}
            alike = make_flow(proto=flow.proto, client=client, server=server, expected=flow.expected, **sizes)
            self.calls[name, isinstance(answer, Match)].append((detect, alike))
            return answer

        copy = ModuleType(module.__name__)
        copy.__dict__.update(module.__dict__)
        copy.pywall_detect = pywall_detect
        return copy


def cost(detect, flow):
    """Microseconds of one call: the best of five, since other work runs on the machine."""
    best = 1 << 60
    for _ in range(5):
        forget()
        begin = perf_counter_ns()
        detect(flow, flow.client, flow.server)
        best = min(best, perf_counter_ns() - begin)
    return best / 1000


@pytest.mark.skipif("PYWALL_CAPTURES" not in os.environ, reason="PYWALL_CAPTURES names no captures")
@pytest.mark.benchmark(group="every answer over the captures")
def bench_captures(benchmark, capsys):
    recorded = Recorded()
    stream = next(point for point in entry_points(group="pywall.plugins") if point.name == "stream").load()()
    for capture in sorted(Path(os.environ["PYWALL_CAPTURES"]).glob("*/*.pcap*")):
        configuration = {"version": 1, "detection": {"all": True}}
        replay(capture, configuration, plugins={"stream": stream, **recorded.plugins})

    def timed():
        return {key: [cost(*call) for call in calls] for key, calls in recorded.calls.items()}

    costs = benchmark.pedantic(timed, rounds=1)
    answers = [took for (_, matched), all_of_it in costs.items() if not matched for took in all_of_it]
    mean = sum(answers) / len(answers)
    with capsys.disabled():
        print(f"\nNO and MORE: {len(answers)} answers, {mean:.2f} us each (goal {GOAL_NO})")
        for (name, matched), all_of_it in sorted(costs.items(), key=lambda item: -sum(item[1]))[:25]:
            kind = "match" if matched else "no"
            each, longest = sum(all_of_it) / len(all_of_it), max(all_of_it)
            print(f"  {name:16} {kind:5} {len(all_of_it):7} x {each:8.2f} us, longest {longest:9.1f} us")
    assert max(map(max, costs.values())) < GOAL_LONGEST
