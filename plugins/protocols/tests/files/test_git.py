"""Git's own transport."""

from pywall_protocols.files import git

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract


def line(data):
    return b"%04x" % (len(data) + 4) + data


REQUEST = line(b"git-upload-pack /repo.git\0host=git.example\0")
REFS = line(b"348534c760d2f56ecf93f8d67b84c5f0aba077c1 HEAD\0multi_ack")

TestContract = detector_contract(
    git,
    positives=[
        (REQUEST, REFS),
        (REQUEST, line(b"ERR no such repository")),
        (REQUEST, b""),
        (line(b"git-receive-pack /a\0"), line(b"version 1\n")),
    ],
    negatives=[
        (b"0045something else", b"00c9"),
        (b"git-upload-pack /a\n", b""),
        (b"dead beef\r\n", b"cafe\r\n"),
        (b"00c9git-annex /a", b""),
    ],
)


def test_facts(ask):
    assert ask(git, REQUEST, REFS) == Match(
        "git", {"command": "upload-pack", "path": "/repo.git", "host": "git.example"}
    )


def test_a_length_alone_waits(ask):
    assert ask(git, b"0045") is MORE
