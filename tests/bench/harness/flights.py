"""One TLS 1.3 handshake with a request and its answer, as the payloads that its two sides send in turn."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

from .traffic import REQUEST, RESPONSE


def hold_handshake(folder: Path) -> list[bytes]:
    """Return the client's ClientHello, the server's flight, the client's Finished with its request, and the answer."""
    key, certificate = folder / "bench.key", folder / "bench.pem"
    subject = ["-subj", "/CN=bench.example", "-addext", "subjectAltName=DNS:bench.example"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject]
    subprocess.run([*command, "-keyout", key, "-out", certificate, "-days", "2"], check=True, capture_output=True)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate, key)
    ours = ssl.create_default_context(cafile=str(certificate))
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
