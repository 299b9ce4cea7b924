"""What the receiver would refuse is dropped and moves nothing; what it could read in two ways is dropped.

Each test sends one trick into a live connection and then the honest bytes: those must be what is handed on.
"""

from __future__ import annotations

import pytest

from pywall_core.api import ACK, FIN, PSH, RST, SYN, URG

TIMESTAMPS = b"\x01\x01\x08\x0a"
MD5 = bytes([19, 18]) + bytes(16) + b"\x01\x01"
AO = bytes([29, 4, 0, 0])


def stamped(value: int) -> bytes:
    return TIMESTAMPS + value.to_bytes(4, "big") + bytes(4)


def wrong_checksum(packet: bytes) -> bytes:
    return packet[:36] + bytes([packet[36] ^ 0x55]) + packet[37:]


def honest_bytes_arrive(wire) -> None:
    assert wire.client(b"SECRET") is None
    assert wire.server(b"reply") is None
    assert wire.read(True).endswith(b"SECRET")
    assert wire.read(False) == b"reply"
    assert wire.states == ("ESTABLISHED", "ESTABLISHED")


REFUSED = {
    "badsum": ({"raw": wrong_checksum}, "stream.bad_checksum"),
    "noack": ({"flags": PSH}, "stream.no_ack"),
    "no_flags": ({"flags": 0}, "stream.no_ack"),
    "badack_high": ({"ack": 1}, "stream.bad_ack"),
    "badack_far": ({"ack": 2_000_000}, "stream.bad_ack"),
    "badack_before_the_stream": ({"ack": -70_000}, "stream.old_ack"),
    "badack_isn": ({"ack": -1}, "stream.old_ack"),
    "md5opt": ({"options": MD5}, "stream.signature"),
    "authentication_option": ({"options": AO}, "stream.signature"),
    "out_of_window": ({"at": 65_536}, "stream.window"),
    "far_out_of_window": ({"at": 1_000_000}, "stream.window"),
    "across_the_window": ({"at": 65_530}, "stream.window"),
    "syn_fin": ({"flags": SYN | FIN | ACK}, "stream.flags"),
    "syn_rst": ({"flags": SYN | RST}, "stream.flags"),
    "resyn_with_data": ({"flags": SYN, "at": 50}, "stream.syn_data"),
    "synack_with_data": ({"flags": SYN | ACK, "at": 50}, "stream.syn_data"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_junk_that_the_server_refuses_is_dropped(wire, name):
    header, reason = REFUSED[name]
    assert wire.client(b"JUNK!!", **{"at": 0, **header}) == reason
    assert wire.read() == b""
    honest_bytes_arrive(wire)


@pytest.mark.parametrize("name", [name for name in REFUSED if "syn" not in name and name != "across_the_window"])
def test_a_fin_that_the_server_refuses_is_dropped(wire, name):
    header, reason = REFUSED[name]
    assert wire.client(**{"at": 0, **header, "flags": header.get("flags", ACK) | FIN}) == reason
    honest_bytes_arrive(wire)


def test_paws(make_wire):
    wire = make_wire()
    wire.options = stamped(100_000)
    wire.handshake()
    assert wire.client(b"JUNK!!", at=0, options=stamped(90_000)) == "stream.paws"
    assert wire.client(at=0, flags=FIN | ACK, options=stamped(90_000)) == "stream.paws"
    assert wire.client(at=0, options=stamped(90_000)) is None
    honest_bytes_arrive(wire)


def test_timestamps_wrap(make_wire):
    wire = make_wire()
    wire.options = stamped(2**32 - 1)
    wire.handshake()
    wire.options = stamped(5)
    honest_bytes_arrive(wire)


def test_timestamps_that_were_not_agreed_on_say_nothing(make_wire):
    wire = make_wire()
    wire.client(flags=SYN, options=stamped(100_000))
    wire.server(flags=SYN | ACK)
    wire.client()
    wire.options = stamped(1)
    honest_bytes_arrive(wire)


def test_data_offset_below_five(wire):
    def short_header(packet):
        return packet[:32] + bytes([0x40 | packet[32] & 15]) + packet[33:]

    assert wire.client(b"JUNK!!", at=0, raw=short_header) == "failure: undecodable"
    honest_bytes_arrive(wire)


@pytest.mark.parametrize("byte", [b"", b"\0", b"J"])
def test_keep_alives_pass_and_are_not_handed_on(wire, byte):
    assert wire.client(b"before") is None
    assert wire.server() is None
    assert wire.client(byte, at=5) is None
    assert wire.server() is None
    assert wire.read() == b"before"
    honest_bytes_arrive(wire)


def test_keep_alive_right_after_the_handshake_carries_nothing(wire):
    assert wire.client(b"J", at=-1) is None
    honest_bytes_arrive(wire)


def test_old_bytes_pass_and_are_not_handed_on(wire):
    assert wire.client(b"before") is None
    assert wire.server() is None
    assert wire.client(b"BEFORE", at=0) is None
    assert wire.read() == b"before"
    honest_bytes_arrive(wire)


def test_old_junk_in_front_of_new_bytes_is_trimmed_as_the_receiver_trims_it(wire):
    assert wire.client(b"before") is None
    assert wire.server() is None
    assert wire.client(b"junkSECRET", at=2) is None
    assert wire.read() == b"beforeSECRET"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((6, b"late one"), (6, b"LATE ONE")),
        ((6, b"late one"), (3, b"new part of it")),
        ((6, b"late one"), (8, b"te O")),
        ((6, b"late one"), (10, b"ONE and more")),
        ((0, b"in order"), (0, b"IN ORDER")),
        ((0, b"in order"), (0, b"in orDer and more")),
        ((0, b"in order"), (7, b"R and more")),
    ],
)
def test_a_copy_that_differs_is_dropped(wire, first, second):
    assert wire.client(first[1], at=first[0]) is None
    assert wire.client(second[1], at=second[0]) == "stream.overlap_conflict"
    assert wire.client(first[1], at=first[0]) is None
    if first[0]:
        assert wire.client(b"012345", at=0) is None
        assert wire.read() == b"012345late one"
    else:
        assert wire.read() == b"in order"


