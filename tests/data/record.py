"""Records ``pywall_core/demo/demo.pcap``: the demonstration's own traffic on the link between its two namespaces.

``python tests/data/record.py`` as root. Real programs talk: see ``pywall_core/demo/traffic.py``.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from struct import pack

import pywall_core.demo
from pywall_core.demo import traffic
from pywall_core.testing.certificates import make_certificate
from pywall_core.testing.netns import Lab

TARGET = Path(pywall_core.demo.__file__).parent / "demo.pcap"
ETH_P_ALL = 3


def sniff(path: str) -> None:
    """Write the IP packets that pass eth0 of this namespace as a pcap file, until 3 seconds go by without one."""
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    link.bind(("eth0", 0))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    link.settimeout(0.2)
    print("ready", flush=True)
    last = time.monotonic()
    with Path(path).open("wb") as file:
        file.write(pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        while time.monotonic() - last < 3:
            try:
                frame = link.recv(1 << 18)
            except TimeoutError:
                continue
            last = time.monotonic()
            if frame[12:14] in (b"\x08\x00", b"\x86\xdd"):
                file.write(pack("<IIII", *divmod(time.time_ns() // 1000, 1_000_000), len(frame), len(frame)) + frame)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, Lab() as lab:
        folder = Path(name)
        make_certificate(folder, traffic.NAME)
        recorder = lab.start(
            "server", sys.executable, __file__, "sniff", str(TARGET), stdout=subprocess.PIPE, text=True
        )
        assert recorder.stdout is not None
        recorder.stdout.readline()
        server = lab.start(
            "server", sys.executable, "-m", "pywall_core.demo.traffic", "server", str(folder),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert server.stdout is not None
        server.stdout.readline()
        client = ["-m", "pywall_core.demo.traffic", "client", str(folder), lab.server4, lab.server6]
        print(lab.run("client", sys.executable, *client, timeout=120))
        recorder.wait(timeout=30)
    print(TARGET, TARGET.stat().st_size)


if __name__ == "__main__":
    if sys.argv[1:2] == ["sniff"]:
        sniff(sys.argv[2])
    else:
        main()
