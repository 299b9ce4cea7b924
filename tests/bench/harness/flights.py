"""One TLS 1.3 handshake with a request and its answer, as the payloads that its two sides send in turn."""

from __future__ import annotations

import ssl
from pathlib import Path

from pywall_core.testing.certificates import make_certificate

from .traffic import REQUEST, RESPONSE


def hold_handshake(folder: Path) -> list[bytes]:
    """Return the client's ClientHello, the server's flight, the client's Finished with its request, and the answer."""
    certificate = make_certificate(folder, "bench.example")
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate.both)
    ours = ssl.create_default_context(cafile=certificate.certificate)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ours.wrap_bio(to_client, to_server, server_hostname="bench.example")
    server = theirs.wrap_bio(to_server, to_client, server_side=True)
    flights = []
    for side, sent in ((client, to_server), (server, to_client), (client, to_server), (server, to_client)):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
        else:
            side.write(REQUEST if side is client else RESPONSE)
        said = sent.read()
        sent.write(said)
        flights.append(said)
    return flights
