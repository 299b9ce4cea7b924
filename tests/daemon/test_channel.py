from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from pywall_core.daemon import channel as module
from pywall_core.daemon.channel import Channel, ChannelError

Pair = tuple[Channel, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    yield Channel(ours, limit=100), theirs
    ours.close()
    theirs.close()


def test_channel_messages_in_pieces(pair: Pair) -> None:
    channel, other = pair
    other.send(b'{"a": 1}\n{"b"')
    assert list(channel.receive()) == [{"a": 1}]
    assert list(channel.receive()) == []
    other.send(b": 2}\n")
    assert list(channel.receive()) == [{"b": 2}]


def test_channel_end_comes_after_what_was_sent(pair: Pair) -> None:
    channel, other = pair
    other.send(b'{"a": 1}\n')
    other.close()
    received = channel.receive()
    assert next(received) == {"a": 1}
    with pytest.raises(ChannelError, match="closed"):
        next(received)


@pytest.mark.parametrize("line", [b"\xff\xfe\n", b"[1]\n", b"nonsense\n", b"x" * 101, b"[" * 99 + b"\n"])
def test_channel_refuses_what_is_no_message(pair: Pair, line: bytes) -> None:
    channel, other = pair
    other.send(line)
    with pytest.raises(ChannelError):
        list(channel.receive())


def test_channel_wait_gives_up(pair: Pair) -> None:
    channel, other = pair
    with pytest.raises(ChannelError):
        channel.wait(0.05)
    other.send(b'{"a": 1}\n{"b": 2}\n')
    assert channel.wait(1) == {"a": 1}
    assert channel.wait(1) == {"b": 2}


def test_channel_offer_never_waits(pair: Pair) -> None:
    channel, other = pair
    while channel.try_send({"is": "alive"}):
        pass
    other.close()
    with pytest.raises(ChannelError):
        channel.try_send({"is": "alive"})


@pytest.mark.parametrize("takes", [True, False])
def test_channel_takes_open_files_only_where_it_says_so(takes: bool) -> None:
    ours, theirs = socket.socketpair()
    sender, receiver = Channel(ours), Channel(theirs, takes_descriptors=takes)
    one, other = socket.socketpair()
    sender.post({"before": 1})
    sender.send_descriptor({"with": 2}, one.fileno())
    sender.send({"after": 3})
    one.close()
    assert list(receiver.receive()) == [{"before": 1}, {"with": 2}, {"after": 3}]
    assert len(receiver.descriptors) == takes
    for descriptor in receiver.descriptors:
        with socket.socket(fileno=descriptor) as handed_over:
            handed_over.send(b"hello")
            assert other.recv(9) == b"hello"
    other.settimeout(2)
    assert other.recv(9) == b""  # no copy of it is left open
    for each in (ours, theirs, other):
        each.close()


def test_channel_loses_nothing_of_what_the_other_side_does_not_read_at_once() -> None:
    ours, theirs = socket.socketpair()
    sender, receiver = Channel(ours), Channel(theirs)
    sent = [{"n": n, "text": "x" * 4000} for n in range(500)]
    for message in sent:
        sender.post(message)
    assert not sender.flush()
    assert not sender.try_send({"is": "alive"}), "it would wait behind the others"
    with pytest.raises(ChannelError, match="does not read"):
        sender.send({"n": "last"}, timeout=0.0)
    one, other = socket.socketpair()
    with pytest.raises(ChannelError, match="does not read"):
        sender.send_descriptor({"with": 1}, one.fileno(), timeout=0.0)
    received: list[object] = []
    while not sender.flush() or len(received) <= len(sent):
        received += receiver.receive()
    assert received == [*sent, {"n": "last"}]
    for each in (ours, theirs, one, other):
        each.close()


def test_channel_holds_no_more_than_its_bound(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_UNSENT", 1000)
    channel, _ = pair
    channel.post({"text": "x" * 1000})
    with pytest.raises(ChannelError, match="more than 1000 bytes wait"):
        channel.post({})
