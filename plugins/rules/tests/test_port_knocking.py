"""``knock`` through the real engine: who gets in, who stays out, what it costs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pywall_rules.knock import MAX_SOURCES, Attempts, Knock

from pywall_core.api import ACCEPT, ACK, DROP, FORWARD, INPUT, PSH, SYN, TCP, UDP, Action, decode
from pywall_core.testing import engine, tcp_packet, udp_packet

HOST = {4: "198.51.100.2", 6: "2001:db8::2"}
CLIENT = {4: "192.0.2.1", 6: "2001:db8:1::1"}
DOORS = "[7000/tcp, 8000/udp, 9000/tcp]"


class Wall:
    """An engine with one knock rule and default DROP, and a clock."""

    def __init__(self, more: str = "", doors: str = DOORS, chain: str = "INPUT", version: int = 4) -> None:
        rule = f"{{rule: knock, port: 22, doors: {doors}, window: 5, grant: 10, action: ACCEPT{more}}}"
        self.lab = engine(f"plugins: [rules]\nchains:\n  {chain}:\n    - {rule}\ndefault: {{{chain}: DROP}}\n")
        self.now = 100.0
        self.version = version
        self.hook = FORWARD if chain == "FORWARD" else INPUT
        self.ports = iter(range(20_000, 60_000))

    def send(self, raw: bytes) -> Action:
        return self.lab.engine.process(decode(raw, self.now, self.hook, "eth0")).action

    def tcp(self, port: int, src: str = "", sport: int = 0, seq: int = 7, flags: int = SYN) -> Action:
        source = src or CLIENT[self.version]
        return self.send(tcp_packet(source, sport or next(self.ports), HOST[self.version], port, seq=seq, flags=flags))

    def udp(self, port: int, src: str = "", sport: int = 0) -> Action:
        return self.send(udp_packet(src or CLIENT[self.version], sport or next(self.ports), HOST[self.version], port))

    def knock(self, src: str = "") -> None:
        assert self.tcp(7000, src) is self.udp(8000, src) is self.tcp(9000, src) is DROP


@pytest.mark.parametrize("version", [4, 6])
def test_the_right_order_opens_for_that_source_for_the_time_granted(version: int) -> None:
    wall = Wall(version=version)
    assert wall.tcp(22) is DROP
    wall.knock()
    assert wall.tcp(22) is ACCEPT
    assert wall.tcp(22, src={4: "192.0.2.9", 6: "2001:db8:1::9"}[version]) is DROP
    wall.now += 9.9
    assert wall.tcp(22) is ACCEPT
    wall.now += 0.2
    assert wall.tcp(22) is DROP


def test_a_connection_begun_under_the_grant_lives_on() -> None:
    wall = Wall()
    wall.knock()
    assert wall.tcp(22, sport=5555) is ACCEPT
    wall.now += 60
    assert wall.tcp(22, sport=5555, flags=ACK | PSH, seq=8) is ACCEPT
    assert wall.tcp(22, sport=5556, flags=ACK | PSH, seq=8) is DROP


def test_replies_pass_in_a_chain_that_sees_both_directions() -> None:
    wall = Wall(chain="FORWARD")
    wall.knock()
    assert wall.tcp(22, sport=5555) is ACCEPT
    reply = tcp_packet(HOST[4], 22, CLIENT[4], 5555, seq=1, ack=8, flags=SYN | ACK)
    assert wall.send(reply) is ACCEPT


def test_knocks_with_too_long_a_pause_are_forgotten() -> None:
    wall = Wall()
    wall.tcp(7000)
    wall.now += 4.9
    wall.udp(8000)
    wall.now += 5.1
    wall.tcp(9000)
    assert wall.tcp(22) is DROP


@pytest.mark.parametrize(
    "knocks",
    [
        ["tcp7000", "udp8000"],
        ["udp8000", "tcp7000", "tcp9000"],
        ["tcp7000", "tcp8000", "tcp9000"],
        ["tcp7000", "tcp1", "udp8000", "tcp9000"],
        ["tcp7000", "udp1", "udp8000", "tcp9000"],
        ["tcp7000", "udp8000", "udp8000", "tcp9000"],
        ["tcp9000", "udp8000", "tcp7000"],
        ["tcp7000", "udp8000", "tcp7000", "tcp9000"],
    ],
)
def test_any_other_order_stays_out(knocks: list[str]) -> None:
    wall = Wall()
    for knock in knocks:
        getattr(wall, knock[:3])(int(knock[3:]))
    assert wall.tcp(22) is DROP


def test_starting_over_at_the_first_door_is_no_failure() -> None:
    wall = Wall(", failures: 1")
    wall.tcp(7000)
    wall.tcp(7000)
    wall.knock()
    assert wall.tcp(22) is ACCEPT


def test_retransmissions_are_neither_steps_nor_wrong() -> None:
    wall = Wall(", failures: 1")
    wall.tcp(7000, sport=1111, seq=1)
    wall.tcp(7000, sport=1111, seq=1)
    wall.udp(8000)
    wall.tcp(7000, sport=1111, seq=1)
    wall.tcp(9000, sport=2222, seq=2)
    wall.now += 1
    assert wall.tcp(7000, sport=1111, seq=1) is wall.tcp(9000, sport=2222, seq=2) is DROP
    assert wall.tcp(22) is ACCEPT
    wall.now += 11
    wall.knock()
    assert wall.tcp(22) is ACCEPT, "the retransmissions after the sequence counted as failures"


def test_two_sources_do_not_help_each_other() -> None:
    wall = Wall()
    wall.tcp(7000)
    wall.udp(8000, src="192.0.2.9")
    wall.tcp(9000)
    assert wall.tcp(22) is wall.tcp(22, src="192.0.2.9") is DROP


def test_other_sources_do_not_disturb() -> None:
    wall = Wall()
    for knock in (lambda: wall.tcp(7000), lambda: wall.udp(8000), lambda: wall.tcp(9000)):
        knock()
        wall.tcp(5, src="192.0.2.9")
        wall.udp(8000, src="192.0.2.8")
    assert wall.tcp(22) is ACCEPT


def test_source_port() -> None:
    wall = Wall(", src_port: 9001")
    wall.knock()
    assert wall.tcp(22) is DROP
    for door in (
        lambda: wall.tcp(7000, sport=9001),
        lambda: wall.udp(8000, sport=9001),
        lambda: wall.tcp(9000, sport=9001),
    ):
        door()
    assert wall.tcp(22) is ACCEPT


@pytest.mark.parametrize("fixed_source_port", [True, False])
def test_scans_up_and_down_again_and_again_never_open(fixed_source_port: bool) -> None:
    """Also not when the scanner's flows are known already, and their verdicts could have been final."""
    wall = Wall(", lockout: 0", doors="[300/tcp, 310/udp, 320/tcp]")
    sport = 4444 if fixed_source_port else 0
    for order in (range(295, 330), range(329, 294, -1)) * 3:
        for port in order:
            wall.tcp(port, sport=sport)
            assert wall.tcp(22) is DROP
        for port in order:
            wall.udp(port, sport=sport)
            wall.now += 0.001
    for port in range(295, 330):  # both protocols side by side
        wall.tcp(port, sport=sport)
        wall.udp(port, sport=sport)
    assert wall.tcp(22) is DROP


