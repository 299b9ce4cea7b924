"""Transport Layer Security, and SSL before it, by records and handshake messages, in either direction.

:checked: a ClientHello or ServerHello (record and message header, version, and either lengths that agree or session id
    and cipher suites; over fragmented records too), an SSLv2-style hello whose lengths add up, or two record headers
    that follow each other, or one on each side; where the start was not seen, one whole record or alert
:source: RFC 8446 sections 4.1, 5.1; RFC 5246; RFC 6101; RFC 5246 appendix E.2 (SSLv2-style hello)
:minimum: 11 bytes of a ClientHello, 47 of a ServerHello; else one record and 5 bytes
:facts: version, sni, sni_changed, renegotiated, client_alpns, server_alpns, ech, ja3.hash, ja3.string, ja3s.hash,
    ja3s.string, ja4, cipher, session_resumed, subject, issuerdn, serial, notbefore, notafter, self_issued, self_signed,
    fingerprint, fingerprint_sha256, chain_length
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import md5
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing import certificate, client_hello
from ..parsing.evidence import HINT, LEANING, Evidence
from ..parsing.wire import FACT_LENGTH, cut, text, u16, u24
from ..transactions.hello_watch import CLIENT_HELLO_BYTES, HelloWatch
from ..transactions.tls_records import OPEN_HELLO, follow

api_version = 1
protocols = ("tls",)
transport = "tcp"
tier = "exact"
first_client = b"\x14\x15\x16\x17\x18" + bytes(range(0x80, 0xC0))
first_server = None
#: a flow may turn to TLS by messages that nobody here reads
begins_inside = CLIENT_HELLO_BYTES

#: RFC 5246 section 6.2.3: a protected fragment may be this much longer than 2^14.
LONGEST_RECORD: Final = 0x4000 + 2048
_MOST_CERTIFICATES: Final = 32
#: Bytes after which joined records are kept.
_STEP: Final = 256
#: Records that are joined each time.
_FEW: Final = 8
#: Sides whose ClientHellos are kept.
_KEPT: Final = 64
#: an authentication tag and nothing else
_SHORTEST_SEALED: Final = 16
#: descriptions of alerts (RFC 8446 section 6, RFC 5246 section 7.2)
_ALERTS: Final = frozenset(
    (0, 10, *range(20, 23), 30, *range(40, 52), 60, 70, 71, 80, 86, 90, 100, *range(109, 117), 120)
)
CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = range(20, 25)
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, SERVER_HELLO_DONE = 1, 2, 11, 14
_SSLV2_SERVER_HELLO: Final = 4

VERSIONS: Final = {
    0x0002: "SSLv2",
    0x0300: "SSLv3",
    0x0301: "TLSv1",
    0x0302: "TLS 1.1",
    0x0303: "TLS 1.2",
    0x0304: "TLS 1.3",
    0xFB1A: "TLS 1.3 draft-fb-26",
}
#: What one side's bytes are when they are TLS's: one record, one with something else behind it, a proof.
_SPOKEN: Final = (LEANING, HINT, YES)
#: SHA-256 of "HelloRetryRequest": the random of a ServerHello that is one (RFC 8446 section 4.1.3)
RETRY_RANDOM: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
#: OpenSSL takes no longer ClientHello
_LONGEST_HELLO: Final = 0x20144
#: what may stand before the first ClientHello, and so many of them
_BEFORE: Final = frozenset((20, 21, 22))
_MOST_BEFORE: Final = 32
#: bytes of a server's answer that show whether it asks for another ClientHello
_RETRY_SEEN: Final = 43
#: major versions of records with a ClientHello that some server takes are below
_MOST_MAJOR: Final = 0x10
#: what may stand before a second ClientHello, and counts for nothing: middleboxes' sake, warnings, early data that the
#: server refuses (RFC 8446 section 4.2.10)
_BETWEEN: Final = frozenset((20, 21, 23))
#: drafts of TLS 1.3 had this and their number for a version
_DRAFT: Final = 0x7F


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect TLS."""
    look = _look_midstream if flow.midstream else _look
    by_client = look(client)
    by_server = look(server)
    fits = by_client in _SPOKEN and by_server in _SPOKEN
    if not fits and YES not in (by_client, by_server):
        # what a server says first does not keep its client from sending a ClientHello
        return NO if by_client is NO or (by_client is HINT and by_server is NO) else MORE
    facts, session_id, hellos = _client_facts(client)
    answered_all = bool(server) and _server_facts(facts, server, session_id)
    asked_all = hellos > 1 or (hellos == 1 and not _asks_again(server))
    _note_open_hello(flow, not asked_all or (hellos == 1 and len(server) < _RETRY_SEEN and by_server is not NO))
    if flow.midstream:
        confirmed = fits and HINT not in (_look(client), _look(server))
        if confirmed and (_opens(client) or _opens(server)):  # the start was seen all the same
            confirmed = _answers(client, server) or _answers(server, client)
    else:  # an alert ends a connection: whoever goes on behind it does not speak TLS
        confirmed = by_client is by_server is YES and (_answers(client, server) or _answers(server, client))
        confirmed = confirmed and not ("session_resumed" in facts and _next_record(client) != CHANGE_CIPHER_SPEC)
    done = asked_all and ((confirmed and answered_all) or by_server is NO)
    return Match("tls", facts, confirmed, done, anomaly="sni_changed" if facts.get("sni_changed") else "")


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser | None:
    """Follow the records, where a rule asks about them; in a flow of another name or none, look for a hello."""
    return follow(flow) if flow.app_proto in protocols else HelloWatch()


