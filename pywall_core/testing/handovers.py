"""Connections that turn into another protocol, late: behind no-ops, errors and refusals."""

from __future__ import annotations


def client_hello(name: str, *, key_share: bytes = b"") -> bytes:
    """Return a TLS record with a ClientHello that names a server (RFC 8446 section 4.1.2, RFC 6066 section 3)."""
    host = name.encode()
    entry = b"\0" + len(host).to_bytes(2, "big") + host
    extensions = _extension(0, len(entry).to_bytes(2, "big") + entry)
    extensions += _extension(43, b"\2\3\4")
    if key_share:
        extensions += _extension(51, key_share)
    body = b"\3\3" + bytes(range(32)) + b"\0\0\2\x13\1\1\0" + len(extensions).to_bytes(2, "big") + extensions
    return _record(b"\1" + len(body).to_bytes(3, "big") + body)


def server_hello(*, retry: bool = False) -> bytes:
    """Return a TLS record with a ServerHello; ``retry``: a HelloRetryRequest (RFC 8446 section 4.1.3)."""
    number = RETRY_RANDOM if retry else bytes(range(32))
    extensions = _extension(43, b"\3\4") + (_extension(51, b"\0\x17") if retry else b"")
    body = b"\3\3" + number + b"\0\x13\1\0" + len(extensions).to_bytes(2, "big") + extensions
    return _record(b"\2" + len(body).to_bytes(3, "big") + body)


#: SHA-256 of "HelloRetryRequest": the random that says it is one (RFC 8446 section 4.1.3)
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def _extension(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data


def _record(message: bytes) -> bytes:
    return b"\x16\3\1" + len(message).to_bytes(2, "big") + message
