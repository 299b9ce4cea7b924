"""Connections whose start was not seen, their server's packet first: through the engine and the whole bundle."""

import pytest

from pywall_core.testing import conversation, engine

pytest.importorskip("pywall_stream")

POLICY = "version: 1\nplugins: [stream, protocols]\ndefault: ACCEPT\n"

#: by name: what is said from some point on, the server first
TOLD_FIRST = {
    "ftp": [b"331 Please specify the password.\r\n", b"PASS x\r\n", b"230 Login successful.\r\n"],
    "pop3": [b"+OK Pass required.\r\n", b"PASS x\r\n", b"+OK 2 messages\r\n", b"STAT\r\n", b"+OK 2 320\r\n"],
    "imap": [b"* OK IMAP4rev1 ready\r\n", b"a1 LOGIN a x\r\n", b"a1 OK LOGIN completed\r\n"],
    "smtp": [b"250 Ok\r\n", b"MAIL FROM:<a@example.org>\r\n", b"250 Ok\r\n"],
    "irc": [b":irc.example 001 alice :Welcome\r\n", b"JOIN #a\r\n", b":alice!a@example JOIN #a\r\n"],
    "http": [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"GET /next HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
    "redis": [b"+OK\r\n", b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"],
    "mysql": [bytes.fromhex("0700000200000002000000"), b"\x09\0\0\0\x03SELECT 1"],
}


def events_of(said, policy=POLICY):
    met = conversation(handshake=False)
    for number, data in enumerate(said):
        # whoever is seen first is taken for the client
        met = met.server(data) if number % 2 else met.client(data)
    lab = engine(policy)
    lab.send(met.close())
    return lab.close()


@pytest.mark.parametrize("name", TOLD_FIRST)
def test_the_servers_packet_first(name):
    (event,) = [event for event in events_of(TOLD_FIRST[name]) if event["event_type"] == "flow"]
    assert event["app_proto"] == name
