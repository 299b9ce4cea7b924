"""Protocols that a few bytes of the client's opening tell, a length, and what the server's answer repeats.

:checked: bytes at fixed places of both sides' first messages, a length (over UDP the datagram's), what the answer
    repeats of the request, as the tables below have them
:source: DICOM PS3.8 section 9.3 (dicom); DRDA volume 3, DDM (drda); RFC 7143 section 11.12 (iscsi); RFC 8907 section
    4.1 (tacacs); IVI-6.1 (hislip); NVMe/TCP transport specification 3.6.2 (nvme-tcp); Firebird, protocol.h (firebird);
    Neo4j, Bolt handshake (bolt); ZooKeeper, ConnectRequest (zookeeper); NSQ, TCP protocol specification (nsq); Elastic,
    lumberjack PROTOCOL.md (lumberjack); CVS client/server protocol (cvs); distcc protocol-1.txt (distcc); libp2p,
    multistream-select (libp2p); SPICE protocol (spice); Scalability Protocols, TCP mapping (nanomsg); RFC 8175 (dlep);
    ADC (directconnect); CryptoNote levin (monero); Veeder-Root 576013-635 (atg); XDMCP 1.1 section 3 (xdmcp);
    draft-wilson-wrec-wccp-v2 (wccp); RFC 3626 section 3.3 (olsr); ISO/IEC 13818-1 (mpegts); IEC 61375-2-3 annex A
    (trdp); RFC 6726 (flute); Ethereum, discv4 (ethereum); iperf 2, payloads.h (iperf); etsy/statsd, metric_types.md
    (statsd); GDB manual, Remote Serial Protocol (gdb-remote); spamd PROTOCOL (spamd); NUT, network protocol (nut); RFC
    4171 section 5 (isns); SANE standard section 5 (sane); NRPE protocol (nrpe); RFC 2229 (dict); Breezy, Network
    Protocol (bzr); Yggdrasil (yggdrasil); Frame Streams (fstrm); RFC 8210 section 5 (rpki-rtr); PulseAudio PROTOCOL
    (pulseaudio); BIND 9, isccc (rndc); Snapcast, binary protocol (snapcast); JDWP specification (jdwp); BZFlag protocol
    (bzflag); draft-sharabayko-srt section 3.2.1 (srt); chrony candm.h (chrony); RFC 8966 section 4.2 (babel); Teeworlds
    (teeworlds); Minetest network protocol (minetest); draft-kouvelas-lisp-map-server-reliable-transport (lisp); Lustre,
    lnet socklnd.h (lustre); Nano, protocol (nano); OpenWeave, weave-core MessageLayer (weave); JSON-RPC 2.0 (json-rpc);
    rpcap-protocol.h of libpcap (rpcap); RFC 7854 section 4, draft-ietf-grow-bmp-tlv (bmp); Osmocom, Abis/IP (gsm-ipa);
    MS-MMSP section 2.2 (msmms); Cisco IOS XR, model-driven telemetry (cisco-mdt); draft-ietf-netconf-udp-notif section
    3.1 (udp-notif); Exegin, ZEP 2 (zep); CUPS browsing protocol (cups); CISA's parser of BSAP (bsap); Denton et al.,
    DFRWS 2017 (ge-srtp); Wireshark's dissectors of IBM MQ (ibm-mq) and TriStation (tristation);
    the makers of the others have published nothing: as recorded traffic shows, in the documentation and sources of nDPI
    and Wireshark
:minimum: 2 to 50 bytes
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match, hookimpl

from ..parsing.wire import cut, first_datagram
from ..transactions.hello_watch import watch_for_tls
from ._openings import DATAGRAMS, TCP, Opening, Parts

api_version = 1
#: names that recordings of others show with both sides, or that are never confirmed
_SEEN: Final = frozenset(
    (
        "atg",
        "bsap",
        "bzr",
        "chrony",
        "codemeter",
        "cvs",
        "dicom",
        "dict",
        "distcc",
        "dlep",
        "eaq",
        "ethersbus",
        "fbzero",
        "fox",
        "fstrm",
        "gdb-remote",
        "genshinimpact",
        "gsm-ipa",
        "hislip",
        "hp_virtgrp",
        "iperf",
        "iscsi",
        "isns",
        "lisp",
        "lustre",
        "msmms",
        "msnp",
        "nano",
        "nanomsg",
        "nrpe",
        "nut",
        "pulseaudio",
        "quake",
        "rpcap",
        "rndc",
        "roblox",
        "rpki-rtr",
        "sane",
        "skype",
        "snapcast",
        "spamd",
        "srt",
        "telegram",
        "tencentgames",
        "trdp",
        "viber",
        "weave",
        "xdmcp",
        "yggdrasil",
        "zookeeper",
    )
)
protocols = tuple(sorted({opening.name for opening in (*TCP, *DATAGRAMS)}))
unseen = tuple(sorted({each.name for each in (*TCP, *DATAGRAMS) if each.server is not None and each.proof} - _SEEN))
transport = ("tcp", "udp")
tier = "heuristic"
first_client = None
first_server = None


#: an opening, how many bytes of the client tell it, and what tells it from most others: bytes, and where
_Candidate = tuple[Opening, int, int, bytes]


def _by_first_byte(table: tuple[Opening, ...]) -> tuple[tuple[_Candidate, ...], ...]:
    """Return for each first byte the openings that may begin with it."""
    heads = [next((value[:1] for at, value in opening.client if at == 0), b"") or opening.first for opening in table]
    rows = [(_candidate(opening), head) for opening, head in zip(table, heads, strict=True)]
    return tuple(tuple(each for each, head in rows if not head or byte in head) for byte in range(256))


def _candidate(opening: Opening) -> _Candidate:
    at, value = opening.client[0]
    return opening, opening.needs(), at, value


_TCP: Final = _by_first_byte(TCP)
_UDP: Final = _by_first_byte(DATAGRAMS)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect the protocols of the tables."""
    datagram = flow.proto == UDP
    if datagram:
        client, server = first_datagram(client, flow.client_sizes), first_datagram(server, flow.server_sizes)
    if not client:
        return MORE
    size = len(client)
    for opening, needs, at, value in (_UDP if datagram else _TCP)[client[0]]:
        if not client.startswith(value, at) and (datagram or size >= needs):
            continue
        opens = _opens(client, opening, needs, datagram)
        if opens is MORE:
            return MORE
        if opens is NO:
            continue
        answer = _answers(client, server, opening, datagram)
        if answer is NO and opening.needs_answer:
            continue
        if answer is not YES and opening.needs_answer:
            return MORE
        confirmed = answer is YES and opening.proof
        return Match(opening.name, confirmed=confirmed, done=answer is not MORE or opening.server is None)
    return NO


