"""Frames that carry TLS are what their protocol's own parser reads, and each dialogue has both sides."""

from __future__ import annotations

import zlib

import pytest

from pywall_core.testing import framed_hand_overs
from pywall_core.testing.handovers_binary import binary_hand_overs, web_socket_frame

FRAMED = framed_hand_overs()


@pytest.mark.parametrize("to_server", [True, False])
@pytest.mark.parametrize("size", [0, 5, 125, 126, 65_535])
def test_frames_of_websocket_are_read_by_a_library(to_server: bool, size: int) -> None:
    streams = pytest.importorskip("websockets.streams")
    frames = pytest.importorskip("websockets.frames")
    reader = streams.StreamReader()
    reader.feed_data(web_socket_frame(to_server, bytes(size)))
    parsing = frames.Frame.parse(reader.read_exact, mask=to_server)
    with pytest.raises(StopIteration) as found:
        next(parsing)
    assert found.value.value.data == bytes(size)


@pytest.mark.parametrize("name", FRAMED)
def test_what_is_framed_is_more_than_what_is_carried(name: str) -> None:
    _, turns, frame = FRAMED[name]
    assert all(type(to_server) is bool and data for to_server, data in turns)
    carried = bytes(range(256)) * 4
    assert frame(True, carried) != carried
    assert frame(True, carried) != frame(False, carried) or name == "tds"


def test_a_compressed_message_inflates_to_what_is_carried() -> None:
    frame = FRAMED["websocket compressed"][2]
    data = frame(False, b"hello " * 20)
    at = 2 if data[1] < 126 else 4
    inflated = zlib.decompressobj(-15).decompress(data[at:] + b"\0\0\xff\xff")
    assert inflated == b"hello " * 20


@pytest.mark.parametrize("name", binary_hand_overs())
def test_a_dialogue_says_whose_it_is(name: str) -> None:
    carrying, turns = binary_hand_overs()[name]
    assert carrying
    assert {to_server for to_server, _ in turns} <= {True, False}
    assert all(turns[at][1] for at in range(len(turns)))
