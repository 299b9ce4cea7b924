"""The ClientHello of TLS, DTLS and QUIC: its fields, and the facts and fingerprints made of them.

Sources: RFC 8446 section 4.1.2, RFC 6066 section 3 (server name), RFC 7301 (ALPN), RFC 8701 (GREASE), RFC 9147
section 5.3 (DTLS cookie); JA3 (Salesforce, 2017); JA4 (FoxIO, technical details of 2023, BSD part).
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import md5, sha256
from struct import unpack
from typing import Any, Final, NamedTuple

from .wire import FACT_LENGTH, cut, text, u16

SERVER_NAME: Final = 0
SUPPORTED_GROUPS: Final = 10
EC_POINT_FORMATS: Final = 11
SIGNATURE_ALGORITHMS: Final = 13
ALPN: Final = 16
SUPPORTED_VERSIONS: Final = 43
ENCRYPTED_CLIENT_HELLO: Final = 0xFE0D
_HOST_NAME: Final = 0

#: Values that clients throw in to keep servers tolerant (RFC 8701): 0x0a0a, 0x1a1a ... 0xfafa.
GREASE: Final = frozenset(n << 12 | 0x0A00 | n << 4 | 0x0A for n in range(16))
_GREASE_HEX: Final = frozenset(f"{n:04x}" for n in GREASE)
#: Hellos whose facts are kept: detectors are asked again as the server's answer comes in.
_KEPT: Final = 64

_JA4_VERSIONS: Final = {
    0x0304: "13",
    0x0303: "12",
    0x0302: "11",
    0x0301: "10",
    0x0300: "s3",
    0x0002: "s2",
    0xFEFF: "d1",
    0xFEFD: "d2",
    0xFEFC: "d3",
}


class ClientHello(NamedTuple):
    """A parsed ClientHello; cipher suites and extension types as they stand there, two bytes each, in their order."""

    version: int
    session_id: bytes
    ciphers: bytes
    kinds: bytes
    #: contents of the first extension of each type
    contents: dict[int, bytes]

    def extension(self, kind: int) -> bytes:
        """Contents of the first extension of this type, empty where there is none."""
        return self.contents.get(kind, b"")


@lru_cache(maxsize=_KEPT)
def read(body: bytes, transport: str) -> tuple[bytes, dict[str, Any]] | None:
    """Session id and :func:`facts` (read-only) of the ClientHello that is ``body``; None when it is malformed."""
    hello = parse(body, transport == "d")
    return None if hello is None else (hello.session_id, facts(hello, transport))


def parse(body: bytes, dtls: bool = False) -> ClientHello | None:
    """Return the ClientHello whose handshake body (without the message header) is ``body``; None when it is
    malformed.
    """
    size = len(body)
    if size < 38:
        return None
    at = 35 + body[34]
    session_id = cut(body, 35, at)
    if dtls:
        if at >= size:
            return None
        at += 1 + body[at]
    if at + 2 > size:
        return None
    end = at + 2 + u16(body, at)
    ciphers = cut(body, at + 2, end)
    if end >= size:
        return None
    at = end + 1 + body[end]
    contents: dict[int, bytes] = {}
    kinds = []
    end = min(size, at + 2 + u16(body, at)) if at + 2 <= size else 0
    at += 2
    while at + 4 <= end:
        after = at + 4 + u16(body, at + 2)
        kinds.append(body[at : at + 2])
        contents.setdefault(u16(body, at), cut(body, at + 4, after))
        at = after
    return ClientHello(u16(body, 0), session_id, ciphers, b"".join(kinds), contents)


def facts(hello: ClientHello, transport: str) -> dict[str, Any]:
    """``sni``, ``client_alpns``, ``ech``, ``ja3.hash``, ``ja3.string``, ``ja4``; ``transport`` is JA4's t, d or q."""
    found: dict[str, Any] = {}
    name = server_name(hello)
    if name:
        found["sni"] = name
    protocols = alpns(hello)
    if protocols:
        found["client_alpns"] = [text(protocol) for protocol in protocols[:16]]
    if ENCRYPTED_CLIENT_HELLO in hello.contents:
        found["ech"] = True
    string = ja3(hello)
    found["ja3.hash"] = md5(string.encode(), usedforsecurity=False).hexdigest()
    found["ja3.string"] = string[:FACT_LENGTH]
    found["ja4"] = ja4(hello, transport)
    return found


