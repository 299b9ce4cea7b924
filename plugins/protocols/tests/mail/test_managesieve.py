"""ManageSieve's greeting, STARTTLS, and what is none."""

from pywall_protocols.mail import managesieve

from pywall_core.testing import conversation, detector_contract, late_hand_overs, transaction_contract

GREETING = b'"IMPLEMENTATION" "Example 1"\r\n"SIEVE" "fileinto"\r\n"STARTTLS"\r\nOK "ready"\r\n'
TURNS = late_hand_overs()["managesieve"][1]


def sides(turns):
    return tuple(b"".join(data for side, data in turns if side is to_server) for to_server in (True, False))


TestManagesieve = detector_contract(
    managesieve,
    positives=[conversation().server(GREETING).client(b"CAPABILITY\r\n"), conversation().server(GREETING)],
    negatives=[conversation().server(b'"IMPLEMENTATION" "x"\r\nOK\r\n'), conversation().server(b'"a" text\r\n')],
)
TestTransactions = transaction_contract(managesieve, [sides(TURNS)])


def test_the_implementation_is_a_fact(ask):
    match = ask(managesieve, b"STARTTLS\r\n", GREETING)
    assert (match.facts, match.confirmed) == ({"implementation": "Example 1"}, True)
