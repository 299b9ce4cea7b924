"""The plugin ``protocols``: every detector of this distribution, in an order where no guess precedes a proof."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

#: A magic value or text that nothing else begins with, or values that must agree with each other.
EXACT: Final = (
    "amqp",
    "ams",
    "bacnet",
    "bgp",
    "bittorrent",
    "c1222",
    "cassandra",
    "collectd",
    "dcerpc",
    "dhcp",
    "discord",
    "dnp3",
    "doip",
    "dtls",
    "ftp-data",
    "git",
    "gnutella",
    "h323",
    "http",
    "http2",
    "iec60870",
    "ike",
    "irc",
    "kafka",
    "knx",
    "krb5",
    "ldap",
    "mongodb",
    "mqtt",
    "netbios",
    "opcua",
    "openvpn",
    "openwire",
    "pgsql",
    "pptp",
    "proxy",
    "quic",
    "raknet",
    "rdp",
    "rfb",
    "rmcp",
    "rsync",
    "rtsp",
    "sap",
    "signatures",
    "sip",
    "smb",
    "snmp",
    "source_engine",
    "srvloc",
    "ssdp",
    "ssh",
    "stomp",
    "stun",
    "svn",
    "synphasor",
    "thrift",
    "tls",
    "tplink-smarthome",
    "wireguard",
    "wol",
    "x11",
    "xmpp",
    "z3950",
)
#: Fields whose values and lengths fit each other, over the whole message.
STRUCTURAL: Final = (
    "ayiya",
    "bfd",
    "capwap",
    "dhcpv6",
    "diameter",
    "dns",
    "dsi",
    "edonkey",
    "enip",
    "geneve",
    "gtp",
    "hsrp",
    "iax2",
    "l2tp",
    "ldp",
    "lisp",
    "memcached",
    "mms",
    "modbus",
    "netflow",
    "ntp",
    "omron",
    "openflow",
    "pana",
    "pfcp",
    "ptp",
    "radius",
    "redis",
    "rip",
    "rpc",
    "rtcp",
    "s7comm",
    "sflow",
    "skinny",
    "smpp",
    "socks",
    "someip",
    "syslog",
    "tds",
    "teredo",
    "tns",
    "vxlan",
    "websocket",
)
#: The server speaks first, and says what it is: until it has, whatever the client sends does not refute these, so that
#: nothing else waits for them.
SERVER_FIRST: Final = (
    "ftp",
    "imap",
    "mysql",
    "nntp",
    "pop3",
    "smtp",
    "telnet",
)
#: Little to go by: what a related flow announced, or a few fields over several packets.
HEURISTIC: Final = (
    "coap",
    "finger",
    "hart_ip",
    "rsh",
    "rtp",
    "tftp",
    "utp",
)
NAMES: Final = (*EXACT, *STRUCTURAL, *SERVER_FIRST, *HEURISTIC)


class Protocols:
    """Loads all detectors, or all but some."""

    api_version = 1

    class Options(BaseModel):
        """Options of the plugin ``protocols``."""

        model_config = ConfigDict(extra="forbid", populate_by_name=True)

        except_: list[str] = Field(default=[], alias="except", description="names of detectors to leave out")

        @field_validator("except_")
        @classmethod
        def _known(cls, names: list[str]) -> list[str]:
            for name in names:
                if name not in NAMES:
                    raise ValueError(f"{name!r} is no detector; allowed are {', '.join(sorted(NAMES))}")
            return names

    def __init__(self, options: Options | None = None) -> None:
        self._left_out = frozenset(options.except_ if options else ())

    def plugins(self) -> list[tuple[str, object]]:
        """Name and module of each detector, in the order in which they are asked."""
        return [(name, load(name)) for name in NAMES if name not in self._left_out]


def load(name: str) -> object:
    """The module of the detector ``name``."""
    return import_module(f"{__package__}.{name.replace('-', '_')}")
