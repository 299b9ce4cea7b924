from __future__ import annotations

import socket

import pytest

from pywall_core.kernel.open_connections import open_connections, socket_keys
from pywall_core.packet.flow_key import reverse_key


def key_of(connection: socket.socket) -> bytes:
    """The key of what a socket sends, as Packet.key."""
    (host, port), (peer, peer_port) = connection.getsockname()[:2], connection.getpeername()[:2]
    host, peer = host.removeprefix("::ffff:"), peer.removeprefix("::ffff:")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ports = port.to_bytes(2, "big") + peer_port.to_bytes(2, "big")
    return b"\x06" + socket.inet_pton(family, host) + socket.inet_pton(family, peer) + ports


@pytest.mark.parametrize(("listen", "connect"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.1")])
def test_open_connections_of_this_hosts_sockets(listen: str, connect: str) -> None:
    family = socket.AF_INET6 if ":" in listen else socket.AF_INET
    with (
        socket.create_server((listen, 0), family=family, dualstack_ipv6=listen == "::") as server,
        socket.create_connection((connect, server.getsockname()[1])) as client,
    ):
        found = open_connections(["INPUT", "OUTPUT"])
        assert found is not None
        assert key_of(client) in found
        assert reverse_key(key_of(client)) in found  # the server's end has a socket of its own


def test_open_connections_leave_listening_sockets_out() -> None:
    header = "  sl  local_address rem_address   st tx_queue rx_queue\n"
    listening = "   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000\n"
    assert list(socket_keys(header + listening)) == []
    assert list(socket_keys("")) == []
