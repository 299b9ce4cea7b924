"""LPD, the protocol of print queues."""

from pywall_protocols.files import lpd

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

JOB = b"\2office\n\2" + b"87 cfA042host.example\n" + b"Hhost\nProot\n"
DATA_FIRST = b"\2office\n\3" + b"5120 dfA042host.example\n"

TestLpd = detector_contract(
    lpd,
    [
        conversation().client(JOB).server(b"\0\0"),
        conversation().client(DATA_FIRST).server(b"\0"),
        conversation().client(b"\4office\n").server(b"office is ready\nno entries\n"),
        conversation().client(b"\3office 12 root\n"),
    ],
    [
        conversation().client(b"\2office\n\2no count cfA042\n"),
        conversation().client(b"\2" + bytes(60)),
        conversation().client(b"\4\1\0\x50\x0a\0\0\1user\0"),
        conversation().client(b"\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0"),
        conversation().client(b"\5office root 12\n"),
    ],
)


def test_facts(ask):
    assert ask(lpd, JOB).facts == {"command": "receive-job", "queue": "office"}
    assert ask(lpd, b"\4office\n").facts == {"command": "queue-state", "queue": "office"}


def test_a_queue_alone_names_no_job(ask):
    assert ask(lpd, b"\2office\n") is MORE
    assert ask(lpd, b"\2office\nmore text\n") is NO
    assert not ask(lpd, JOB, b"220 ready\r\n").confirmed
    assert not ask(lpd, JOB, b"\0").confirmed
    assert ask(lpd, JOB, b"\0\0").confirmed
    assert not ask(lpd, JOB, b"\0\1").confirmed
    assert not ask(lpd, b"\4office\n", b"office is ready\n").confirmed