def _note_open_hello(flow: Flow, is_open: bool) -> None:
    """Note whether the bytes of a ClientHello may still come, for who reads on where detection has ended."""
    ext = flow.ext
    if is_open:
        if ext is None:
            ext = flow.ext = {}
        ext[OPEN_HELLO] = True
    elif ext:
        ext.pop(OPEN_HELLO, None)


def _look_midstream(data: bytes) -> Evidence:
    """Return the same where the start was not seen: a whole encrypted record, or an alert in clear, will do for
    proof.
    """
    found = _look(data)
    if found not in (LEANING, HINT):
        return found
    alert = data[0] == ALERT and data[5] in (1, 2) and data[6] in _ALERTS
    return YES if u16(data, 3) > _SHORTEST_SEALED or (u16(data, 3) == 2 and alert) else found


def _opens(data: bytes) -> bool:
    return len(data) > 5 and data[0] == HANDSHAKE and data[5] == CLIENT_HELLO


def _answers(client: bytes, server: bytes) -> bool:
    """Return True if the client's side begins with a ClientHello that parses, the server's with a ServerHello; or
    with SSLv2's.
    """
    server = _behind_warnings(server)
    if len(server) < 6:
        return False
    if server[2] != _SSLV2_SERVER_HELLO if server[0] & 0x80 else server[0] != HANDSHAKE or server[5] != SERVER_HELLO:
        return False
    if client[0] & 0x80:
        return client[2] == CLIENT_HELLO
    hellos, _ = _client_hellos(client)
    return bool(hellos) and hellos[0] is not None


def _next_record(data: bytes) -> int:
    """Return the type of the record behind the plain handshake messages of one side, 0 while there is none.

    Who resumes a session of TLS 1.2 changes the cipher before sending anything else (RFC 5246 section 7.3): what goes
    on with data at once only looks like TLS.
    """
    at = 0
    for _ in range(_FEW):
        if at + 5 > len(data) or data[at] != HANDSHAKE:
            break
        at += 5 + u16(data, at + 3)
    return data[at] if at < len(data) else 0


def _behind_warnings(server: bytes) -> bytes:
    """Return what follows the warnings that a server may send before its hello (RFC 6066 section 3:
    unrecognized_name).
    """
    while server[:1] == bytes([ALERT]) and server[3:6] == b"\0\2\1":
        server = server[7:]
    return server


def _from_hello(data: bytes) -> bytes:
    """Return a side's bytes from the first record of its handshake, where only records that count for nothing are
    before it.

    GnuTLS passes over changes of the cipher, Go over warnings, OpenSSL over empty records.
    """
    at = 0
    for _ in range(_MOST_BEFORE):
        if at + 6 > len(data):
            break
        if data[at] == HANDSHAKE and (data[at + 3] or data[at + 4]):
            return data[at:] if at else data
        length = u16(data, at + 3)
        if data[at] not in _BEFORE or length > 2:
            break
        at += 5 + length
    return data


