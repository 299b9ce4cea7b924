"""``python frames.py INTERFACE TARGET_MAC RATE < PACKETS``: sends IP packets as they are, whatever is wrong with them.

Standard input is one packet after the other, each behind its length (2 bytes, big-endian); RATE is packets a second.
"""

from __future__ import annotations

import socket
import sys
import time


def main() -> None:
    interface, target, rate = sys.argv[1], sys.argv[2], float(sys.argv[3])
    data = sys.stdin.buffer.read()
    begun = time.monotonic()
    at = sent = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
        link.bind((interface, 0))
        own: bytes = link.getsockname()[4]
        addresses = bytes.fromhex(target.replace(":", "")) + own
        while at < len(data):
            size = int.from_bytes(data[at : at + 2], "big")
            packet = data[at + 2 : at + 2 + size]
            at += 2 + size
            link.send(addresses + (b"\x86\xdd" if packet[:1] >= b"\x60" else b"\x08\x00") + packet)
            sent += 1
            ahead = sent / rate - (time.monotonic() - begun)
            if ahead > 0.01:
                time.sleep(ahead)
    print(sent)


if __name__ == "__main__":
    main()
