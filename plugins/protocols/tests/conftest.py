"""Fixtures for detector tests."""

import pytest

from pywall_core.api import Match
from pywall_core.testing import make_flow


def _joined(side):
    if isinstance(side, bytes):
        return side, ()
    return b"".join(side), tuple(map(len, side))


@pytest.fixture
def ask():
    """``ask(detector, client, server)``: the detector's answer; a side is bytes (TCP) or a list of datagrams (UDP).

    Further keywords are attributes of the flow.
    """

    def asked(detector, client=b"", server=b"", **attributes):
        proto = 17 if isinstance(client, list) or isinstance(server, list) else 6
        (client, client_sizes), (server, server_sizes) = _joined(client), _joined(server)
        sizes = {"client_sizes": client_sizes, "server_sizes": server_sizes}
        flow = make_flow(proto=proto, client=client, server=server, **sizes, **attributes)
        answer = detector.pywall_detect(flow, client, server)
        return answer.described() if isinstance(answer, Match) else answer

    return asked