def _look(data: bytes) -> Evidence:
    """Return what one direction's bytes are evidence of."""
    data = _from_hello(data)
    size = len(data)
    if size == 0:
        return MORE
    if data[0] & 0x80:
        return _look_sslv2(data)
    if _may_be_odd_hello(data):
        return _look_hello(data) if size >= 6 else MORE
    wrong = not _header_fits(data, 0)
    if wrong or size < 6:
        return NO if wrong else MORE
    kind, length = data[0], u16(data, 3)
    if kind == HANDSHAKE and data[5] in (CLIENT_HELLO, SERVER_HELLO):
        return _look_hello(data)
    if kind == CHANGE_CIPHER_SPEC and data[5] != 1:
        return NO
    if size < 5 + length:
        return MORE
    if size == 5 + length:
        return LEANING
    if not _header_fits(data, 5 + length):
        return HINT
    return YES if size >= 10 + length else LEANING


def _may_be_odd_hello(data: bytes) -> bool:
    """Return whether a ClientHello may begin in a record of a version that there is not.

    Servers differ in what they take: OpenSSL any 3.x, Go whatever is below 16.0.
    """
    if data[0] != HANDSHAKE or len(data) < 2 or data[1] >= _MOST_MAJOR:
        return False
    if data[1] == 3 and (len(data) < 3 or data[2] <= 4):
        return False
    return len(data) < 6 or data[5] == CLIENT_HELLO


def _header_fits(data: bytes, at: int) -> bool:
    """Return whether the bytes at ``at``, as far as they go, may be a record header."""
    kind = data[at]
    if not CHANGE_CIPHER_SPEC <= kind <= HEARTBEAT:
        return False
    present = len(data) - at
    if present < 5:
        return data[at + 1 : at + 3] in (b"", b"\3") or (present > 2 and data[at + 1] == 3 and data[at + 2] <= 4)
    if data[at + 1] != 3 or data[at + 2] > 4:
        return False
    length = u16(data, at + 3)
    if kind == CHANGE_CIPHER_SPEC:
        return length == 1
    if kind == ALERT:
        return length == 2 or 16 < length <= 512
    return (kind == APPLICATION_DATA or length > 0) and length <= LONGEST_RECORD


def _look_hello(data: bytes) -> Evidence:
    """Grade a record that begins with the byte of a ClientHello or ServerHello."""
    return YES if _is_whole_client_hello(data) else _look_message(data)


def _is_whole_client_hello(data: bytes) -> bool:
    """Return True for a ClientHello in one record, as nearly all are: what :func:`_look_message` takes for a proof."""
    if len(data) < 11 or data[5] != CLIENT_HELLO or data[9] != 3 or data[10] > 4:
        return False
    length = u24(data, 6)
    return length >= 38 and u16(data, 3) == length + 4


def _look_message(data: bytes) -> Evidence:
    """Grade the message that begins in a record, in however many records it comes."""
    message, ended = _handshake(data, 80)
    kind = message[0]
    if ended and kind == CLIENT_HELLO:
        message = _spread(data, 80)
    size = len(message)
    if size < 6:
        return MORE
    length = u24(message, 1)
    draft = kind == SERVER_HELLO and message[4] == _DRAFT
    usual = message[4] == 3 and message[5] <= 4
    if not 38 <= length <= _LONGEST_HELLO or not (usual or draft or kind == CLIENT_HELLO):
        return NO
    if kind == CLIENT_HELLO and usual and u16(data, 3) == length + 4:
        return YES
    if size < 42:
        return MORE
    if kind == SERVER_HELLO and (draft or message[5] == 4) and length == 38 + u16(message, 40):
        return YES
    at = 39 + message[38]
    if message[38] > 32 or at > length + 1:
        return NO
    if size < at + 3:
        return MORE
    if kind == SERVER_HELLO:
        return YES if message[at + 2] in (0, 1, 64) else NO
    ciphers = u16(message, at)
    return YES if 2 <= ciphers <= length - at and ciphers % 2 == 0 else NO


def _look_sslv2(data: bytes) -> Evidence:
    """Grade a record with SSLv2's two-byte header: only hellos whose lengths add up will do."""
    if data[2:3] not in (b"", b"\1", b"\4"):
        return NO
    if len(data) < 11:
        return MORE
    length = u16(data, 0) & 0x7FFF
    if data[2] == 1 and (data[3:5] == b"\0\2" or (data[3] == 3 and data[4] <= 4)):
        ciphers, session, challenge = u16(data, 5), u16(data, 7), u16(data, 9)
        fits = ciphers > 0 and ciphers % 3 == 0 and session in (0, 16) and 16 <= challenge <= 32
        return YES if fits and length == 9 + ciphers + session + challenge else NO
    if data[2] == 4 and data[5:7] == b"\0\2":
        if len(data) < 13:
            return MORE
        ciphers = u16(data, 9)
        fits = ciphers % 3 == 0 and u16(data, 11) <= 32
        return YES if fits and length == 11 + u16(data, 7) + ciphers + u16(data, 11) else NO
    return NO


