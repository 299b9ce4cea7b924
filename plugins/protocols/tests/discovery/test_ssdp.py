"""SSDP."""

from pywall_protocols.discovery import ssdp

from pywall_core.testing import conversation, detector_contract

SEARCH = b'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n'
NOTIFY = b"NOTIFY * HTTP/1.1\r\nHost:239.255.255.250:1900\r\nNT:upnp:rootdevice\r\nServer:x/1 UPnP/1.0\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nUSN: uuid:1::upnp:rootdevice\r\n\r\n"

TestSsdp = detector_contract(
    ssdp,
    [
        conversation("udp").client(text)
        for text in (
            SEARCH,
            NOTIFY,
            ANSWER,
            SEARCH.lower(),
            NOTIFY.replace(b"1.1\r", b"1.1 \r"),
            SEARCH.replace(b"\r", b""),
        )
    ],
    [
        conversation("udp").client(text)
        for text in (
            b"NOTIFY sip:a@b SIP/2.0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n",
            b"HTTP/1.1 404 Not found\r\nST: x\r\n\r\n",
            b"BT-SEARCH * HTTP/1.1\r\nPort: 1\r\n\r\n",
        )
    ],
)


def test_facts(ask):
    assert ask(ssdp, [SEARCH]).facts == {"method": "M-SEARCH", "target": "ssdp:all"}
    assert ask(ssdp, [NOTIFY]).facts == {"method": "NOTIFY", "target": "upnp:rootdevice", "server": "x/1 UPnP/1.0"}
    assert ask(ssdp, [ANSWER]).facts == {"target": "upnp:rootdevice"}
