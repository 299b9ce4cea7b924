"""Connections that turn into another protocol, late: behind no-ops, errors and refusals."""

from __future__ import annotations

from .handovers_binary import binary_hand_overs


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


Turns = list[tuple[bool, bytes]]
_TLS_OID = b"\x80\x161.3.6.1.4.1.1466.20037"


def late_hand_overs() -> dict[str, tuple[str, Turns]]:
    """Return connections up to where another protocol begins, by a name: the carrying protocol, and the turns.

    A turn is ``(to_server, data)``. Where the protocol allows it the hand-over comes behind no-ops, errors and
    refusals. Add turns of what is to be carried, such as :func:`client_hello` and :func:`server_hello`.
    """
    return {
        "connect": ("http", _connect()),
        "connect in connect": ("http", [*_connect(), *_connect()]),
        "socks in connect": ("socks", [*_connect(), *_socks5()]),
        "upgrade": ("http", _upgrade()),
        "smtp": ("smtp", _smtp(b"EHLO a")),
        "lmtp": ("smtp", _smtp(b"LHLO a")),
        "imap": ("imap", _imap()),
        "pop3": ("pop3", _pop3()),
        "nntp": ("nntp", _nntp()),
        "managesieve": ("managesieve", _managesieve()),
        "ftp": ("ftp", _ftp()),
        "ftp by AUTH SSL": ("ftp", [(side, line.replace(b"AUTH TLS", b"AUTH SSL")) for side, line in _ftp()]),
        "ldap": ("ldap", _ldap()),
        "irc": ("irc", _irc()),
        "xmpp": ("xmpp", _xmpp()),
        "xmpp between servers": (
            "xmpp",
            [(side, line.replace(b"jabber:client", b"jabber:server")) for side, line in _xmpp()],
        ),
        "nats": ("nats", _lines((False, b'INFO {"server_id":"N","version":"2.9.0","tls_required":true}'))),
        "pgsql": ("pgsql", _pgsql()),
        "mysql": ("mysql", _mysql()),
        "socks4": ("socks", [(True, b"\4\1\1\xbb\xc6\x33\x64\2me\0"), (False, b"\0\x5a" + bytes(6))]),
        "socks4a": ("socks", [(True, b"\4\1\1\xbb\0\0\0\1me\0a.example\0"), (False, b"\0\x5a" + bytes(6))]),
        "socks5": ("socks", _socks5()),
        "socks5 with password": ("socks", _socks5(b"\1\2me\2pw")),
        "proxy 1": ("proxy", [(True, b"PROXY TCP4 192.0.2.1 198.51.100.2 4000 443\r\n")]),
        "proxy 2": ("proxy", [(True, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(range(1, 13)))]),
        "rdp": ("rdp", _rdp()),
        "smtp in socks": ("smtp", [*_socks5(), *_smtp(b"EHLO a")]),
        **binary_hand_overs(),
    }


def _lines(*turns: tuple[bool, bytes]) -> Turns:
    return [(side, line + b"\r\n") for side, line in turns]