def test_a_segment_with_a_small_ttl_decides_nothing_and_binds_its_sender(make_wire):
    wire = make_wire(detect=True, chains={"INPUT": [{"rule": "is-secret", "action": "DROP"}]}).handshake()
    assert wire.client(b"plain text, honestly", at=0, ttl=1) is None
    assert not wire.flow.final
    assert wire.client(b"SECRET text, honestly", at=0) == "stream.overlap_conflict"
    assert wire.client(b"plain text, honestly", at=0) is None


# --- RST, RFC 5961 section 3.2 ---


def test_an_exact_rst_ends_the_connection(wire):
    assert wire.client(b"data") is None
    assert wire.client(flags=RST) is None
    assert wire.states == ("CLOSED", "CLOSED")
    assert wire.client(b"more") == "stream.closed"
    assert wire.client(flags=RST) is None
    assert wire.server(flags=RST, at=0) is None


@pytest.mark.parametrize("at", [1, 100, 65_535])
def test_an_rst_inside_the_window_but_not_exact_changes_nothing(wire, at):
    assert wire.client(flags=RST, at=at) is None
    honest_bytes_arrive(wire)


@pytest.mark.parametrize("at", [-100, 65_536, 1 << 30])
def test_an_rst_outside_of_the_window_is_dropped(wire, at):
    assert wire.client(flags=RST, at=at) == "stream.bad_rst"
    honest_bytes_arrive(wire)


