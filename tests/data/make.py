"""Makes the captures of this folder and of tests/verify anew: ``python tests/data/make.py``. README.md describes them.

Everything is from documentation addresses (RFC 5737, 3849). The TLS bytes are a handshake of Python's ssl module with
itself, so they differ from run to run; all else is fixed.
"""

from __future__ import annotations

import ssl
import tempfile
from contextlib import suppress
from pathlib import Path
from struct import pack

from pywall_core.testing import Conversation, conversation, fragment, icmp_error, ip_packet, write_pcap
from pywall_core.testing.certificates import make_certificate

HERE = Path(__file__).parent
CASES = HERE.parent / "verify"
CLIENT6, SERVER6 = "2001:db8::1", "2001:db8::2"
DNS_QUERY = bytes.fromhex("123401000001000000000000") + b"\7example\3net\0" + pack("!HH", 1, 1)
DNS_ANSWER = (
    bytes.fromhex("123481800001000100000000") + DNS_QUERY[12:] + bytes.fromhex("c00c00010001000000780004c0000201")
)


def tls(name: str, port: int, *, versions: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Conversation:
    """A whole TLS session: handshake, a request, a response, close_notify."""
    with tempfile.TemporaryDirectory() as folder:
        certificate = make_certificate(Path(folder), name)
        theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        theirs.load_cert_chain(certificate.both)
        theirs.maximum_version = versions
        ours = ssl.create_default_context(cafile=certificate.certificate)
        ours.maximum_version = versions
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ours.wrap_bio(to_client, to_server, server_hostname=name)
    server = theirs.wrap_bio(to_server, to_client, server_side=True)
    talk = conversation(server=("198.51.100.2", port))

    def step(side: ssl.SSLObject, what: str) -> bool:
        nonlocal talk
        before = to_server if side is client else to_client
        try:
            getattr(side, what)() if what in ("do_handshake", "unwrap") else side.write(what.encode())
            done = True
        except ssl.SSLWantReadError:
            done = False
        # what the other side has not read yet stays in its queue; only what is new is sent
        said = before.read()
        if said:
            for at in range(0, len(said), 1400):
                talk = (talk.client if side is client else talk.server)(said[at : at + 1400])
            before.write(said)
        return done

    ready = [False, False]
    while not all(ready):
        ready[0] = ready[0] or step(client, "do_handshake")
        ready[1] = ready[1] or step(server, "do_handshake")
    step(client, "GET / HTTP/1.0\r\n\r\n")
    server.read()
    with suppress(ssl.SSLWantReadError):  # session tickets
        client.read()
    step(server, "HTTP/1.0 200 OK\r\n\r\nhello")
    return talk.close()


def ssh(port: int, **ends: tuple[str, int]) -> Conversation:
    """Both sides' identification strings (RFC 4253 section 4.2) and key exchange proposals (section 7.1)."""
    ciphers, macs = ["aes128-ctr"] * 2, ["hmac-sha2-256"] * 2
    lists = ["curve25519-sha256", "ssh-ed25519", *ciphers, *macs, "none", "none", "", ""]
    body = b"\x14" + bytes(16) + b"".join(pack("!I", len(text)) + text.encode() for text in lists) + bytes(5)
    padding = 8 - (len(body) + 5) % 8 + 8
    proposal = pack("!IB", len(body) + padding + 1, padding) + body + bytes(padding)
    ends = ends or {"server": ("198.51.100.2", port)}
    talk = conversation(**ends).server(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n").client(b"SSH-2.0-OpenSSH_9.7\r\n")
    return talk.client(proposal).server(proposal).ack().close()


def http(port: int, **ends: tuple[str, int]) -> Conversation:
    request = b"GET /index.html HTTP/1.1\r\nHost: www.example\r\nUser-Agent: curl/8.0\r\nAccept: */*\r\n\r\n"
    response = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"
    ends = ends or {"server": ("198.51.100.2", port)}
    return conversation(**ends).client(request).server(response).ack().close()


def dns(**ends: tuple[str, int]) -> Conversation:
    ends = ends or {"server": ("198.51.100.2", 53)}
    return conversation("udp", **ends).client(DNS_QUERY).server(DNS_ANSWER)


def write(path: Path, *talks: Conversation) -> None:
    """One capture with the dialogues one after the other, each from a client port of its own."""
    frames: list[tuple[float, bytes]] = []
    for talk in talks:
        frames += talk.frames()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_pcap(path, frames)
    print(path)


def shifted(talk: Conversation, n: int) -> Conversation:
    """The same dialogue from another client port, n seconds later."""
    from dataclasses import replace

    host, port = talk.client_address
    return replace(talk, client_address=(host, port + n), start=talk.start + n)


def main() -> None:
    v6 = {"client": (CLIENT6, 40000), "server": (SERVER6, 8080)}
    mixed = [tls("tls.example", 4433), ssh(2222), http(8080), http(8080, **v6), dns()]
    write(HERE / "mixed.pcap", *(shifted(talk, n) for n, talk in enumerate(mixed)))
    write(HERE / "tls12.pcap", tls("old.example", 8443, versions=ssl.TLSVersion.TLSv1_2))
    rough = ssh(2222).split(7).reorder().duplicate()
    write(HERE / "ssh-rough.pcap", rough)

    echo = ip_packet("192.0.2.1", "198.51.100.2", 1, pack("!BBHHH", 8, 0, 0, 1, 1))
    reply = ip_packet("198.51.100.2", "192.0.2.1", 1, pack("!BBHHH", 0, 0, 0, 1, 1))
    refused = dns().frames()[0][1]
    write_pcap(
        HERE / "icmp.pcap",
        [
            (1.7e9, echo),
            (1.7e9 + 0.01, reply),
            (1.7e9 + 1, refused),
            (1.7e9 + 1.01, icmp_error("198.51.100.2", refused)),
        ],
    )

    write(CASES / "ssh-on-any-port" / "ssh.pcap", shifted(ssh(80), 0), shifted(ssh(2222), 1), shifted(http(22), 2))
    write(CASES / "port-at-the-syn" / "telnet.pcap", conversation(server=("198.51.100.2", 23)).client(b"root\r\n"))
    write(CASES / "server-name" / "tls.pcap", shifted(tls("www.example", 443), 0), shifted(tls("mail.test", 443), 1))
    query = dns().client(DNS_QUERY + b"\0" * 200)
    write(CASES / "fragments" / "dns.pcap", query.fragments(64))
    both = [shifted(dns(), 0), shifted(dns(client=("198.51.100.7", 41000), server=("203.0.113.9", 53)), 1)]
    write(CASES / "our-side" / "dns.pcap", *both)
    pieces = fragment(dns().frames()[0][1], 16)
    overlap = pieces[1][:20] + b"\xff" * 16
    frames = [(1.7e9 + n / 1000, piece) for n, piece in enumerate([pieces[0], pieces[1], overlap, *pieces[2:]])]
    folder = CASES / "overlapping-fragments"
    folder.mkdir(parents=True, exist_ok=True)
    write_pcap(folder / "dns.pcap", frames)


if __name__ == "__main__":
    main()