def _connect() -> Turns:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"
    return [
        (True, b"GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        (False, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        (True, b"CONNECT b.example:443 HTTP/1.1\r\n\r\n"),
        (False, refusal),
        (True, b"CONNECT b.example:443 HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\n\r\n"),
        (False, b"HTTP/1.1 200 Connection established\r\n\r\n"),
    ]


def _upgrade() -> Turns:
    """RFC 2817 section 3."""
    ask = b"OPTIONS * HTTP/1.1\r\nHost: a\r\nUpgrade: TLS/1.0\r\nConnection: Upgrade\r\n\r\n"
    return [
        (True, ask),
        (False, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        (True, ask),
        (False, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: TLS/1.0, HTTP/1.1\r\nConnection: Upgrade\r\n\r\n"),
    ]


def _smtp(hello: bytes) -> Turns:
    no_ops = _lines((True, b"NOOP"), (False, b"250 ok")) * 20
    return [
        *_lines((False, b"220 b.example ESMTP"), (True, hello), (False, b"250-b.example\r\n250 STARTTLS")),
        *no_ops,
        *_lines((True, b"DATA"), (False, b"503 no mail"), (True, b"AUTH PLAIN"), (False, b"334 "), (True, b"AG0=")),
        *_lines(
            (False, b"535 no"), (True, b"STARTTLS"), (False, b"454 later"), (True, b"STARTTLS"), (False, b"220 go")
        ),
    ]


def _imap() -> Turns:
    no_ops = _lines((True, b"n NOOP"), (False, b"n OK done")) * 20
    return [
        *_lines((False, b"* OK IMAP4rev1 ready"), (True, b"a LOGIN {2}"), (False, b"+ go"), (True, b"me {2}")),
        *_lines((False, b"+ go"), (True, b"pw"), (False, b"a NO wrong")),
        *no_ops,
        *_lines((True, b"b STARTTLS"), (False, b"b BAD later"), (True, b"c STARTTLS"), (False, b"c OK go")),
    ]


def _pop3() -> Turns:
    listing = _lines((True, b"CAPA"), (False, b"+OK list\r\nSTLS\r\n."), (True, b"USER a"), (False, b"+OK"))
    return [
        *_lines((False, b"+OK POP3 ready")),
        *listing * 10,
        *_lines((True, b"PASS x"), (False, b"-ERR no"), (True, b"STLS"), (False, b"-ERR later")),
        *_lines((True, b"STLS"), (False, b"+OK go")),
    ]


def _nntp() -> Turns:
    listing = _lines((True, b"CAPABILITIES"), (False, b"101 list\r\nVERSION 2\r\nSTARTTLS\r\n."))
    return [
        *_lines((False, b"200 NNTP service ready")),
        *listing * 20,
        *_lines((True, b"POST"), (False, b"440 no"), (True, b"STARTTLS"), (False, b"580 later")),
        *_lines((True, b"STARTTLS"), (False, b"382 go")),
    ]


def _managesieve() -> Turns:
    greeting = b'"IMPLEMENTATION" "Example 1"\r\n"SIEVE" "fileinto"\r\n"STARTTLS"\r\n"VERSION" "1.0"\r\nOK "ready"'
    return [
        *_lines((False, greeting)),
        *_lines((True, b'NOOP "x"'), (False, b'OK (TAG "x") "done"')) * 20,
        *_lines((True, b"AUTHENTICATE {5+}\r\nPLAIN"), (False, b'NO "not here"')),
        *_lines((True, b"STARTTLS"), (False, b'OK "go"')),
    ]


def _ftp() -> Turns:
    no_ops = _lines((True, b"NOOP"), (False, b"200 ok")) * 20
    return [
        *_lines((False, b"220 FTP server"), (True, b"USER a"), (False, b"331 password"), (True, b"PASS x")),
        *_lines((False, b"530 no")),
        *no_ops,
        *_lines((True, b"AUTH TLS"), (False, b"431 later"), (True, b"AUTH TLS"), (False, b"234 go")),
    ]


def _ldap() -> Turns:
    def message(number: int, tag: int, body: bytes) -> bytes:
        inner = b"\2\1" + bytes([number, tag, len(body)]) + body
        return b"0" + bytes([len(inner)]) + inner

    refused = b"\x0a\1\x31\4\0\4\0"
    turns: Turns = []
    for number in range(1, 20):
        turns += [(True, message(number, 0x60, b"\2\1\3\4\4cn=a\x80\1x")), (False, message(number, 0x61, refused))]
    return [
        *turns,
        (True, message(20, 0x77, _TLS_OID)),
        (False, message(20, 0x78, b"\x0a\1\x34\4\0\4\0")),
        (True, message(21, 0x77, _TLS_OID)),
        (False, message(21, 0x78, b"\x0a\1\0\4\0\4\0")),
    ]


def _irc() -> Turns:
    return [
        *_lines((True, b"NICK a"), (True, b"USER a 0 * :a"), (False, b":i.example 001 a :Welcome")),
        *_lines((True, b"PING x"), (False, b":i.example PONG i.example :x")) * 20,
        *_lines((True, b"STARTTLS"), (False, b":i.example 691 a :later")),
        *_lines((True, b"STARTTLS"), (False, b":i.example 670 a :go")),
    ]


def _xmpp() -> Turns:
    space = b"xmlns='urn:ietf:params:xml:ns:xmpp-tls'"
    return [
        (True, b"<stream:stream to='a.example' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"),
        (False, b"<?xml version='1.0'?><stream:stream id='1' xmlns='jabber:client'>"),
        (False, b"<stream:features><starttls " + space + b"/></stream:features>"),
        *[(True, b"<iq type='get' id='1'/>"), (False, b"<iq type='error' id='1'/>")] * 20,
        (True, b"<starttls " + space + b"/>"),
        (False, b"<proceed " + space + b"/>"),
    ]


def _pgsql() -> Turns:
    gss, ssl = b"\0\0\0\x08\4\xd2\x16\x30", b"\0\0\0\x08\4\xd2\x16\x2f"
    return [(True, gss), (False, b"N"), (True, ssl), (False, b"S")]


def _mysql() -> Turns:
    salt = bytes(10) + b"a" * 12 + b"\0" + b"p" * 21 + b"\0"
    greeting = b"\x4a\0\0\0\x0a8.0.30\0\1\0\0\0abcdefgh\0\xff\xff\x21\2\0\xff\xc1\x15" + salt
    return [(False, greeting), (True, b"\x20\0\0\1\x85\xae\xff\x19\0\0\0\1\x21" + bytes(23))]


def _socks5(password: bytes = b"") -> Turns:
    turns: Turns = [(True, b"\5\2\0\2"), (False, b"\5\2" if password else b"\5\0")]
    if password:
        turns += [(True, password), (False, b"\1\0")]
    return [*turns, (True, b"\5\1\0\3\x09a.example\1\xbb"), (False, b"\5\0\0\1\0\0\0\0\0\0")]


def _rdp() -> Turns:
    """MS-RDPBCGR sections 2.2.1.1 and 2.2.1.2: negotiation that agrees on TLS."""
    request = b"\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\1\0\0\0"
    return [(True, request), (False, b"\3\0\0\x13\x0e\xd0\0\0\x12\x34\0\2\0\x08\0\1\0\0\0")]
