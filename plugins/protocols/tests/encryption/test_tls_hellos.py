"""A ClientHello that some server answers is read as that server reads it, whatever its records look like.

OpenSSL, GnuTLS and Go were asked.
"""

import pytest

from pywall_core.testing import client_hello, conversation, engine, server_hello

pytest.importorskip("pywall_stream")
pytest.importorskip("pywall_rules")

POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: fact, name: tls.sni, is: secret.example, action: DROP}]}
default: ACCEPT
"""
HELLO = client_hello("secret.example")
MESSAGE = HELLO[5:]
CHANGE, WARNING, EMPTY = b"\x14\3\3\0\1\1", b"\x15\3\1\0\2\1\x5a", b"\x16\3\1\0\0"
EARLY = b"\x17\3\3\0\x40" + bytes(64)
NAMES = b"\0\0\x0esecret.example"
LONGEST = 0x4000


def record(body, version=b"\3\1"):
    return b"\x16" + version + len(body).to_bytes(2, "big") + body


def in_pieces(size, first=b"\3\1", between=b"", message=MESSAGE):
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    return record(pieces[0], first) + b"".join(between + record(piece) for piece in pieces[1:])


def with_names(names, first=b""):
    """A message with this list of names, behind other extensions."""
    listed = len(names).to_bytes(2, "big") + names
    extensions = first + b"\0\0" + len(listed).to_bytes(2, "big") + listed
    body = MESSAGE[4:38] + b"\0\0\2\x13\1\1\0" + len(extensions).to_bytes(2, "big") + extensions
    return b"\1" + len(body).to_bytes(3, "big") + body


def padding(size):
    return b"\0\x15" + size.to_bytes(2, "big") + bytes(size)


def verdicts(talk):
    return [verdict.action.value for verdict in engine(POLICY, live=True).send(talk)]


FLIGHTS = {
    "a record of 3.5": record(MESSAGE, b"\3\5"),
    "a record of 3.255": record(MESSAGE, b"\3\xff"),
    "a record of 5.0": record(MESSAGE, b"\5\0"),
    "a hello of 3.127": record(MESSAGE[:4] + b"\3\x7f" + MESSAGE[6:]),
    "a hello of 254.253": record(MESSAGE[:4] + b"\xfe\xfd" + MESSAGE[6:]),
    "pieces of an odd version": in_pieces(1, b"\3\x7f"),
    "an empty record first": EMPTY + HELLO,
    "a warning first": WARNING + HELLO,
    "a change of the cipher first": CHANGE + HELLO,
    "changes of the cipher between pieces": in_pieces(5, between=CHANGE),
    "warnings between pieces": in_pieces(40, between=WARNING),
    "a dot at the end": record(with_names(b"\0\0\x0fsecret.example.")),
    "upper case": record(with_names(b"\0\0\x0eSECRET.Example")),
    "a name of another type first": record(with_names(b"\1\0\3xyz\0\0\x0esecret.example")),
    "an empty name first": record(with_names(b"\0\0\0\0\0\x0esecret.example")),
    "a large extension first": record(with_names(NAMES, padding(12000))),
}


@pytest.mark.parametrize("what", FLIGHTS)
@pytest.mark.parametrize("size", [1, 5, 6, 9, 1400, 65536])
def test_the_name_is_read(what, size):
    flight = FLIGHTS[what]
    if len(flight) > 2000 and size < 1400:
        pytest.skip("many segments that show nothing more")
    assert verdicts(conversation().client(flight).split(size))[-1] == "drop"


@pytest.mark.parametrize(
    "between", [b"", CHANGE, WARNING, EARLY, CHANGE + EARLY * 3, EMPTY], ids=lambda between: between[:6].hex()
)
@pytest.mark.parametrize("with_the_first", [False, True])
def test_nothing_hides_the_second_hello(between, with_the_first):
    """Early data, which the server refuses, may stand before its answer and behind it."""
    first = client_hello("good.example")
    talk = conversation().client(first + between if with_the_first else first).server(server_hello(retry=True))
    talk = talk.client(HELLO if with_the_first else between + HELLO)
    assert verdicts(talk)[-1] == "drop"


@pytest.mark.parametrize("before", [20_000, 60_000])
@pytest.mark.parametrize("size", [1400, 16384, 65536])
def test_a_hello_that_is_longer_than_what_is_read_is_ambiguous(before, size):
    message = with_names(NAMES, padding(before))
    lab = engine(POLICY, live=True)
    found = lab.send(conversation().client(in_pieces(LONGEST, message=message)).split(size))
    assert found[-1].action.value == "drop"
    lab.close()
    assert [event["anomaly"]["event"] for event in lab.of_type("anomaly")] == ["tls.ambiguous.long_hello"]


def test_a_long_second_hello_is_ambiguous_too():
    second = in_pieces(LONGEST, message=with_names(NAMES, padding(17_000)))
    talk = conversation().client(client_hello("good.example")).server(server_hello(retry=True)).client(second)
    assert verdicts(talk.split(1400))[-1] == "drop"


def test_what_follows_a_hello_that_was_answered_is_not_ambiguous():
    talk = conversation().client(client_hello("good.example")).server(server_hello()).client(EARLY * 400)
    assert set(verdicts(talk.split(1400))) == {"accept"}