def _handshake(data: bytes, wanted: int) -> tuple[bytes, bool]:
    """Return the handshake messages that ``data`` begins with, their fragments joined, and whether something else
    follows.

    Reads until ``wanted`` bytes are there.
    """
    message, at, ended = _read_records(data, 0, wanted, _FEW)
    if ended or at + 5 > len(data) or len(message) >= wanted:
        return message, ended
    whole = len(data) // _STEP * _STEP
    joined, at, ended = _joined(data[:whole]) if whole > _STEP else (b"", 0, False)
    if ended:
        return joined, True
    rest, _, ended = _read_records(data, at, wanted - len(joined), len(data))
    return joined + rest, ended


def _spread(data: bytes, wanted: int) -> bytes:
    """Return the handshake messages that ``data`` begins with, without the records that count for nothing between
    their fragments: GnuTLS passes over them.
    """
    joined = b""
    at = 0
    while at + 5 <= len(data) and len(joined) < wanted and data[at] in _BEFORE:
        end = at + 5 + u16(data, at + 3)
        if data[at] == HANDSHAKE:
            joined += cut(data, at + 5, end)
        at = end
    return joined


def _read_records(data: bytes, at: int, wanted: int, most: int) -> tuple[bytes, int, bool]:
    """Return the joined fragments of handshake records from ``at`` on: ``wanted`` bytes, of ``most`` records at most.

    Also where the next record begins, and whether one of another kind is there.
    """
    parts: list[bytes] = []
    have = 0
    while most and at + 5 <= len(data) and have < wanted:
        if data[at] != HANDSHAKE or data[at + 1] >= _MOST_MAJOR:
            return b"".join(parts), at, True
        length = u16(data, at + 3)
        parts.append(data[at + 5 : at + 5 + length])
        have += len(parts[-1])
        at += 5 + length
        most -= 1
    return b"".join(parts), at, False


@lru_cache(maxsize=256)
def _joined(data: bytes) -> tuple[bytes, int, bool]:
    """Return the same of all whole records in ``data``, whose length is a multiple of the step.

    A hello in records of one byte each is not read from its start for every byte that comes.
    """
    joined, at, ended = _joined(data[:-_STEP]) if len(data) > _STEP else (b"", 0, False)
    parts = [joined]
    while at + 5 <= len(data) and not ended:
        end = at + 5 + u16(data, at + 3)
        ended = data[at] != HANDSHAKE or data[at + 1] >= _MOST_MAJOR
        if ended or end > len(data):
            break
        parts.append(cut(data, at + 5, end))
        at = end
    return b"".join(parts), at, ended


def _messages(data: bytes) -> tuple[list[tuple[int, bytes]], bool]:
    """Return the whole handshake messages at the start of ``data``, and whether the plain handshake has ended."""
    joined, ended = _handshake(data, len(data))
    found: list[tuple[int, bytes]] = []
    at = 0
    while at + 4 <= len(joined) and len(found) < 8:
        end = at + 4 + u24(joined, at + 1)
        if end > len(joined):
            break
        found.append((joined[at], cut(joined, at + 4, end)))
        at = end
    return found, ended


def _asks_again(server: bytes) -> bool:
    """The server answers by a HelloRetryRequest (RFC 8446 section 4.1.4): another ClientHello follows."""
    if len(server) >= 43 and server[0] == HANDSHAKE and u16(server, 3) >= 38:  # in one record, as nearly always
        return server[1] == 3 and server[5] == SERVER_HELLO and server[11:43] == RETRY_RANDOM
    message, _ = _handshake(server, 38)
    return message[:1] == bytes([SERVER_HELLO]) and message[6:38] == RETRY_RANDOM


