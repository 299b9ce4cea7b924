"""``log`` writes events and decides nothing."""

from __future__ import annotations

from pywall_core.api import ACCEPT, DROP, INPUT, OUTPUT, PSH, SYN
from pywall_core.testing import conversation, engine, tcp_packet


def packets(count: int, sport: int = 40000) -> list[bytes]:
    return [
        tcp_packet("192.0.2.1", sport, "198.51.100.2", 80, seq=n, flags=SYN if n == 0 else PSH) for n in range(count)
    ]


def alerts(rule: str, sent: list[bytes]) -> list[dict[str, object]]:
    lab = engine(f"plugins: [rules]\nchains:\n  INPUT:\n    - {rule}\ndefault: DROP\n")
    assert {verdict.action for verdict in lab.send(sent)} == {DROP}
    return lab.of_type("alert")


def test_once_a_flow() -> None:
    events = alerts("{rule: log, message: seen}", packets(5) + packets(3, sport=40001))
    assert [event["src_port"] for event in events] == [40000, 40001]
    assert events[0]["alert"] == {
        "action": "allowed",
        "gid": 1,
        "signature_id": 0,
        "rev": 1,
        "signature": "seen",
        "category": "",
        "severity": 3,
    }


def test_each_packet() -> None:
    assert len(alerts("{rule: log, each: packet}", packets(5))) == 5


def test_two_log_rules_write_both() -> None:
    rule = "{rule: log, message: one}\n    - {rule: log, message: two}"
    assert [event["alert"]["signature"] for event in alerts(rule, packets(3))] == ["one", "two"]  # type: ignore[index]


def test_rate_is_bounded_and_the_rest_counted() -> None:
    lab = engine("plugins: [rules]\nchains: {INPUT: [{rule: log, each: packet, rate: 3}]}\n")
    lab.send(packets(10))
    assert len(lab.of_type("alert")) == 3
    assert lab.engine.counters["log.suppressed"] == 7


def test_a_flow_that_was_logged_can_have_a_final_verdict() -> None:
    lab = engine("plugins: [rules]\nchains: {INPUT: [{rule: log}]}\n")
    first, second = lab.send(packets(2))
    assert not first.final
    assert second.final


POLICY = """
plugins: [rules, stream, protocols]
chains:
  INPUT:
    - {rule: app, is: ssh, action: ACCEPT}
    - {rule: always, observe: true, action: DROP}
    - {rule: log, message: refused}
default: {INPUT: DROP, OUTPUT: ACCEPT}
"""


def reports(client: bytes, server: bytes) -> tuple[set[str], set[object]]:
    """Signatures of the alerts of a conversation, and the verdicts on packets to the server."""
    lab = engine(POLICY)
    talk = conversation(server=("198.51.100.2", 22))
    for _ in range(20):
        talk = talk.client(client).server(server)
    verdicts = lab.send(talk.packets(client_hook=INPUT, server_hook=OUTPUT))
    return {event["alert"]["signature"] for event in lab.of_type("alert")}, {v.action for v in verdicts}


def test_what_is_accepted_in_the_end_is_never_logged_as_refused() -> None:
    signatures, actions = reports(b"SSH-2.0-OpenSSH_9.6\r\n", b"SSH-2.0-OpenSSH_9.2\r\n")
    assert (signatures, actions) == (set(), {ACCEPT})


def test_what_proves_to_be_something_else_is_logged_when_it_is_dropped() -> None:
    signatures, actions = reports(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n")
    assert "refused" in signatures
    assert DROP in actions


def test_what_no_pending_rule_can_save_is_logged_at_sight() -> None:
    lab = engine(
        "plugins: [rules, stream, protocols]\nchains:\n  INPUT:\n    - {rule: app, is: ssh, action: DROP}\n"
        "    - {rule: log, message: refused}\ndefault: DROP\n"
    )
    (verdict,) = lab.send(packets(1))
    assert verdict.action is DROP
    assert [event["alert"]["signature"] for event in lab.of_type("alert")] == ["refused"]
