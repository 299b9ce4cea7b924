"""DNS transactions: many questions on one socket and one connection."""

import pytest
from pywall_protocols.discovery import dns

from pywall_core.testing import conversation, engine, find_transactions, transaction_contract


def message(number, name, flags=0x0100, questions=1, tail=b""):
    labels = b"".join(bytes([len(label)]) + label for label in name.split(b".")) + b"\0"
    head = number.to_bytes(2, "big") + flags.to_bytes(2, "big") + bytes([0, questions]) + bytes(6)
    return head + labels + b"\0\1\0\1" + tail


def framed(data):
    return len(data).to_bytes(2, "big") + data


ASKED = [message(n, b"a%d.example" % n) for n in range(1, 4)]
TOLD = [message(n, b"a%d.example" % n, 0x8183) for n in (2, 1, 3)]

TestOverUdp = transaction_contract(
    dns, [conversation("udp").client(ASKED[0]).client(ASKED[1]).server(TOLD[0]).server(TOLD[1])], transport="udp"
)
TestOverTcp = transaction_contract(
    dns, [(b"".join(map(framed, ASKED)), b"".join(map(framed, TOLD))), (framed(ASKED[0] + bytes(5000)), b"")]
)


def test_answers_belong_to_questions_by_their_id():
    both = (b"".join(map(framed, ASKED)), b"".join(map(framed, TOLD[:2])))
    found = find_transactions(dns, both).complete
    assert [(facts["rrname"], facts.get("rcode")) for _, facts in sorted(found.items())] == [
        ("a1.example", "NXDOMAIN"),
        ("a2.example", "NXDOMAIN"),
        ("a3.example", None),
    ]


def test_every_name_of_a_message_is_a_fact():
    two = message(1, b"good.example", questions=2, tail=b"\3bad\7example\0\0\1\0\1")
    found = find_transactions(dns, [(True, two)], "udp").complete
    assert found[0]["rrname"] == ["good.example", "bad.example"]


def test_what_is_no_message_ends_the_name():
    found = find_transactions(dns, [(True, ASKED[0]), (True, bytes(range(200)))], "udp")
    assert (found.hand_over.client, found.hand_over.inside) == (bytes(range(200)), False)
    found = find_transactions(dns, (framed(ASKED[0]) + b"\x16\3\1\2\0\1\0\1\xfc\3\3" + bytes(20), b""))
    assert (found.hand_over.client[:3], found.hand_over.inside) == (b"\x16\3\1", False)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_the_second_question_to_a_forbidden_name_does_not_pass(transport):
    lab = engine("""
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT: [{rule: fact, name: dns.rrname, glob: "*.bad.example", action: DROP}]
default: ACCEPT
""")
    frame = framed if transport == "tcp" else bytes
    talk = conversation(transport).client(frame(ASKED[0])).server(frame(TOLD[1]))
    verdicts = lab.send(talk.client(frame(message(9, b"x.bad.example"))))
    assert [verdict.action.value for verdict in verdicts][-3:] == ["accept", "accept", "drop"]
    lab.close()
    assert [(e["tx_id"], e["dns"]["rrname"]) for e in lab.of_type("dns")] == [(0, "a1.example"), (1, "x.bad.example")]
