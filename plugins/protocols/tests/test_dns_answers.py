"""What DNS answered for an address counts for rules by name; what nobody asked does not."""

from __future__ import annotations

import itertools
import socket
from typing import Any

import pytest
from pywall_protocols.answered_names import FACT, MOST, MOST_OF_CLIENT
from pywall_protocols.answers import DnsAnswers

from pywall_core.api import ACCEPT, FORWARD, INPUT, OUTPUT
from pywall_core.testing import InMemory, conversation, engine, make_flow
from pywall_core.testing.host import FakeHost

POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains:
  {chain}:
    - {{rule: app, is: dns, action: ACCEPT}}
    - {{rule: domain, is: {names}{more}, action: {action}, name: by name}}
default: {default}
"""
HOST, SERVER, ELSEWHERE, RESOLVER = "198.18.0.1", "203.0.113.9", "203.0.113.10", "203.0.113.53"
_numbers = itertools.count(1)


def message(number: int, name: str, *addresses: str, answer: bool = False, ttl: int = 300) -> bytes:
    """A question, or an answer with addresses."""
    labels = b"".join(bytes((len(part),)) + part.encode() for part in name.split("."))
    kind = 28 if any(":" in address for address in addresses) else 1
    question = labels + b"\0" + kind.to_bytes(2) + b"\0\1"
    records = b""
    for address in addresses:
        data = socket.inet_pton(socket.AF_INET6 if kind == 28 else socket.AF_INET, address)
        records += b"\xc0\x0c" + kind.to_bytes(2) + b"\0\1" + ttl.to_bytes(4) + len(data).to_bytes(2) + data
    flags = b"\x81\x80" if answer else b"\x01\0"
    return number.to_bytes(2) + flags + b"\0\1" + len(addresses).to_bytes(2) + bytes(4) + question + records


class Lab:
    """A host, or a router with hosts behind it, and connections one after the other."""

    def __init__(self, text: str, hook: int = OUTPUT) -> None:
        self.lab: InMemory = engine(text)
        self.hook = hook
        self.clock = 1000.0

    def talk(self, client: str, server: str, port: int, said: list[tuple[bytes, bytes]], *, tcp: bool) -> list[bool]:
        """Whether each packet of a conversation passed."""
        ends = {"client": (client, 40_000 + next(_numbers)), "server": (server, port)}
        talk = conversation(**ends, transport="tcp" if tcp else "udp")
        for one, other in said:
            talk = talk.client(one) if one else talk
            talk = talk.server(other) if other else talk
        back = INPUT if self.hook == OUTPUT else FORWARD
        packets = talk.packets(client_hook=self.hook, server_hook=back)
        shift = self.clock - packets[0].time
        for packet in packets:
            packet.time += shift
        self.clock += 1
        return [verdict.action is ACCEPT for verdict in self.lab.send(packets)]

    def ask(
        self, name: str, *addresses: str, client: str = HOST, server: str = RESOLVER, tcp: bool = False, **options: Any
    ) -> None:
        """A question and its answer."""
        question, answer = message(7, name, *addresses), message(7, name, *addresses, answer=True, **options)
        question = question[:6] + bytes(6) + question[12 : 12 + len(name) + 6]
        pair = tuple(len(part).to_bytes(2) + part if tcp else part for part in (question, answer))
        self.talk(client, server, 53, [pair], tcp=tcp)  # type: ignore[list-item]

    def reaches(self, server: str, client: str = HOST) -> bool:
        """Whether a connection that says no name passes to its end."""
        line = (b"\xfe\xdc nobody's protocol\xff" * 4, b"\xfd\xba neither\xfe" * 4)
        return self.talk(client, server, 7777, [line] * 20, tcp=True)[-1]


def lab(*, action: str = "DROP", names: str = "example.com", more: str = "", chain: str = "OUTPUT") -> Lab:
    default = "ACCEPT" if action == "DROP" else "{OUTPUT: DROP, FORWARD: DROP, INPUT: ACCEPT}"
    text = POLICY.format(chain=chain, names=names, more=more, action=action, default=default)
    return Lab(text, OUTPUT if chain == "OUTPUT" else FORWARD)


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize("address", [SERVER, "2001:db8::9"])
def test_a_flow_without_a_name_has_the_one_that_dns_answered(address: str, tcp: bool) -> None:
    stage = lab()
    other = "2001:db8::1" if ":" in address else HOST
    assert stage.reaches(address, other)
    stage.ask("www.example.com", address, tcp=tcp)
    assert not stage.reaches(address, other)
    assert stage.reaches(ELSEWHERE)


def test_a_name_lets_a_flow_pass() -> None:
    stage = lab(action="ACCEPT")
    stage.ask("www.example.com", SERVER)
    stage.ask("www.example.net", ELSEWHERE)
    assert stage.reaches(SERVER)
    assert not stage.reaches(ELSEWHERE)


@pytest.mark.parametrize(("more", "dropped"), [("", False), (", shared: true", True)])
def test_an_address_of_several_names_may_be_each_of_them(more: str, dropped: bool) -> None:
    stage = lab(more=more)
    stage.ask("www.example.com", SERVER)
    stage.ask("cdn.example.net", SERVER)
    assert stage.reaches(SERVER) is not dropped


def test_all_names_of_an_address_may_be_asked_for() -> None:
    stage = lab(names="[example.com, example.net]")
    stage.ask("www.example.com", SERVER)
    stage.ask("cdn.example.net", SERVER)
    assert not stage.reaches(SERVER)


def test_what_a_flow_says_goes_before_what_dns_answered() -> None:
    stage = lab()
    stage.ask("www.example.com", SERVER)
    head = b"GET / HTTP/1.1\r\nHost: www.example.net\r\n\r\n"
    assert stage.talk(HOST, SERVER, 80, [(head, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")], tcp=True)[-1]


def test_an_answer_holds_for_its_client_alone() -> None:
    stage = lab(chain="FORWARD")
    stage.ask("www.example.com", SERVER, client="10.0.0.1")
    assert not stage.reaches(SERVER, "10.0.0.1")
    assert stage.reaches(SERVER, "10.0.0.2")


def test_an_answer_ends_with_its_time_to_live() -> None:
    stage = lab()
    stage.ask("www.example.com", SERVER, ttl=120)
    stage.clock += 100
    assert not stage.reaches(SERVER)
    stage.clock += 100
    assert stage.reaches(SERVER)


def test_answers_that_nobody_asked_for_are_not_believed() -> None:
    stage = lab()
    name, answer = "www.example.com", message(7, "www.example.com", SERVER, answer=True)
    asked = message(7, name)
    other = message(7, "www.example.org")
    refused: dict[str, tuple[str, list[tuple[bytes, bytes]]]] = {
        "no question": (RESOLVER, [(b"", answer)]),
        "another number": (RESOLVER, [(message(8, name), answer)]),
        "another name": (RESOLVER, [(other, answer)]),
        "from the asking side": (RESOLVER, [(answer, b"")]),
        "mDNS": ("224.0.0.251", [(asked, answer)]),
    }
    for what, (server, said) in refused.items():
        stage.talk(HOST, server, 53, said, tcp=False)
        assert stage.reaches(SERVER), what
    # another host answers at the port that asked
    stage.talk(HOST, RESOLVER, 53, [(asked, b"")], tcp=False)
    stage.talk(ELSEWHERE, HOST, 40_000 + next(_numbers), [(answer, b"")], tcp=False)
    assert stage.reaches(SERVER)


def test_a_question_is_answered_once() -> None:
    stage = lab()
    honest = message(7, "www.example.com", ELSEWHERE, answer=True)
    late = message(7, "www.example.com", SERVER, answer=True)
    stage.talk(HOST, RESOLVER, 53, [(message(7, "www.example.com"), honest), (b"", late)], tcp=False)
    assert not stage.reaches(ELSEWHERE)
    assert stage.reaches(SERVER)


def test_an_answer_that_was_dropped_is_not_believed() -> None:
    text = POLICY.format(chain="OUTPUT", names="example.com", more="", action="DROP", default="ACCEPT")
    stage = Lab(text.replace("default:", "  INPUT:\n    - {rule: ip, src: 203.0.113.53, action: DROP}\ndefault:"))
    stage.ask("www.example.com", SERVER)
    assert stage.reaches(SERVER)


def plugin(now: float = 0.0) -> tuple[DnsAnswers, FakeHost]:
    made, host = DnsAnswers(), FakeHost()
    host.now = now
    made.pywall_startup(host)
    return made, host


def test_memory_is_bounded_for_a_client_and_for_all() -> None:
    made, _ = plugin()
    for number in range(MOST_OF_CLIENT + 100):
        made.answered.hold((b"one", number.to_bytes(4), "a.example"), 60.0)
    assert made.pywall_stats()["held"] == MOST_OF_CLIENT
    for number in range(MOST):
        made.answered.hold((number.to_bytes(4), b"addr", "b.example"), 60.0)
    assert made.pywall_stats()["held"] == MOST
    assert len(made.answered._names) == len(made.answered._of_client) == MOST, "what is forgotten leaves nothing"


def test_answers_survive_a_reload_and_nonsense_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    made, host = plugin()
    made.answered.hold((b"", b"\1\2\3\4", "a.example"), 500.0)
    other, other_host = plugin()
    save, _ = host.kept["dns-answers"]
    _, load = other_host.kept["dns-answers"]
    load([*save(), ["zz", "", "", 1], "nonsense", None, [1, 2, 3, 4]])
    assert other.pywall_stats()["held"] == 1
    load({"no": "list"})


def test_another_worker_tells_its_answers_also_to_flows_that_have_begun() -> None:
    told: list[list[object]] = []
    one, _ = plugin()
    one.answered.tell = told.append
    flow = make_flow(initiator="local", dst=b"\xcb\x00\x71\x09")
    one.pywall_flow_start(flow)
    assert one.pywall_fact_state(flow, FACT).name == "NO"
    one.answered.take_told(["", "cb007109", "www.example.com", 500.0])
    assert flow.facts[FACT] == ["www.example.com"]
    one.pywall_tick(flow.start + 2)
    assert one.pywall_fact_state(flow, FACT).name == "YES"
    assert not told, "what was told is not told again"