pywall_transactions = watch_for_tls


def _fits(data: bytes, parts: Parts) -> bool:
    """Return True if nothing in ``data``, as far as it goes, is other than ``parts`` say."""
    return all(value.startswith(data[at : at + len(value)]) for at, value in parts)


def _opens(client: bytes, opening: Opening, needs: int, datagram: bool) -> Answer:
    size = len(client)
    if size < needs:
        return MORE if not datagram and _fits(client, opening.client) else NO
    if datagram and size > opening.most:
        return NO
    for at, value in opening.client:
        if not client.startswith(value, at):
            return NO
    length = opening.length
    if length is not None:
        number = length.of(client)
        if not max(length.least, 1) <= number <= length.most or (datagram and number != size):
            return NO
    shown = client if datagram else client[: opening.least]
    return YES if opening.check is None or opening.check(shown) else NO


def _answers(client: bytes, server: bytes, opening: Opening, datagram: bool) -> Answer:
    if opening.server is None or not server:
        return MORE
    if not _fits(server, opening.server):
        return NO
    begin, end = opening.echo
    if not cut(client, begin, end).startswith(cut(server, begin, end)):
        return NO
    if len(server) < max(end, *(at + len(value) for at, value in opening.server)):
        return NO if datagram else MORE
    if datagram and opening.length is not None and opening.length.of(server) != len(server):
        return NO
    return YES
