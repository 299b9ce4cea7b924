"""TLS from the middle of a record."""

import random

from pywall_protocols.encryption import tls_midway

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract, make_flow

NOISE = random.Random(5).randbytes(20000).replace(b"\x17", b"\x18")


def record(size, version=b"\3\3"):
    return b"\x17" + version + size.to_bytes(2, "big") + NOISE[:size]


REST = NOISE[:700]
RECORDS = REST + record(900) + record(40)
OLD = REST + record(64, b"\3\1") * 2


MIDSTREAM = make_flow(midstream=True)


class Midway:
    """The detector, asked about flows whose start was not seen."""

    protocols, transport, tier = tls_midway.protocols, tls_midway.transport, tls_midway.tier
    api_version = 1

    @staticmethod
    def pywall_detect(flow, client, server):
        return tls_midway.pywall_detect(MIDSTREAM, client, server)


TestTlsMidway = detector_contract(
    Midway,
    [conversation().client(RECORDS), conversation().client(OLD).server(RECORDS), conversation().server(OLD)],
    [
        conversation().client(NOISE).server(NOISE),
        conversation().client(b"EHLO a.example of the middle\r\n").server(b"250-mail.example at your service\r\n"),
        conversation().client(REST + record(900) + NOISE[:9]),
    ],
)


def test_records_that_follow_each_other(ask):
    assert ask(tls_midway, RECORDS, midstream=True).protocol == "tls"
    assert not ask(tls_midway, RECORDS, midstream=True).confirmed
    assert not ask(tls_midway, RECORDS, NOISE, midstream=True).confirmed
    assert ask(tls_midway, RECORDS, OLD, midstream=True).confirmed


def test_a_flow_seen_from_its_start_is_not_looked_into(ask):
    assert ask(tls_midway, RECORDS, OLD) is NO


def test_one_header_is_none(ask):
    assert ask(tls_midway, REST + record(900), midstream=True) is MORE
    assert ask(tls_midway, REST + record(900) + NOISE[:60], midstream=True) is MORE
    assert ask(tls_midway, REST + record(900) + record(900, b"\3\2"), midstream=True) is MORE
    assert ask(tls_midway, NOISE, NOISE, midstream=True) is NO
    assert (
        ask(tls_midway, b"250-mail.example at your service\r\n", b"EHLO a.example of the middle\r\n", midstream=True)
        is NO
    )
