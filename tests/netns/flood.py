"""``python flood.py KIND COUNT SERVER PORT``: packets from COUNT sources out of 100.64.0.0/10, as fast as they go.

KIND is syn, ack, udp or fragment (the first one of a UDP datagram that never comes to an end). They come out of a TUN
device of the namespace it runs in, which has to forward them.
"""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
from ipaddress import ip_address
from random import Random

from pywall_core.api import ACK, SYN
from pywall_core.testing import fragment, tcp_packet, udp_packet

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000


def main() -> None:
    kind, count, server, port = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", b"pwflood", IFF_TUN | IFF_NO_PI))
    for command in ("link set pwflood up", "route add 100.64.0.0/10 dev pwflood"):
        subprocess.run(["ip", *command.split()], check=True)
    random = Random(1)
    first = int(ip_address("100.64.0.1"))
    for number in range(count):
        source = str(ip_address(first + number)), random.randrange(1024, 65536)
        seq = random.getrandbits(32)
        if kind == "syn":
            packet = tcp_packet(*source, server, port, seq=seq, flags=SYN)
        elif kind == "ack":
            packet = tcp_packet(*source, server, port, seq=seq, ack=seq ^ 77, flags=ACK, data=b"stray")
        elif kind == "udp":
            packet = udp_packet(*source, server, port, b"stray datagram")
        else:
            packet = fragment(udp_packet(*source, server, port, bytes(64)), 40, ident=number & 0xFFFF)[0]
        os.write(tun, packet)


if __name__ == "__main__":
    main()
