"""One end of a tunnel: ``tunnel_end.py KIND LOCAL REMOTE ADDRESS``, between a TUN device and a raw socket.

Where the kernel was built without ipip, sit and gre: the packets on the wire are the same.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import subprocess
import sys
from struct import pack

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000
#: IP protocol number, and what stands before an inner IPv4 packet
KINDS = {"ipip": (4, b""), "6in4": (41, b""), "gre": (47, pack("!HHI", 0x2000, 0x0800, 5))}


def main() -> None:
    kind, local, remote, address = sys.argv[1:]
    proto, head = KINDS[kind]
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, pack("16sH22x", b"inner0", IFF_TUN | IFF_NO_PI))
    link = f"ip addr add {address} dev inner0 {'nodad' if ':' in address else ''}; ip link set inner0 mtu 1280 up"
    subprocess.run(link, shell=True, check=True)
    wire = socket.socket(socket.AF_INET, socket.SOCK_RAW, proto)
    wire.bind((local, 0))
    print("ready", flush=True)
    while True:
        for ready in select.select([tun, wire], [], [])[0]:
            if ready is tun:
                wire.sendto(head + os.read(tun, 65536), (remote, 0))
            else:
                outer = wire.recv(65536)
                os.write(tun, outer[(outer[0] & 15) * 4 + len(head) :])


if __name__ == "__main__":
    main()
