"""Small servers that turn to TLS as their protocols say: ``HOST PEM KIND=PORT ...``. Prints ``ready``.

They do what ``openssl s_client -starttls`` asks, and TLS is Python's: a session that comes about is a real one.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Callable

LDAP_GRANTED = b"0\x0c\2\1\1\x78\7\x0a\1\0\4\0\4\0"
SALT = bytes(10) + b"a" * 12 + b"\0" + b"mysql_native_password\0"
MYSQL = b"\x0a8.0.30\0\1\0\0\0abcdefgh\0\xff\xff\x21\2\0\xff\xc1\x15" + SALT
XMPP = (
    b"<?xml version='1.0'?><stream:stream id='1' from='a.example' version='1.0' xmlns='jabber:%s'"
    b" xmlns:stream='http://etherx.jabber.org/streams'>"
    b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
)
PROCEED = b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
SIEVE = b'"IMPLEMENTATION" "test"\r\n"SIEVE" "fileinto"\r\n"STARTTLS"\r\n"VERSION" "1.0"\r\nOK "ready"\r\n'

#: greeting, and answers by a word in what the client says; the last one is followed by TLS
DIALOGUES: dict[str, tuple[bytes, list[tuple[bytes, bytes]]]] = {
    "smtp": (b"220 a ESMTP\r\n", [(b"EHLO", b"250-a\r\n250 STARTTLS\r\n"), (b"STARTTLS", b"220 go\r\n")]),
    "lmtp": (b"220 a LMTP\r\n", [(b"LHLO", b"250-a\r\n250 STARTTLS\r\n"), (b"STARTTLS", b"220 go\r\n")]),
    "pop3": (b"+OK POP3 ready\r\n", [(b"STLS", b"+OK go\r\n")]),
    "imap": (
        b"* OK IMAP4rev1 ready\r\n",
        [(b"CAPABILITY", b"* CAPABILITY IMAP4rev1 STARTTLS\r\n. OK\r\n"), (b"STARTTLS", b". OK go\r\n")],
    ),
    "ftp": (b"220 FTP server\r\n", [(b"AUTH TLS", b"234 go\r\n")]),
    "nntp": (
        b"200 NNTP service ready\r\n",
        [(b"CAPABILITIES", b"101 list\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n"), (b"STARTTLS", b"382 go\r\n")],
    ),
    "sieve": (SIEVE, [(b"STARTTLS", b'OK "go"\r\n')]),
    "irc": (b"", [(b"STARTTLS", b":i.example 670 * :STARTTLS successful\r\n")]),
    "xmpp": (b"", [(b"stream:stream", XMPP % b"client"), (b"starttls", PROCEED)]),
    "xmpp-server": (b"", [(b"stream:stream", XMPP % b"server"), (b"starttls", PROCEED)]),
    "ldap": (b"", [(b"1.3.6.1.4.1.1466.20037", LDAP_GRANTED)]),
    "postgres": (b"", [(b"\4\xd2\x16\x2f", b"S")]),
    "mysql": (len(MYSQL).to_bytes(3, "little") + b"\0" + MYSQL, [(b"", b"")]),
}


def serve(kind: str, connection: socket.socket, context: ssl.SSLContext) -> None:
    greeting, answers = DIALOGUES[kind]
    connection.settimeout(8)
    try:
        if greeting:
            connection.sendall(greeting)
        if kind == "mysql":
            connection.recv(36, socket.MSG_WAITALL)
            answers = []
        for word, answer in answers:
            said = b""
            while word not in said or (word.isalpha() and kind not in ("xmpp", "xmpp-server") and b"\n" not in said):
                more = connection.recv(4096)
                if not more:
                    return
                said += more
            if kind == "irc" and b"CAP" in said:
                connection.sendall(b":i.example CAP * LS :tls\r\n")
            connection.sendall(answer)
        with context.wrap_socket(connection, server_side=True) as inside:
            inside.recv(100)
    except OSError:
        pass
    finally:
        connection.close()


def listen(host: str, port: int, call: Callable[[socket.socket], None]) -> None:
    listener = socket.create_server((host, port))

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=call, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def main() -> None:
    host, pem = sys.argv[1:3]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    for word in sys.argv[3:]:
        kind, _, port = word.partition("=")
        listen(host, int(port), lambda connection, kind=kind: serve(kind, connection, context))  # type: ignore[misc]
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
