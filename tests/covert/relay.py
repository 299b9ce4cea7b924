"""Disguises UDP: ``relay.py LISTEN PORT TO PORT KEY SPAN`` hands datagrams on with their first SPAN bytes XORed by KEY.

Two of them around a VPN make it what obfuscated services sell: the same packets with a header that nobody knows.
"""

from __future__ import annotations

import select
import socket
import sys
from itertools import cycle


def disguise(data: bytes, key: bytes, span: int) -> bytes:
    """XOR the first ``span`` bytes by the repeated key; its own inverse."""
    return bytes(a ^ b for a, b in zip(data[:span], cycle(key), strict=False)) + data[span:]


def main() -> None:
    """Command line."""
    listen, port, to, to_port, key, span = sys.argv[1:]
    inner = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    inner.bind((listen, int(port)))
    outer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    outer.connect((to, int(to_port)))
    peer = None
    print("ready", flush=True)
    while True:
        for sock in select.select([inner, outer], [], [])[0]:
            try:
                data, sender = sock.recvfrom(65536)
            except ConnectionError:
                continue
            changed = disguise(data, bytes.fromhex(key), int(span))
            if sock is inner:
                peer = sender
                outer.send(changed)
            elif peer is not None:
                inner.sendto(changed, peer)


if __name__ == "__main__":
    main()