def test_who_lacks_only_the_last_door_cannot_try_them_all() -> None:
    wall = Wall()
    for guess in range(8900, 9100):
        wall.tcp(7000)
        wall.udp(8000)
        wall.tcp(guess)
        wall.now += 0.1
    assert wall.tcp(22) is DROP
    assert not wall.lab.of_type("alert")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["tcp7000", "tcp8000", "tcp9000", "udp7000", "udp8000", "udp9000", "tcp1"]), max_size=12)
)
def test_it_opens_exactly_after_the_doors_in_a_row(knocks: list[str]) -> None:
    wall = Wall(", lockout: 0")
    for knock in knocks:
        getattr(wall, knock[:3])(int(knock[3:]))
    text = " ".join(knocks)
    assert (wall.tcp(22) is ACCEPT) == ("tcp7000 udp8000 tcp9000" in text)


def test_failures_lock_a_source_out_for_a_while() -> None:
    wall = Wall(", failures: 3, lockout: 30")
    for _ in range(3):
        wall.tcp(7000)
        wall.tcp(1)
    wall.knock()
    assert wall.tcp(22) is DROP
    wall.now += 31
    wall.knock()
    assert wall.tcp(22) is ACCEPT


def test_an_ipv6_network_of_64_bits_fails_together() -> None:
    wall = Wall(", failures: 3, lockout: 30", version=6)
    for host in range(3):
        wall.tcp(7000, src=f"2001:db8:1::{host + 10:x}")
        wall.tcp(1, src=f"2001:db8:1::{host + 10:x}")
    wall.knock()
    assert wall.tcp(22) is DROP


