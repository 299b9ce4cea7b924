"""Names that people use for protocols, and what they are called here; and which installed plugin brings a name."""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import EntryPoint
from typing import Final

from ..installed import entry_points

#: Common names of protocols, in lower case, and ours.
PROTOCOL_ALIASES: Final = {
    "https": "tls",
    "ssl": "tls",
    "smtps": "tls",
    "imaps": "tls",
    "pop3s": "tls",
    "ldaps": "tls",
    "ftps": "tls",
    "dot": "tls",
    "doh": "tls",
    "www": "http",
    "web": "http",
    "http1": "http",
    "h2": "http2",
    "h3": "quic",
    "http3": "quic",
    "http/3": "quic",
    "sftp": "ssh",
    "scp": "ssh",
    "torrent": "bittorrent",
    "p2p": "bittorrent",
    "vnc": "rfb",
    "samba": "smb",
    "cifs": "smb",
    "kerberos": "krb5",
    "postgres": "pgsql",
    "postgresql": "pgsql",
    "mssql": "tds",
    "oracle": "tns",
    "mongo": "mongodb",
    "mariadb": "mysql",
    "ipsec": "ike",
    "isakmp": "ike",
    "wg": "wireguard",
    "vpn": "openvpn",
    "upnp": "ssdp",
    "bonjour": "mdns",
    "webrtc": "stun",
    "voip": "sip",
    "s7": "s7comm",
}
#: What other programs call facts, and ours.
FACT_ALIASES: Final = {
    **dict.fromkeys(("http.host", "http.server_name", "http.authority"), "http.hostname"),
    **dict.fromkeys(("http.uri", "http.request", "http.request_uri", "http.full_uri"), "http.url"),
    **dict.fromkeys(("http.user_agent", "http.useragent", "http.user-agent", "http.agent"), "http.http_user_agent"),
    **dict.fromkeys(("http.method", "http.request_method", "http.verb"), "http.http_method"),
    **dict.fromkeys(("http.referer", "http.referrer", "http.refer"), "http.http_refer"),
    **dict.fromkeys(("http.content_type", "http.mime", "http.content-type"), "http.http_content_type"),
    **dict.fromkeys(("http.stat_code", "http.code", "http.response_code", "http.status_code"), "http.status"),
    **dict.fromkeys(("dns.query", "dns.qname", "dns.name", "dns.question", "dns.domain", "dns.host"), "dns.rrname"),
    **dict.fromkeys(("dns.qtype", "dns.type", "dns.query_type"), "dns.rrtype"),
    **dict.fromkeys(
        ("tls.server_name", "tls.host", "tls.hostname", "tls.domain", "ssl.sni", "ssl.server_name"), "tls.sni"
    ),
    **dict.fromkeys(
        ("ssh.software", "ssh.version", "ssh.client", "ssh.software_version"), "ssh.client.software_version"
    ),
    **dict.fromkeys(("ssh.hassh", "ssh.client.hassh"), "ssh.client.hassh.hash"),
}
_PLUGINS: Final = "pywall.plugins"


def bringing(group: str, name: str, named: Collection[str]) -> str:
    """``"; the plugin 'hedge' brings it and is installed: add '- hedge' under plugins"``, or nothing.

    Distributions say in their metadata what they bring: rule kinds in the entry-point group ``pywall.rules``,
    capabilities in ``pywall.capabilities``, protocols by the names of their detectors. Nothing is imported. A plugin
    that the policy has ``named`` is none to add.
    """
    found = next(iter(entry_points(group=group, name=name)), None)
    plugin = "" if found is None else _plugin_of(found)
    if not plugin or plugin in named:
        return ""
    return f"; the plugin {plugin!r} brings it and is installed: add '- {plugin}' under plugins"


def installed_kinds() -> set[str]:
    """Return the rule kinds of all installed plugins, loaded or not."""
    return {point.name for point in entry_points(group="pywall.rules")}


def _plugin_of(point: EntryPoint) -> str:
    """Return the plugin to name for what ``point`` stands for: its distribution's own (pywall-hedge: hedge), or
    itself.
    """
    distribution = point.dist.name.removeprefix("pywall-") if point.dist else ""
    names = {
        other.name
        for other in entry_points(group=_PLUGINS)
        if other.dist and point.dist and other.dist.name == point.dist.name
    }
    if distribution in names:
        return distribution
    return point.name if point.group == _PLUGINS else next(iter(sorted(names)), "")