@lru_cache(maxsize=_KEPT)
def _client_hellos(data: bytes) -> tuple[list[tuple[bytes, dict[str, Any]] | None], bool]:
    """Return :func:`client_hello.read` of every whole ClientHello, at most 4, and whether something else follows them.

    Records of other kinds between them count for nothing. Some answers are kept, since a
    detector is asked again as the server's answer comes in; they are not to be changed.
    """
    found: list[tuple[bytes, dict[str, Any]] | None] = []
    joined = b""
    at = 0
    while at + 5 <= len(data) and len(found) < 4:
        end = at + 5 + u16(data, at + 3)
        if data[at] == HANDSHAKE and data[at + 1] < _MOST_MAJOR:
            joined += cut(data, at + 5, end)
            while len(joined) >= 4 and len(joined) >= 4 + u24(joined, 1):
                if joined[0] != CLIENT_HELLO:
                    return found, True
                found.append(client_hello.read(cut(joined, 4, 4 + u24(joined, 1)), "t"))
                joined = joined[4 + u24(joined, 1) :]
        elif data[at] not in (_BETWEEN if found and not joined else _BEFORE):
            return found, True
        at = end
    return found, False


def _client_facts(data: bytes) -> tuple[dict[str, Any], bytes, int]:
    """Return what the last ClientHello says, its session id, and how many there were, 9 when none can follow."""
    if data[:1] >= b"\x80":
        sslv2 = len(data) > 4 and data[2] == 1
        return {"version": VERSIONS.get(u16(data, 3), "")} if sslv2 else {}, b"", 9
    found, ended = _client_hellos(data)
    if len(found) == 1 and found[0] is not None:
        session_id, facts = found[0]
        return facts.copy(), session_id, 9 if ended else 1
    hellos = [hello for hello in found if hello is not None]
    if not hellos or len(hellos) < len(found):
        return {}, b"", 9 if ended or found else 0
    session_id, last = hellos[-1]
    facts = last.copy()
    if any(hello[1].get("sni") != last.get("sni") for hello in hellos):
        facts["sni_changed"] = True
    return facts, session_id, 9 if ended else len(hellos)


def _server_facts(facts: dict[str, Any], data: bytes, session_id: bytes) -> bool:
    """Add what the ServerHello and the certificate say; True when nothing more can be learnt of the server."""
    messages, ended = _messages(data)
    for kind, body in messages:
        if kind == SERVER_HELLO and len(body) >= 38:
            _server_hello(facts, body)
            if facts.get("version", "").startswith("TLS 1.3"):
                return True
            if ended and len(messages) == 1:
                facts["session_resumed"] = bool(session_id)
        elif kind == CERTIFICATE and len(body) > 6:
            facts.update(certificate.details(body[6 : 6 + u24(body, 3)]))
            facts["chain_length"] = _chain_length(body)
            return True
        elif kind == SERVER_HELLO_DONE:
            return True
    return ended


def _chain_length(body: bytes) -> int:
    """Return how many certificates a Certificate message of TLS 1.2 and before has (RFC 5246 section 7.4.2), at most
    32.
    """
    count, at = 0, 3
    while at + 3 < len(body) and count < _MOST_CERTIFICATES:
        count += 1
        at += 3 + u24(body, at)
    return count


def _server_hello(facts: dict[str, Any], body: bytes) -> None:
    version = legacy = u16(body, 0)
    # up to the 21st draft of TLS 1.3: version, random, cipher suite, extensions
    draft = (version >> 8 == _DRAFT or version == 0x0304) and len(body) == 38 + u16(body, 36)
    at = 34 if draft else 35 + body[34]
    if at + 3 > len(body):
        return
    cipher = u16(body, at)
    kinds = []
    at += 4 if draft else 5
    while at + 4 <= len(body):
        kind, length = u16(body, at), u16(body, at + 2)
        contents = body[at + 4 : at + 4 + length]
        kinds.append(kind)
        if kind == client_hello.SUPPORTED_VERSIONS and len(contents) == 2:
            version = u16(contents, 0)
        elif kind == client_hello.ALPN and len(contents) > 3:
            facts["server_alpns"] = [text(contents[3 : 3 + contents[2]])]
        at += 4 + length
    string = f"{legacy},{cipher},{'-'.join(map(str, kinds))}"
    named = f"TLS 1.3 draft-{version & 0xFF}" if version >> 8 == _DRAFT else f"0x{version:04x}"
    facts["version"] = VERSIONS.get(version, named)
    facts["cipher"] = f"0x{cipher:04x}"
    facts["ja3s.hash"] = md5(string.encode(), usedforsecurity=False).hexdigest()
    facts["ja3s.string"] = string[:FACT_LENGTH]