def server_name(hello: ClientHello) -> str:
    """Return the host name of the server_name extension, in lower case and without a dot at its end, or nothing."""
    data = hello.extension(SERVER_NAME)
    at = 2
    while at + 3 <= len(data):  # GnuTLS passes over names of other types
        after = at + 3 + u16(data, at + 1)
        if data[at] == _HOST_NAME and after > at + 3:
            return text(cut(data, at + 3, after)).lower().rstrip(".")
        at = after
    return ""


def alpns(hello: ClientHello) -> list[bytes]:
    """Return the application protocols that the client offers, in its order."""
    data = hello.extension(ALPN)
    names = []
    at = 2
    while at < len(data):
        names.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return names


def offered_version(hello: ClientHello) -> int:
    """Return the highest version that the client offers."""
    data = hello.extension(SUPPORTED_VERSIONS)
    versions = [version for version in _numbers(data[1:]) if version not in GREASE]
    if not versions:
        return hello.version
    return min(versions) if hello.version >> 8 == 0xFE else max(versions)


def ja3(hello: ClientHello) -> str:
    """Return the string that JA3 hashes: version, ciphers, extensions, groups, point formats, without GREASE."""
    return ",".join(
        (
            str(hello.version),
            _dashed(hello.ciphers),
            _dashed(hello.kinds),
            _dashed(hello.extension(SUPPORTED_GROUPS)[2:]),
            "-".join([str(n) for n in hello.extension(EC_POINT_FORMATS)[1:]]),
        )
    )


def ja4(hello: ClientHello, transport: str) -> str:
    """Return the JA4 fingerprint."""
    ciphers, extensions = _hex(hello.ciphers), _hex(hello.kinds)
    signatures = _hex(hello.extension(SIGNATURE_ALGORITHMS)[2:])
    hashed = ",".join(sorted([n for n in extensions if n not in ("0000", "0010")]))
    if signatures:
        hashed += "_" + ",".join(signatures)
    return (
        f"{transport}{_JA4_VERSIONS.get(offered_version(hello), '00')}{'d' if '0000' in extensions else 'i'}"
        f"{min(len(ciphers), 99):02}{min(len(extensions), 99):02}{_ja4_alpn(hello)}"
        f"_{_short_hash(','.join(sorted(ciphers)))}_{_short_hash(hashed) if extensions else '0' * 12}"
    )


def _ja4_alpn(hello: ClientHello) -> str:
    names = alpns(hello)
    if not names or not names[0]:
        return "00"
    first, last = names[0][:1], names[0][-1:]
    if first.isalnum() and last.isalnum():
        return (first + last).decode()
    return first.hex()[0] + last.hex()[1]


def _short_hash(string: str) -> str:
    return sha256(string.encode()).hexdigest()[:12] if string else "0" * 12


def _dashed(data: bytes) -> str:
    """Return the 16-bit numbers in ``data`` that are no GREASE, in decimal, between hyphens."""
    return "-".join([str(n) for n in _numbers(data) if n not in GREASE])


def _hex(data: bytes) -> list[str]:
    """Return the 16-bit numbers in ``data`` that are no GREASE, in hexadecimal."""
    return [n for n in data[: len(data) & ~1].hex(" ", 2).split() if n not in _GREASE_HEX]


def _numbers(data: bytes) -> tuple[int, ...]:
    """Return the 16-bit numbers in ``data``; an odd byte at the end is left out."""
    count = len(data) >> 1
    return unpack(f"!{count}H", data[: 2 * count])
