"""What ties an answer of DNS to its question, and the addresses that it names."""

from hypothesis import given
from hypothesis import strategies as st
from pywall_protocols.parsing.dns_answer import read_addresses, read_question
from pywall_protocols.parsing.dns_message import header_fits

HEADER = b"\x12\x34\x81\x80\0\1\0\2\0\0\0\0"
QUESTION = b"\3wWw\7Example\3com\0\0\1\0\1"
SHORT = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xcb\0\x71\x09"
LONG = b"\xc0\x0c\0\x1c\0\1\0\1\0\0\0\x10" + bytes(range(16))
WHOLE = HEADER + QUESTION + SHORT + LONG


def test_the_question_is_the_same_in_any_case_of_letters() -> None:
    assert read_question(WHOLE) == QUESTION.lower()


def test_addresses_have_the_seconds_that_they_hold() -> None:
    at = len(HEADER) + len(QUESTION)
    assert read_addresses(WHOLE, at) == [(b"\xcb\0\x71\x09", 60), (bytes(range(16)), 65536)]
    assert read_addresses(WHOLE[:-1], at) == [(b"\xcb\0\x71\x09", 60)], "the second is cut"


def test_other_types_classes_and_sizes_are_no_addresses() -> None:
    at = len(HEADER) + len(QUESTION)
    for other in (
        SHORT.replace(b"\0\1\0\1", b"\0\2\0\1"),
        SHORT.replace(b"\0\1\0\1", b"\0\1\0\3"),
        SHORT[:10] + b"\0\0",
    ):
        assert read_addresses(HEADER + QUESTION + other, at) == []


def test_several_questions_and_none_are_no_question() -> None:
    assert read_question(WHOLE.replace(b"\0\1\0\2", b"\0\2\0\2", 1)) == b""
    assert read_question(WHOLE.replace(b"\0\1\0\2", b"\0\0\0\2", 1)) == b""
    assert read_question(WHOLE[:16]) == b""


@given(message=st.binary(max_size=80) | st.binary(max_size=60).map(lambda rest: HEADER + rest))
def test_any_bytes_are_read(message: bytes) -> None:
    question = read_question(message)
    if question:
        assert header_fits(message, len(message))
        assert message[12 : 12 + len(question)].lower() == question
        for address, seconds in read_addresses(message, 12 + len(question)):
            assert len(address) in (4, 16)
            assert 0 <= seconds < 1 << 32