def test_an_rst_with_a_wrong_checksum_is_dropped(wire):
    assert wire.client(flags=RST, raw=wrong_checksum) == "stream.bad_checksum"
    assert wire.client(flags=RST, options=MD5) == "stream.signature"
    honest_bytes_arrive(wire)


def test_nothing_passes_after_an_rst_that_the_server_may_not_have_got(make_wire):
    wire = make_wire(detect=True, chains={"INPUT": [{"rule": "is-secret", "action": "DROP"}]}).handshake()
    assert wire.client(flags=RST, ttl=1) is None
    assert wire.client(b"SECRET") == "stream.closed"
    assert wire.client(flags=SYN, at=0) is None
    assert wire.server(at=0) is None  # the server's challenge
    assert wire.client(b"SECRET", at=0) == "stream.no_handshake"


# --- FIN ---


def test_bytes_behind_a_fin_are_dropped(wire):
    assert wire.client(b"data", flags=FIN | ACK, ttl=1) is None
    assert wire.client(b"SECRET", at=4) == "stream.fin_conflict"
    assert wire.client(b"data and more", at=0) == "stream.fin_conflict"
    assert wire.client(b"data", at=0, flags=FIN | ACK) is None


def test_a_fin_before_bytes_that_were_sent_is_dropped(wire):
    assert wire.client(b"data", at=0) is None
    assert wire.client(at=2, flags=FIN | ACK) == "stream.fin_conflict"
    assert wire.client(b"late", at=10) is None
    assert wire.client(at=4, flags=FIN | ACK) == "stream.fin_conflict"
    assert wire.states == ("ESTABLISHED", "ESTABLISHED")


def test_a_fin_behind_a_hole_is_not_received_before_the_hole_is_filled(wire):
    assert wire.client(b"end", at=5, flags=FIN | ACK) is None
    assert wire.states == ("FIN_WAIT_1", "ESTABLISHED")
    assert wire.client(b"begin", at=0) is None
    assert wire.states == ("FIN_WAIT_1", "CLOSE_WAIT1")
    assert wire.read() == b"beginend"


# --- SYN and SYN/ACK ---


def test_a_syn_inside_the_connection_changes_nothing(wire):
    assert wire.client(flags=SYN, at=3000) is None
    assert wire.client(flags=SYN, at=0) is None
    assert wire.client(flags=SYN, at=-100_000) is None
    honest_bytes_arrive(wire)


def test_a_syn_ack_inside_the_connection_is_dropped(wire):
    assert wire.client(flags=SYN | ACK, at=3000) == "stream.syn_ack"
    assert wire.server(flags=SYN | ACK, at=3000) == "stream.syn_ack"
    honest_bytes_arrive(wire)


def test_a_repeated_syn_ack_passes(wire):
    assert wire.server(flags=SYN | ACK, at=0, ack=0) is None
    honest_bytes_arrive(wire)


def test_a_server_that_lost_the_connection_can_open_a_new_one(wire):
    old = wire.flow.id
    wire.client(b"data")
    wire.isn = {True: 900_000, False: 70_000}
    wire.sent = {True: 0, False: 0}
    assert wire.client(flags=SYN) is None
    assert wire.server(flags=SYN | ACK) == "stream.reopened"
    wire.got[True].clear()
    wire.handshake()
    assert wire.flow.id != old
    honest_bytes_arrive(wire)


def test_data_on_a_syn_is_not_counted(make_wire):
    wire = make_wire()
    assert wire.client(b"JUNK!!", flags=SYN, at=0) is None
    assert wire.server(flags=SYN | ACK) is None
    assert wire.client() is None
    honest_bytes_arrive(wire)


def test_the_data_of_a_syn_sent_again_inside_the_connection_are_dropped(wire):
    assert wire.client(b"SECRET", flags=SYN, at=0) == "stream.syn_data"
    honest_bytes_arrive(wire)


