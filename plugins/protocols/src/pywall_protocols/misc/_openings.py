"""Tables of openings, and what an opening is."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Final, NamedTuple

from ._opening_checks import (
    has_bsap_message,
    has_crc,
    has_messages,
    has_two_lengths,
    is_bmp,
    is_counted,
    is_discovery,
    is_event,
    is_flute,
    is_glbp,
    is_license_search,
    is_neighbour,
    is_printer,
    is_raft,
    is_reflected,
    is_statsd,
    is_transport_stream,
    is_trdp,
    is_tunnelled,
    is_uftp,
)

Parts = tuple[tuple[int, bytes], ...]


class Length(NamedTuple):
    """A number of ``width`` bytes at ``at``: with ``extra`` the bytes of the message, ``least`` to ``most`` of them."""

    at: int
    width: int
    extra: int = 0
    least: int = 0
    most: int = 65535

    def of(self, data: bytes) -> int:
        """Return the length of the message; the number is there."""
        return int.from_bytes(data[self.at : self.at + self.width], "big") + self.extra


class Opening(NamedTuple):
    """What a client's first message has, and the server's.

    ``first`` are the bytes that it may begin with, where ``client`` does not say so. ``server`` is None where no answer
    is known; then, and without ``proof``, the name is never confirmed. ``echo``: the bytes that the answer repeats at
    the same place. ``check`` sees the client's whole datagram, or the first ``least`` bytes of its stream. With
    ``needs_answer`` the client alone is too little for a name.
    """

    name: str
    client: Parts
    server: Parts | None = None
    length: Length | None = None
    echo: tuple[int, int] = (0, 0)
    least: int = 0
    most: int = 65535
    check: Callable[[bytes], bool] | None = None
    proof: bool = True
    needs_answer: bool = False
    first: bytes = b""

    def needs(self) -> int:
        """Return how many bytes of the client tell."""
        ends = [at + len(value) for at, value in self.client]
        return max(self.least, self.echo[1], self.length.at + self.length.width if self.length else 0, *ends, 1)


def _same(name: str, magic: bytes) -> Opening:
    """Both sides begin alike."""
    return Opening(name, ((0, magic),), ((0, magic),))


def _same_answered(name: str, parts: Parts) -> Opening:
    """Both sides begin alike; one alone is too little."""
    return Opening(name, parts, parts, needs_answer=True)


#: words of spamc, and what Network UPS Tools' clients ask with how servers answer
_SPAMC: Final = (b"CHECK", b"SYMBOLS", b"REPORT", b"REPORT_IFSPAM", b"SKIP", b"PING", b"PROCESS", b"TELL", b"HEADERS")
_NUT: Final = (
    (b"LIST UPS\n", b"BEGIN LIST UPS\n"),
    (b"LIST VAR ", b"BEGIN LIST VAR "),
    (b"GET VAR ", b"VAR "),
    (b"STARTTLS\n", b"ERR FEATURE-NOT-"),
)
#: process identifiers of both Lustre nodes' kernels, 12345
_LNET: Final = b"\x39\x30\0\0" * 2
#: RakNet's mark of offline messages
_RAKNET: Final = bytes.fromhex("00ffff00fefefefefdfdfdfd12345678")
#: what a Telegram caller writes behind the 16 bytes of his peer
_REFLECTED: Final = b"\xff" * 12
#: high byte of a length below 1536
_SMALL: Final = bytes(range(6))
_WORD: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-."
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
TCP: Final[tuple[Opening, ...]] = (
    Opening("gsm-ipa", ((0, b"\0\1\xfe\0"),), ((0, b"\0\1\xfe\1"),), needs_answer=True),
    Opening("msmms", ((0, b"\1\0\0"), (4, b"\xce\xfa\x0b\xb0"), (12, b"MMS ")),
            ((0, b"\1\0\0"), (4, b"\xce\xfa\x0b\xb0"), (12, b"MMS "))),
    *(Opening("cisco-mdt", ((0, b"\0\1\0" + encoding + b"\0\1\0\0"), (12, first)), length=Length(8, 4, 12, 14))
      for encoding, first in ((b"\1", b"\x0a"), (b"\2", b"{"))),
    Opening("dicom", ((0, b"\1\0\0\0"), (6, b"\0\1\0\0")), ((0, b"\2\0\0\0"), (6, b"\0\1\0\0")),
            Length(2, 4, 6, 74), echo=(10, 42)),
    Opening("drda", ((0, b"\0"), (2, b"\xd0"), (8, b"\x10\x41")), ((2, b"\xd0"), (8, b"\x14\x43")), Length(0, 2, 0, 10),
            echo=(4, 6)),
    Opening("iscsi", ((0, b"\x43"), (2, bytes(4)), (14, b"\0\0")), ((0, b"\x23"), (2, bytes(4))),
            echo=(16, 20), needs_answer=True),
    *(Opening("tacacs", ((0, bytes((version, kind, 1))), (8, b"\0\0")), ((0, bytes((version, kind, 2))),),
              Length(8, 4, 12, 17), echo=(4, 8), needs_answer=True)
      for version, kind in product((0xC0, 0xC1), (1, 2, 3))),
    Opening("hislip", ((0, b"HS\0"), (8, bytes(6))), ((0, b"HS\1"), (8, bytes(8)))),
    *(Opening("hislip", ((0, b"HS" + bytes([kind])), (8, bytes(5))), ((0, b"HS"), (8, bytes(5))), needs_answer=True)
      for kind in range(2, 27)),
    Opening("nvme-tcp", ((0, b"\0\0\x80\0\x80\0\0\0"),), ((0, b"\1\0\x80\0\x80\0\0\0"),)),
    Opening("firebird", ((0, b"\0\0\0\1\0\0\0\x13\0\0\0"),)),
    Opening("bolt", ((0, b"\x60\x60\xb0\x17"),), least=20),
    *(Opening("zookeeper", ((0, b"\0\0\0" + size + bytes(4)), (28, b"\0\0\0\x10")), ((0, b"\0\0\0"), (4, bytes(4)),
              (20, b"\0\0\0\x10"))) for size in (b"\x2c", b"\x2d")),
    Opening("nsq", ((0, b"  V2"),)),
    *(Opening("lumberjack", ((0, version + b"W"),), ((0, version + b"A\0\0"),), needs_answer=True)
      for version in (b"1", b"2")),
    *(Opening("cvs", ((0, b"BEGIN " + word + b" REQUEST\n"),), ((0, b"I "), (5, b"E YOU\n")))
      for word in (b"AUTH", b"VERIFICATION", b"GSSAPI")),
    Opening("distcc", ((0, b"DIST0000000"),), ((0, b"DONE0000000"),)),
    _same("fox", b"fox a "),
    _same("fbzero", b"1QTV"),
    _same("libp2p", b"\x13/multistream/1.0.0\n"),
    _same("spice", b"REDQ"),
    Opening("nanomsg", ((0, b"\0SP\0"), (6, b"\0\0")), ((0, b"\0SP\0"), (6, b"\0\0"))),
    _same("ymsg", b"YMSG"),
    Opening("msnp", ((0, b"VER "), (5, b" MSNP")), ((0, b"VER "), (5, b" MSNP"))),
    Opening("oscar", ((0, b"*\1"), (6, b"\0\0\0\1")), ((0, b"*\1"), (6, b"\0\0\0\1")), Length(4, 2, 6, 10, 4096)),
    Opening("directconnect", ((0, b"HSUP AD"),), ((0, b"ISUP AD"),)),
    _same("citrix", b"\x7f\x7fICA\0"),
    _same("monero", b"\1\x21\1\1\1\1\1\1"),
    Opening("pjl", ((0, b"\x1b%-12345X"),)),
    Opening("ookla", ((0, b"HI"),), ((0, b"HELLO "),), needs_answer=True),
    *(Opening("atg", ((0, b"\1" + kind), (7, b"\r\n")), ((0, b"\n"),), echo=(1, 7))
      for kind in (b"I", b"i", b"S", b"s")),
    Opening("avast", ((0, b"NOSA"),), length=Length(4, 2, 0, 6)),
    Opening("dingtalk", ((0, b"\x10"), (2, bytes.fromhex("878001000100020002646b030020"))),),
    Opening("lustre", ((0, b"\0\x71\xce\xac\1\0\0\0"),)),
    Opening("lustre", ((0, b"\xc1\0\0\0"), (40, _LNET)), ((0, b"\xc1\0\0\0"), (40, _LNET))),
    Opening("spotify", ((0, b"\0\4\0\0"), (6, b"\x52"), (8, b"\x50"))),
    Opening("pathofexile", ((0, b"\0\3\0"), (6, b"\0\2\0")), least=25),
    Opening("genshinimpact", ((0, b"\1\0\0"), (16, b"\x4d\xa6")), ((0, b"\1\0\0"), (16, b"\x4d\xa6")),
            Length(1, 4, 0, 18), echo=(10, 14)),
    Opening("hp_virtgrp", ((0, b"\x16\0"), (3, b"\0")), ((0, b"\x17\0"),), Length(1, 2, 0, 16, 1024),
            proof=False, needs_answer=True),
    Opening("dlep", ((0, b"\0\1\0"), (4, b"\0"), (6, b"\0")), ((0, b"\0\2\0"),), Length(2, 2, 4, 8, 1024),
            proof=False, needs_answer=True),
    Opening("raft", ((0, b"\1" + bytes(7)), (12, bytes(4)), (18, bytes(6))), least=40, check=is_raft),
    *(Opening("gdb-remote", ((0, acknowledged + first),), ((0, b"+$"),))
      for acknowledged, first in product((b"", b"+"), (b"$qSupported", b"$QStartNoAckMode#b0"))),
    *(Opening("spamd", ((0, word + b" SPAMC/1."),), ((0, b"SPAMD/1."),)) for word in _SPAMC),
    *(Opening("nut", ((0, asks),), ((0, says),)) for asks, says in _NUT),
    *(Opening("isns", ((0, b"\0\1\0" + bytes([kind])),), ((0, b"\0\1\x80" + bytes([kind])),), Length(4, 2, 12, 12),
              echo=(8, 12), needs_answer=True) for kind in (1, 2, 3)),
    Opening("sane", ((0, b"\0\0\0\0\1"), (6, b"\0\3\0\0")), ((0, b"\0\0\0\0\1"), (6, b"\0\3"), (12, b"\0\0")),
            echo=(4, 8), needs_answer=True),
    Opening("snapcast", ((0, b"\5\0"), (4, b"\0\0"), (24, b"\0\0"), (28, b'\0\0{"')),
            ((0, b"\3\0"), (24, b"\0\0"), (28, b'\0\0{"'))),
    Opening("nrpe", ((0, b"\0\2\0\1"),), ((0, b"\0\2\0\2"),), least=64, needs_answer=True),
    *(Opening("nrpe", ((0, b"\0" + version + b"\0\1"), (8, bytes(4))), ((0, b"\0" + version + b"\0\2"),),
              Length(12, 4, 16, 17), needs_answer=True) for version in (b"\3", b"\4")),
    *(Opening("dict", ((0, word),), ((0, b"220 "),)) for word in (b"CLIENT ", b"client ", b"DEFINE ", b"SHOW DB")),
    Opening("bzr", ((0, b"bzr message 3 (bzr 1.6)\n"),), ((0, b"bzr message 3 (bzr 1.6)\n"),)),
    Opening("iperf", ((0, b"\x40\1\0"), (4, b"\0\0\0")), ((0, b"\0\0\0\2\0\0\0\x1c"),), needs_answer=True),
    Opening("bzr", ((0, b"bzr request 2\n"),), ((0, b"bzr response 2\n"),)),
    _same("yggdrasil", b"meta\0"),
    Opening("fstrm", ((0, bytes(7)), (8, b"\0\0\0\4\0\0\0\1")), ((0, bytes(7)), (8, b"\0\0\0\1")), first=b"\0"),
    *(Opening("rpki-rtr", ((0, version + b"\2\0\0\0\0\0\x08"),), ((0, version + b"\3"), (4, b"\0\0\0\x08")))
      for version in (b"\0", b"\1", b"\2")),
    Opening("pulseaudio", ((4, b"\xff\xff\xff\xff" + bytes(12)), (20, b"L\0\0\0\x08L")),
            ((4, b"\xff\xff\xff\xff" + bytes(12)), (20, b"L\0\0\0\2L")),
            Length(0, 4, 20, 26), first=b"\0"),
    Opening("rndc", ((4, b"\0\0\0\1\5_auth"),), ((4, b"\0\0\0\1\5_auth"),), Length(0, 4, 4, 14),
            first=b"\0"),
    _same("jdwp", b"JDWP-Handshake"),
    Opening("trdp", ((4, b"\1"), (6, b"M")), ((4, b"\1"), (6, b"M")), least=116, check=is_trdp, first=b"\0"),
    *(_same_answered("nano", ((0, b"R" + network), (5, b"\x0a"))) for network in (b"A", b"B", b"C", b"X")),
    Opening("tes-online", ((4, b"\0\1\0\1\0\0"),), None, Length(0, 4, 4, 40, 4096), least=12, check=has_two_lengths,
            first=b"\0"),
    _same_answered("weave", ((3, b"\x13"), (13, b"\x30\xb4\x18"), (21, b"\x30\xb4\x18"))),
    Opening("tencentgames", ((0, b"\x42\x15\xf7\x87"), (6, b"\0\0")), ((0, b"\x42\x15\xf7\x87"), (6, b"\0\0"))),
    Opening("lisp", ((0, b"\0\x11"),), ((0, b"\0\x14\0\x0f"), (11, b"\x9f\xac\xad\xe9")), Length(2, 2, 0, 12),
            needs_answer=True),
    Opening("adb", ((0, b"00"), (4, b"host:")), ((0, b"OKAY"),)),
    Opening("skype", ((0, b"\x16\3\1\0\0"),), ((0, b"\x17\3\1\0\0"),), needs_answer=True),
    Opening("json-rpc", ((0, b'{"jsonrpc":'),), ((0, b'{"jsonrpc":'),)),
    Opening("bzflag", ((0, b"BZFLAG\r\n\r\n"),), ((0, b"BZFS"),)),
    Opening("rpcap", ((0, b"\0\x08\0\0\0\0"), (8, b"\0")), ((0, b"\0\x88\0\0"),), Length(4, 4, 8, 16, 512),
            needs_answer=True),
    *(Opening("bmp", ((0, version + b"\0"), (5, bytes([kind]))), length=Length(1, 4, 0, 10), least=10, check=is_bmp)
      for version in (b"\3", b"\4") for kind in range(5)),
    Opening("msnp", ((0, b"PNG\r\n"),), ((0, b"QNG "),)),
    _same_answered("tencentgames", ((0, b"\x33\x66\0\x0b\0\x0b\x10"),)),
    *(Opening("ibm-mq", ((0, tag), (9, b"\1"), (28, begin)), ((0, tag), (28, begin)), Length(4, 4, 0, 36, 4096))
      for tag, begin in ((b"TSH ", b"ID  "), (b"\xe3\xe2\xc8\x40", b"\xc9\xc4\x40\x40"))),
    Opening("lotus-notes", ((6, b"\0\0\2\0\0\x40\2\x0f"),), least=17),
    Opening("ge-srtp", ((0, bytes(56) + b"\2\0"), (59, b"\0"), (65, b"\1"), (73, b"\1"), (87, b"\xc0")),
            ((0, b"\1" + bytes(7)),)),
    Opening("ge-srtp", ((0, b"\2\0"), (3, b"\0"), (9, b"\1"), (17, b"\1"), (31, b"\xc0")), ((0, b"\3\0"), (3, b"\0")),
            echo=(2, 3), least=56),
    *(Opening("kakaotalk", ((0, b"\0\1\0\0" + key + b"\0\0\0" + cipher + bytes(3)),), least=268)
      for key, cipher in ((b"\x0c", b"\2"), (b"\x0f", b"\2"), (b"\x10", b"\3"))),
    *(Opening("starcraft", ((0, first + b"\0\0\x0a\x66\2\x0a\xed\x2d\x66"),)) for first in (b"\x49", b"\x4a")),
    Opening("codemeter", ((0, b"samc"), (6, b"\0\0"), (9, b"\0\1\0\0\0\0\0")), ((0, b"samc"), (6, b"\0\0"))),
)  # fmt: skip
DATAGRAMS: Final[tuple[Opening, ...]] = (
    Opening("amongus", ((0, b"\x08\0\1\0\x80\xd9\2\3"),)),
    Opening("sd-rtn", ((6, b"\x21"), (12, b"\4SNI"))),
    Opening("gaijinentertainment", ((0, b"\x8f\xff\0"), (4, b"\x82\xff\0\1")), least=52, most=52),
    Opening("eaq", ((0, bytes(4)), (8, b"\0"), (12, b"\0\0\x90\0")), ((0, bytes(4)), (12, b"\0\0\x60\0")),
            echo=(4, 12), least=16, most=16),
    *(Opening("xbox", ((0, bytes(4) + one + b"\x58" + two + bytes(3)),), least=13)
      for one, two in ((b"\x0c", b"\x76"), (b"\2", b"\x18"), (b"\x0b", b"\x80"), (b"\3", b"\x40"), (b"\6", b"\x4e"))),
    Opening("gaijinentertainment", ((0, b""),), least=50, check=is_event, first=b"abcdefghijklmnopqrstuvwxyz"),
    Opening("roblox", ((32, _RAKNET),)),
    *(Opening("roblox", ((0, kind), (1, _RAKNET)), ((0, answer), (1, _RAKNET)))
      for kind, answer in ((b"\x7b", b"\x7e"), (b"\x78", b"\x7d"))),
    Opening("tristation", ((0, b"\1\0\0\0"),), ((0, b"\2\0\0\0"),), least=6, most=6, needs_answer=True),
    Opening("viber", ((2, b"\1\0\5\0"),), ((2, b"\x0c\0"),), echo=(6, 14), least=40),
    Opening("telegram", ((16, _REFLECTED),), ((16, _REFLECTED),), echo=(0, 16), least=40, check=is_reflected),
    Opening("cpha", ((0, b"\x1a\x90"), (6, b"\0")), least=20),
    Opening("tplink-discovery", ((0, b"\2\0\0\1"),), ((0, b"\2\0\0\1"),), Length(4, 2, 16, 17)),
    Opening("gre", ((0, b"\0\0\x08\0"),), ((0, b"\0\0\x08\0"),), least=24, check=is_tunnelled),
    Opening("crossfire", ((0, b"\xc7\xd9\x19\x99\2\0"), (22, b"\x7d\0")), least=25, most=25),
    Opening("crynet", ((0, b"\x3c"), (16, b"\1"), (20, b"\7"), (24, b"\3\7")), least=70, most=70),
    Opening("egd", ((0, b"\x0d\1"), (28, bytes(4))), least=33),
    Opening("cnp-ip", ((3, b"\1\0"),), ((3, b"\1\0"),), Length(0, 2), least=21, first=_SMALL),
    Opening("ethersbus", ((0, b"\0\0"), (4, b"\1\0")), ((4, b"\1\0"), (8, b"\1")), Length(0, 4), echo=(6, 8), least=13,
            check=has_crc),
    Opening("ethersbus", ((0, b"\0\0"), (4, b"\0\0")), ((4, b"\1"),), Length(0, 4), least=13, check=has_crc),
    *(Opening("uftp", ((0, version), (15, b"\0")), least=24, check=is_uftp) for version in (b"\x40", b"\x50")),
    *(Opening("trdp", ((4, b"\1"), (6, kind)), least=40, check=is_trdp) for kind in (b"P", b"M")),
    Opening("mpegts", ((0, b"\x47"),), least=376, check=is_transport_stream),
    Opening("flute", ((0, b"\x10"),), least=120, check=is_flute),
    *(Opening("ubntac2", ((at, name),), least=135) for at, name in ((36, b"UBNT"), (49, b"ubnt"))),
    *(Opening("quake", ((0, b"\xff\xff\xff\xff" + word),), ((0, b"\xff\xff\xff\xff"),))
      for word in (b"getinfo", b"getstatus", b"getservers", b"status", b"connect ")),
    *(Opening("pcanywhere", ((0, word),), most=2) for word in (b"NQ", b"ST")),
    Opening("bsdp", ((0, b"SEARCH BSDP/"),)),
    Opening("mndp", ((0, b"\0"), (4, b"\0\1\0\6")), least=20, check=is_neighbour),
    *(Opening("wccp", ((0, b"\0\0\0" + kind + b"\2\0"),), ((0, b"\0\0\0"), (4, b"\2\0")), Length(6, 2, 8))
      for kind in (b"\x0a", b"\x0b", b"\x0c", b"\x0d")),
    *(Opening("xdmcp", ((0, b"\0\1\0" + bytes([code])),), ((0, b"\0\1\0"),), Length(4, 2, 6)) for code in range(1, 14)),
    Opening("olsr", ((0, b""),), ((0, b""),), Length(0, 2), least=16, check=has_messages, proof=False, first=_SMALL),
    Opening("glbp", ((0, b"\1"), (4, b"\0\0")), least=32, check=is_glbp),
    Opening("ethereum", ((96, b""),), ((96, b""),), least=100, check=is_discovery, proof=False),
    Opening("srt", ((0, b"\x80" + bytes(7)), (12, bytes(4) + b"\0\0\0\4\0\0\0\2"), (36, b"\0\0\0\1"), (44, bytes(4))),
            ((0, b"\x80" + bytes(7)), (16, b"\0\0\0\5"), (22, b"\x4a\x17")), least=64, most=64),
    Opening("chrony", ((0, b"\6\1\0\0"), (12, bytes(8))), ((0, b"\6\2\0\0"),), echo=(4, 6), least=20),
    Opening("babel", ((0, b"\x2a\2"),), ((0, b"\x2a\2"),), Length(2, 2, 4, 6)),
    *(Opening("teeworlds", ((0, b"\xff" * 10 + word),), ((0, b"\xff" * 10),))
      for word in (b"gie3", b"gief", b"req2", b"cou2")),
    Opening("minetest", ((0, b"\x4f\x45\x74\3\0\0"),), ((0, b"\x4f\x45\x74\3"),)),
    Opening("iperf", ((0, b"\0\0\0\1"), (12, bytes(4) + b"\x48\1\0"), (20, b"\0\0\0")), least=36),
    Opening("avast-dns", ((11, b"\0\1\x32\x09securedns"),)),
    Opening("mqtt-sn", ((1, b"\4"),), ((0, b"\3\5"),), most=255, least=7, check=is_counted, needs_answer=True),
    *(Opening("udp-notif", ((0, kind), (12, first)), length=Length(2, 2, 0, 14))
      for kind, first in ((b"\x21\x0c", b"{"), (b"\x22\x0c", b"<"))),
    Opening("zep", ((0, b"EX\2\1"), (21, bytes(10))), length=Length(31, 1, 32, 35)),
    Opening("bsap", ((0, b"\x0e\0"), (3, b"\0"), (5, b"\0")), ((0, b"\x0e\0"), (3, b"\0"), (5, b"\0")), least=14,
            check=has_bsap_message, needs_answer=True),
    Opening("cups", ((0, b""),), least=16, check=is_printer, first=b"0123456789abcdef"),
    Opening("hasp", ((0, b""),), least=40, most=40, check=is_license_search, first=_BASE64),
    Opening("statsd", ((0, b""),), least=5, check=is_statsd, first=_WORD),
)  # fmt: skip
