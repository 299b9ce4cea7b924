"""Fixtures for detector tests."""

from types import SimpleNamespace

import pytest


def _joined(side):
    if isinstance(side, bytes):
        return side, ()
    return b"".join(side), tuple(map(len, side))


@pytest.fixture
def ask():
    """``ask(detector, client, server)``: the detector's answer; a side is bytes (TCP) or a list of datagrams (UDP)."""

    def asked(detector, client=b"", server=b"", expected=None):
        udp = isinstance(client, list) or isinstance(server, list)
        (client, client_sizes), (server, server_sizes) = _joined(client), _joined(server)
        flow = SimpleNamespace(
            proto=17 if udp else 6,
            client=client,
            server=server,
            client_sizes=client_sizes,
            server_sizes=server_sizes,
            expected=expected,
        )
        return detector.pywall_detect(flow, client, server)

    return asked