def test_a_server_that_took_data_on_the_syn_gets_no_connection(make_wire):
    wire = make_wire()
    assert wire.client(b"SECRET", flags=SYN, at=0) is None
    wire.server(flags=SYN | ACK, ack=6)
    assert wire.client(b"more", at=6) == "stream.no_handshake"
    assert wire.read() == b""


def test_data_before_the_server_has_answered_is_dropped(make_wire):
    wire = make_wire()
    wire.client(flags=SYN)
    assert wire.client(b"JUNK!!", at=0, ack=0) == "stream.no_handshake"
    assert wire.server(b"JUNK!!", at=0) == "stream.no_handshake"
    wire.server(flags=SYN | ACK)
    wire.client(at=0)
    honest_bytes_arrive(wire)


def test_a_second_syn_with_another_number_before_the_answer(make_wire):
    wire = make_wire()
    wire.client(flags=SYN, ttl=1)
    wire.isn[True] = 44_000
    wire.handshake()
    honest_bytes_arrive(wire)


def test_the_answer_to_another_syn_opens_nothing(make_wire):
    wire = make_wire()
    wire.client(flags=SYN)
    assert wire.server(flags=SYN | ACK, ack=500, at=0) is None
    assert wire.states == ("SYN_SENT1", "SYN_RCVD1")
    assert wire.client(flags=RST, at=500) is None
    assert wire.server(flags=SYN | ACK) is None
    assert wire.client() is None
    honest_bytes_arrive(wire)


def test_signed_connections_stay_signed(make_wire):
    wire = make_wire()
    wire.options = MD5
    wire.handshake()
    assert wire.client(b"JUNK!!", at=0, options=b"") == "stream.signature"
    honest_bytes_arrive(wire)


# --- urgent data, RFC 6093 ---


def urgent(pointer: int):
    """Sets the urgent pointer and makes the checksum fit again."""

    def change(packet: bytes) -> bytes:
        old = int.from_bytes(packet[36:38], "big")
        total = (~old & 0xFFFF) + pointer
        total = (total & 0xFFFF) + (total >> 16)
        return packet[:36] + (~total & 0xFFFF).to_bytes(2, "big") + pointer.to_bytes(2, "big") + packet[40:]

    return change


def test_the_urgent_byte_is_left_out(make_wire):
    wire = make_wire(detect=True).handshake()
    assert wire.client(b"SECxRET", flags=ACK | URG, raw=urgent(4)) is None
    assert wire.read() == b"SECRET"
    assert wire.flow.app_proto == "secret"
    assert wire.client(b" more") is None
    assert wire.read() == b"SECRET more"


def test_urgent_pointer_ahead_of_its_byte(wire):
    assert wire.client(b"SEC", flags=ACK | URG, raw=urgent(4)) is None
    assert wire.client(b"xRET", flags=ACK | URG, raw=urgent(1)) is None
    assert wire.read() == b"SECRET"


def test_a_copy_without_the_urgent_flag_is_dropped(make_wire):
    wire = make_wire(detect=True).handshake()
    assert wire.client(b"SECxRET", at=0, flags=ACK | URG, raw=urgent(4)) is None
    assert wire.client(b"SECxRET", at=0) == "stream.urgent"
    assert wire.client(b"SECxRET", at=0, flags=ACK | URG, raw=urgent(4)) is None


def test_bytes_do_not_become_urgent_later(make_wire):
    wire = make_wire(detect=True).handshake()
    assert wire.client(b"SECxRET", at=0) is None
    assert wire.client(b"SECxRET", at=0, flags=ACK | URG, raw=urgent(4)) == "stream.urgent"


def test_a_second_urgent_byte_is_ambiguous_while_detectors_look(make_wire):
    wire = make_wire(detect=True).handshake()
    assert wire.client(b"SxE", flags=ACK | URG, raw=urgent(2)) is None
    assert wire.client(b"CyRET", at=3, flags=ACK | URG, raw=urgent(2)) == "stream.urgent"
