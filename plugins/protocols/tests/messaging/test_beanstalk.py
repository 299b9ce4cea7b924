"""beanstalkd: commands and replies of lines."""

from pywall_protocols.messaging import beanstalk

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract

TestContract = detector_contract(
    beanstalk,
    positives=[
        (b"put 65536 0 60 5\r\nhello\r\n", b"INSERTED 1\r\n"),
        (b"reserve\r\n", b"RESERVED 1 5\r\nhello\r\n"),
        (b"watch mail\r\n", b"WATCHING 2\r\n"),
        (b"reserve-with-timeout 5\r\n", b"TIMED_OUT\r\n"),
        (b"put 0 0 60 5\r\nhello\r\n", b""),
    ],
    negatives=[
        (b"put it there\r\n", b"OK 1\r\n"),
        (b"stats\r\n", b"STAT pid 1\r\n"),
        (b"delete k\r\n", b"NOT_FOUND\r\n"),
        (b"quit\r\n", b"221 bye\r\n"),
        (b"put " + b"9" * 400, b""),
    ],
)


def test_a_command_that_others_have_waits_for_the_reply(ask):
    assert ask(beanstalk, b"delete 1\r\n") is MORE
    assert ask(beanstalk, b"delete 1\r\n", b"DELETED\r\n") == Match("beanstalk")
    assert ask(beanstalk, b"delete 1\r\n", b"gone\r\n") is NO
