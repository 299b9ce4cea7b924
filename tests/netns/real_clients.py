"""Real clients, late in their connections: ``WHAT HOST``. Prints ``done`` when what it wants is granted."""

from __future__ import annotations

import http.client
import imaplib
import smtplib
import socket
import ssl
import subprocess
import sys

import hpack

TIMEOUT = 4.0
CONTEXT = ssl._create_unverified_context()


def http_second(host: str) -> bool:
    """Ask twice on one connection."""
    connection = http.client.HTTPConnection(host, 8080, timeout=TIMEOUT)
    for path in ("/ok", "/secret"):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
    return answer.status == 200


def http_pipelined(host: str) -> bool:
    """Both requests in three segments, cut within the second one's head."""
    with socket.create_connection((host, 8080), timeout=TIMEOUT) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\nGET /se")
        came = sock.recv(65536)
        sock.sendall(b"cret HTTP/1.1\r\nHost: a\r\n")
        sock.sendall(b"\r\n")
        while came.count(b"HTTP/1.1 200") < 2:
            more = sock.recv(65536)
            if not more:
                return False
            came += more
        return True


def http2_second(host: str) -> bool:
    """Two streams of one connection, by prior knowledge (RFC 9113 section 3.3)."""
    encoder, decoder = hpack.Encoder(), hpack.Decoder()
    with socket.create_connection((host, 8081), timeout=TIMEOUT) as sock:
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)))
        wire = sock.makefile("rb")
        for stream, path in ((1, "/ok"), (3, "/secret")):
            block = encoder.encode([(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "a")])
            sock.sendall(bytes((0, 0, len(block), 1, 5, 0, 0, 0, stream)) + block)
            head = bytes(9)
            while (head[3], head[8]) != (1, stream):
                head = wire.read(9)
                body = wire.read(int.from_bytes(head[:3], "big"))
            status = dict(decoder.decode(body))[":status"]
    return status == "200"


def squid(host: str) -> bool:
    """GET, then CONNECT on the same connection, then TLS inside."""
    with socket.create_connection((host, 3128), timeout=TIMEOUT) as sock:
        sock.sendall(f"GET http://{host}:8080/ok HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        came = b""
        while b"fine" not in came:
            came += sock.recv(65536)
        sock.sendall(f"CONNECT {host}:8443 HTTP/1.1\r\nHost: {host}:8443\r\n\r\n".encode())
        assert b" 200 " in sock.recv(65536)
        CONTEXT.wrap_socket(sock)
    return True


def smtp(host: str) -> bool:
    """STARTTLS behind twenty NOOPs and a refused mail."""
    with smtplib.SMTP(host, 2525, timeout=TIMEOUT) as client:
        client.ehlo("a.example")
        for _ in range(20):
            client.noop()
        client.docmd("DATA")
        client.starttls(context=CONTEXT)
    return True


def imap(host: str) -> bool:
    """STARTTLS behind NOOPs."""
    client = imaplib.IMAP4(host, 1143, timeout=TIMEOUT)
    for _ in range(20):
        client.noop()
    client.starttls(CONTEXT)
    return True


def ldap(host: str) -> bool:
    """StartTLS, as ldapsearch does it."""
    command = ["ldapsearch", "-x", "-ZZ", "-o", "nettimeout=4", "-H", f"ldap://{host}:3389", "-b", "", "-s", "base"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=15, env={"LDAPTLS_REQCERT": "never"})
    return done.returncode == 0


def postgres(host: str) -> bool:
    """SSLRequest, as psql does it."""
    return _succeeds(
        "psql", f"host={host} port=5433 user=postgres sslmode=require connect_timeout=10", "-c", "select 1"
    )


def mariadb(host: str) -> bool:
    """SSLRequest behind the greeting, as MariaDB's own client does it."""
    words = ("--no-defaults", "-h", host, "-P", "3307", "-u", "root", "--ssl", "--connect-timeout=10")
    return _succeeds("mariadb", *words, "-e", "select 1")


def ftp(host: str) -> bool:
    """AUTH TLS behind a first line of another protocol, which the server refuses."""
    with socket.create_connection((host, 2121), timeout=TIMEOUT) as sock:
        return _turns_to_tls(sock, b"220 ", b"GET / HTTP/1.1", b"AUTH TLS", b"234 ")


def irc(host: str) -> bool:
    """STARTTLS behind a first line of another protocol, which the server passes over."""
    with socket.create_connection((host, 6667), timeout=TIMEOUT) as sock:
        return _turns_to_tls(sock, b"NOTICE", b"OPTIONS * RTSP/1.0", b"STARTTLS", b" 670 ")


def xmpp(host: str) -> bool:
    """STARTTLS behind a login that is refused."""
    head = b"<?xml version='1.0'?><stream:stream to='a.example' version='1.0' xmlns='jabber:client'"
    head += b" xmlns:stream='http://etherx.jabber.org/streams'>"
    login = b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='NONE'/>"
    with socket.create_connection((host, 5222), timeout=TIMEOUT) as sock:
        _say(sock, head, b"</stream:features>")
        _say(sock, login, b"</failure>")
        _say(sock, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", b"<proceed")
        CONTEXT.wrap_socket(sock)
    return True


def _say(sock: socket.socket, data: bytes, wanted: bytes) -> None:
    """Send, and wait for an answer."""
    sock.sendall(data)
    came = b""
    while wanted not in came:
        more = sock.recv(4096)
        if not more:
            raise ConnectionResetError
        came += more


def _turns_to_tls(sock: socket.socket, greeting: bytes, first: bytes, asks: bytes, granted: bytes) -> bool:
    _say(sock, b"", greeting)
    _say(sock, first + b"\r\n" + asks + b"\r\n", granted)
    CONTEXT.wrap_socket(sock)
    return True


def vnc(host: str) -> bool:
    """VeNCrypt 0.2 with X509None (rfbproto, "VeNCrypt")."""
    with socket.create_connection((host, 5977), timeout=TIMEOUT) as sock:
        wire = sock.makefile("rb")
        wire.read(12)
        sock.sendall(b"RFB 003.008\n")
        assert 19 in wire.read(wire.read(1)[0])
        sock.sendall(b"\x13")
        wire.read(2)
        sock.sendall(b"\0\2")
        assert wire.read(1) == b"\0"
        assert wire.read(4 * wire.read(1)[0]) == b"\0\0\1\4"
        sock.sendall(b"\0\0\1\4")
        assert wire.read(1) == b"\1"
        inside = CONTEXT.wrap_socket(sock)
        return inside.recv(4) == bytes(4)


def _succeeds(*command: str, timeout: float = 20) -> bool:
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    if done.returncode:
        raise OSError(done.stderr[-300:])
    return True


if __name__ == "__main__":
    try:
        print("done" if globals()[sys.argv[1]](sys.argv[2]) else "refused")
    except Exception as error:
        print("refused", type(error).__name__, error)