def test_a_flood_of_first_knocks_is_bounded_and_hurts_nobody_further_on() -> None:
    rule = Knock.model_validate({"port": 22, "doors": ["7000/tcp", "8000/udp", "9000/tcp"]})
    attempts = Attempts(rule)

    def knock(source: bytes, door: tuple[int, int], now: float) -> bool:
        raw = tcp_packet(CLIENT[4], 1, HOST[4], door[1], seq=1, flags=SYN)
        packet = decode(raw, now)
        packet.src, packet.proto = source, door[0]
        packet.key = source + packet.key
        return attempts.knock(packet, door)

    real = bytes([192, 0, 2, 1])
    assert not knock(real, (TCP, 7000), 1.0)
    assert not knock(real, (UDP, 8000), 1.1)
    for n in range(3 * MAX_SOURCES):
        knock((n + 2**30).to_bytes(4, "big"), (TCP, 7000), 1.2)
        if n % 2:
            knock((n + 2**30).to_bytes(4, "big"), (TCP, 1), 1.2)
    assert attempts.size() <= 4 * MAX_SOURCES
    assert knock(real, (TCP, 9000), 1.3)


def test_knocks_over_loopback_count() -> None:
    """There the same host is both sides, and its flows count as begun here."""
    wall = Wall()

    def send(raw: bytes) -> Action:
        return wall.lab.engine.process(decode(raw, wall.now, INPUT, "lo")).action

    for port in (7000, 8000, 9000):
        make: Any = udp_packet if port == 8000 else lambda *ends: tcp_packet(*ends, seq=1, flags=SYN)
        assert send(make("127.0.0.1", port + 1, "127.0.0.1", port)) is DROP
    assert send(tcp_packet("127.0.0.1", 5, "127.0.0.1", 22, seq=1, flags=SYN)) is ACCEPT


def test_answered_flows_get_final_verdicts() -> None:
    lab = engine(
        "plugins: [rules]\nchains:\n  INPUT:\n    - {rule: knock, port: 22, doors: [7000/tcp], action: ACCEPT}\n"
    )
    ends = (CLIENT[4], 5000, HOST[4], 80)
    syn = decode(tcp_packet(*ends, seq=1, flags=SYN), 1.0, INPUT)
    answer = decode(tcp_packet(HOST[4], 80, CLIENT[4], 5000, seq=1, ack=2, flags=SYN | ACK), 1.1, 3)
    data = decode(tcp_packet(*ends, seq=2, ack=2, flags=ACK), 1.2, INPUT)
    finals = [verdict.final for verdict in lab.send([syn, answer, data])]
    assert finals[0] is False
    assert finals[2] is True


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"port": 22, "doors": ["22/tcp"]}, "protected port is one of the doors"),
        ({"port": 22, "doors": ["7000/tcp", "7000/tcp"]}, "twice in a row"),
        ({"port": 22, "doors": []}, "1 to 16 doors"),
        ({"port": 22, "doors": ["7000"]}, "'7000' is not a door: PORT/PROTOCOL"),
        ({"port": 22, "doors": ["70000/tcp"]}, "is not a port"),
        ({"port": 22, "doors": [7000]}, "7000 is not a door"),
        ({"port": 99999, "doors": ["1/tcp"]}, "99999 is not a port"),
    ],
)
def test_unsound_parameters_are_refused(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Knock.model_validate(parameters)
