"""Protocols that a fixed beginning tells, and nothing else of which is worth knowing here.

:checked: the first four bytes or more, as the tables below have them
:source: Bitcoin wiki, Protocol documentation (bitcoin); Elasticsearch, TcpHeader (elasticsearch); OMG CORBA 3.3 part 2
    (giop, miop); FIX Session Layer (fix); Java RMI specification 10.2 (rmi); Ceph documentation, msgr (ceph); Android
    platform, adb protocol.txt (adb); Gearman, PROTOCOL (gearman); Syncthing, Local Discovery Protocol v4 (syncthing);
    RFC 8175 section 11.1 (dlep); OMG DDSI-RTPS 2.5 section 9.4.4 (rtps); draft-ietf-ntp-roughtime (roughtime);
    netcode.io STANDARD.md (yojimbo); TiVo Connect Automatic Machine Discovery (tivoconnect); sane-backends,
    pixma_bjnp_private.h (bjnp); Zabbix manual, Header (zabbix); FastCGI specification 3.3 (fastcgi); HL7 MLLP release 1
    (hl7); ClickHouse, native protocol (clickhouse); Tailscale, disco.go (tailscale); RFC 3525 annex B (megaco);
    Cassandra, Message.java (cassandra); the makers of the others have published nothing: as recorded traffic shows
:minimum: 4 to 12 bytes
:facts: none
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match, hookimpl

from ..parsing.copies import is_copy
from ..parsing.evidence import goes_on
from ..parsing.wire import first_datagram, starts
from ..transactions.hello_watch import watch_for_tls

TCP_MAGICS: Final[dict[bytes, str]] = {
    b"\xf9\xbe\xb4\xd9": "bitcoin",
    b"\x0b\x11\x09\x07": "bitcoin",
    b"\xfa\xbf\xb5\xda": "bitcoin",
    b"ES\0\0": "elasticsearch",
    b"GIOP\1": "giop",
    b"ZIOP\1": "giop",
    b"8=FIX": "fix",
    b"8=O\x019=0": "fix",
    b"\xca\x55\x2d\xfa": "cassandra",
    b"JRMI\0": "rmi",
    b"ceph v": "ceph",
    b"CNXN\0\0\0\1": "adb",
    b"CNXN\1\0\0\1": "adb",
    b"JXTAHELLO ": "jxta",
    b"BSYNC\0": "bittorrent-sync",
    b"DmdT": "ncp",
    b"tNcP": "ncp",
    b"\0REQ\0\0\0": "gearman",
    b"\0RES\0\0\0": "gearman",
    b"\xce\xfa\xbe\xba": "alicloud",
    b"WA\1": "whatsapp",
    b"WA\2": "whatsapp",
    b"WA\4": "whatsapp",
    b"WA\5": "whatsapp",
    b"WA\6": "whatsapp",
    b"ED\0\1\0\0": "whatsapp",
    b"ZBXD\1": "zabbix",
    b"ZBXD\3": "zabbix",
    b"ZBXD\5": "zabbix",
    b"NXD-": "nomachine",
    b"NXSH-": "nomachine",
    b"\1\0\0\0\1\0\0\0\x08\x08": "radmin",
    b"\1\0\0\0\x25\0": "radmin",
    b"\1\0\0\0\5\0\0": "radmin",
    b"\xcc\x1c\x30\x41\x5b\xa4\x38\x66": "ultrasurf",
    b"\1\1\0\1\0\x08\0\0": "fastcgi",
    b"\1\6\0\1": "fastcgi",
    b"\1\7\0\1": "fastcgi",
    b"\1\3\0\1\0\x08": "fastcgi",
    b"\x0bMSH|^": "hl7",
    b"\xc2\xfe\0\5": "xiaomi",
    b"\0\x11ClickHouse client": "clickhouse",
    b"\0\x0aClickHouse": "clickhouse",
    b"\x30\0WORLD OF WARCRAFT CONNECTION": "world-of-warcraft",
}
UDP_MAGICS: Final[dict[bytes, str]] = {
    b"ISO11898": "caneth",
    b"MIOP\x10": "miop",
    b"ESIO\0": "esio",
    b"DLEP\0": "dlep",
    b"RTPS\1": "rtps",
    b"RTPS\2": "rtps",
    b"RTPX\2": "rtps",
    b"TiVoConnect=": "tivoconnect",
    b"SpotUdp0": "spotify",
    b"\x2e\xa7\xd9\x0b": "syncthing",
    b"\0\0\x55\xaa\0\0": "tuyalp",
    b"ROUGHTIM": "roughtime",
    b"\2\0\0\0\x40\0\0\0NONCPAD\xff": "roughtime",
    b"\5\0\0\0\x40\0\0\0\x40\0\0\0\xa4\0\0\0": "roughtime",
    b"\0NETCODE 1.": "yojimbo",
    b"BJNP\1": "bjnp",
    b"BJNP\2": "bjnp",
    b"BJNP\x81": "bjnp",
    b"BJNP\x82": "bjnp",
    b"BJNB\1": "bjnp",
    b"BJNB\2": "bjnp",
    b"BJNB\x81": "bjnp",
    b"BJNB\x82": "bjnp",
    b"MFNP\1": "bjnp",
    b"MFNP\2": "bjnp",
    b"TS\xf0\x9f\x92\xac": "tailscale",
    b"VS01": "steam",
    b"TS3INIT1": "teamspeak",
    b"\xf4\xbe\1\0": "teamspeak",
    b"\xf4\xbe\2\0": "teamspeak",
    b"\xf4\xbe\3\0": "teamspeak",
    b"\xff\xff\xff\xff\x21\x4c\x5f\xa0": "steam",
    b"\xfe\xf7\x28\x91": "meraki-cloud",
    b"\0zUG\x10": "zug",
    b"MGLNDD_": "ripe-atlas",
    b"}}}}}}}}": "toca-boca",
    b"\x32\xab\x98\x64\1": "nintendo",
    b"\x32\xab\x98\x64\2": "nintendo",
    b"MEGACO/1 [": "megaco",
    b"!/1 [": "megaco",
    b"!/1 <": "megaco",
    b'{"version": [': "db-lsp-disc",
    b'{"host_int": ': "db-lsp-disc",
    b'{"namespaces": [': "db-lsp-disc",
}
#: of those over UDP that are no announcements
CONVERSATIONS: Final = frozenset({"bjnp", "dlep", "megaco", "roughtime", "steam", "tailscale", "teamspeak", "yojimbo"})
api_version = 1
protocols = tuple(sorted({*TCP_MAGICS.values(), *UDP_MAGICS.values()}))
unseen = (
    "jxta",
    "megaco",
    "meraki-cloud",
    "nintendo",
    "teamspeak",
    "toca-boca",
    "ultrasurf",
    "world-of-warcraft",
)
transport = ("tcp", "udp")
tier = "exact"
first_client = bytes(sorted({magic[0] for magic in (*TCP_MAGICS, *UDP_MAGICS)}))
first_server = None

_SENDER: Final = re.compile(rb"\x0149=([^\x01]{1,64})\x01")
_TARGET: Final = re.compile(rb"\x0156=([^\x01]{1,64})\x01")
_SHOWN, _LONGEST_FIX, _LARGE = 48, 1024, 4096
#: length, version, services
_OLD_VERSION: Final = re.compile(rb"version\0{5}.\0\0\0..\0\0.\0{7}", re.S)
#: command, padded to 12 bytes, length and checksum, behind the magic
_BITCOIN: Final = re.compile(rb"(?=[a-z0-9]{2,12}\0*)[a-z0-9\0]{12}.{8}", re.S)
#: banner, length and features of version 2, both of whose sides may have the same
_CEPH: Final = 26
_UDP_STARTS: Final = tuple(UDP_MAGICS)
_TCP_STARTS: Final = tuple(TCP_MAGICS)
_TCP_LONGEST: Final = max(map(len, TCP_MAGICS))


def _is_signed(data: bytes, other: bytes) -> bool:
    """Return True if a command of Bitcoin is all there with its checksum; a large one need not be, and the first
    version had none: they must not be nearly the other side's.
    """
    if not _BITCOIN.match(data, 4):
        return False
    size = int.from_bytes(data[16:20], "little")
    if size > _LARGE or _OLD_VERSION.match(data, 4):
        return not is_copy(data[: 20 + size], other)
    body = data[24 : 24 + size]
    return len(body) == size and sha256(sha256(body).digest()).digest()[:4] == data[20:24]


def _is_traded(client: bytes, server: bytes) -> bool:
    """Return True if each side sends to the other one (FIX 4.4 volume 2)."""
    sender, target = _SENDER.search(client, 0, _LONGEST_FIX), _TARGET.search(server, 0, _LONGEST_FIX)
    if sender is None or target is None:  # packed
        return not is_copy(client[:_SHOWN], server[:_SHOWN])
    sender_back, target_of = _SENDER.search(server, 0, _LONGEST_FIX), _TARGET.search(client, 0, _LONGEST_FIX)
    same = sender_back is None or target_of is None or sender_back[1] == target_of[1]
    return sender[1] == target[1] and same


#: whether the first messages of both sides belong to each other, where the magic alone is too little
_FITS: Final[dict[str, Callable[[bytes, bytes], bool]]] = {
    "bitcoin": lambda client, server: _is_signed(client, server) and _is_signed(server, client),
    "elasticsearch": lambda client, server: client[14:15] != server[14:15],
    "fix": _is_traded,
    "gearman": lambda client, server: client[1:4] != server[1:4],
    "ncp": lambda client, server: client[:4] != server[:4],
    "giop": lambda client, server: client[7:8] != server[7:8],
}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect the protocols of the tables."""
    if flow.proto == UDP:
        if not client:
            return MORE
        data = client[: flow.client_sizes[0]]
        if not data.startswith(_UDP_STARTS):
            return NO
        name = _name(data, UDP_MAGICS)
        if name == "tailscale" and is_copy(data, first_datagram(server, flow.server_sizes)):  # keys, nonces
            return Match(name, confirmed=False, done=bool(server))
        return _datagram(name, server)
    client_says = _says(client) if client else MORE
    if client_says is not YES:
        return client_says
    name = _name(client, TCP_MAGICS)
    confirmed = server.startswith(_TCP_STARTS) and _name(server, TCP_MAGICS) == name
    if name == "ceph":  # whose banners may be equal
        confirmed = confirmed and goes_on(client, server, _CEPH)
    if confirmed and name in _FITS:
        confirmed = _FITS[name](client, server)
    return Match(name, confirmed=confirmed, done=confirmed or len(server) >= _TCP_LONGEST)


pywall_transactions = watch_for_tls


def _datagram(name: str, server: bytes) -> Match:
    """Conversations are confirmed by an answer that begins like one of theirs, announcements never."""
    if name not in CONVERSATIONS:
        return Match(name, confirmed=False)
    answered = server.startswith(_UDP_STARTS) and _name(server, UDP_MAGICS) == name
    return Match(name, confirmed=answered, done=bool(server))


def _says(data: bytes) -> Answer:
    if data.startswith(_TCP_STARTS):
        return YES
    return NO if len(data) >= _TCP_LONGEST else starts(data, *_TCP_STARTS)


def _name(data: bytes, magics: dict[bytes, str]) -> str:
    return next(name for magic, name in magics.items() if data.startswith(magic))
