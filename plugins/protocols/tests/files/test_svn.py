"""Subversion: greeting and answer."""

from pywall_protocols.files import svn

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract

GREETING = b"( success ( 2 2 ( ) ( edit-pipeline svndiff1 absent-entries ) ) ) "
RESPONSE = b"( 2 ( edit-pipeline svndiff1 ) 28:svn://svn.example.org/trunk/ 10:SVN/1.14.2 ( ) ) "

TestContract = detector_contract(
    svn,
    positives=[(RESPONSE, GREETING), (RESPONSE, b""), (b"", GREETING)],
    negatives=[
        (b"( 3 ( ) 4:svn:// ) ", b"( failure ( ( 1 0: 0: 0 ) ) ) "),
        (b"(defun f () 2)\n", b"( success ( x"),
        (b"( 2 ( Loud ) ", b"(((((("),
    ],
)


def test_facts(ask):
    assert ask(svn, RESPONSE, GREETING) == Match("svn", {"url": "svn://svn.example.org/trunk/"})


def test_a_beginning_waits(ask):
    assert all(ask(svn, b"", GREETING[:cut]) is MORE for cut in range(18))
    assert all(ask(svn, RESPONSE[:cut]) is MORE for cut in range(RESPONSE.index(b" 10:")))
    assert ask(svn, b"( 3 ") is NO
