"""A certificate that servers and clients take, made once."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from pywall_core.testing.certificates import make_certificate


@pytest.mark.parametrize("name", ["a.example", "127.0.0.1", "2001:db8::1"])
def test_a_client_that_knows_it_takes_it(tmp_path: Path, name: str) -> None:
    made = make_certificate(tmp_path, name)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(made.both)
    ours = ssl.create_default_context(cafile=made.certificate)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ours.wrap_bio(to_client, to_server, server_hostname=name)
    server = theirs.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server):
        with pytest.raises(ssl.SSLWantReadError):
            side.do_handshake()
    client.do_handshake()
    server.do_handshake()
    assert client.version() == server.version() == "TLSv1.3"


def test_it_is_made_once(tmp_path: Path) -> None:
    before = make_certificate(tmp_path, "a.example").both.read_bytes()
    assert make_certificate(tmp_path, "a.example").both.read_bytes() == before
    assert make_certificate(tmp_path, "b.example").both.read_bytes() != before
