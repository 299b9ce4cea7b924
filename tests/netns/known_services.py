"""Both ends of encrypted protocols that are known and must pass, run in namespaces by test_encrypted_flows.py.

``server FOLDER`` makes keys in FOLDER and serves; ``client ADDRESS ROUNDS FOLDER`` prints a line of JSON a protocol
with the number of transfers that arrived whole. All that goes over is text: OpenVPN's is seen by the firewall a second
time when it leaves the tunnel.
"""

from __future__ import annotations

import contextlib
import gzip
import http.server
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

from pywall_core.testing.certificates import make_certificate

TLS, SSH, VPN, HTTP, INSIDE = range(7443, 7448)
TUNNEL = "10.99.9"
BODY = b"".join(b"line %d of what is transferred\n" % n for n in range(6000))


def run(*words: str) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_keys(folder: Path) -> None:
    for name in ("server", "client"):
        make_certificate(folder, name)
    for name in ("host", "user"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/{name}")
    (folder / "authorized").write_bytes((folder / "user.pub").read_bytes())
    (folder / "sshd_config").write_text(
        f"Port {SSH}\nHostKey {folder}/host\nPidFile none\nStrictModes no\nUsePAM no\nMaxStartups 200\n"
        f"PermitRootLogin yes\nAuthorizedKeysFile {folder}/authorized\n"
    )
    (folder / "body").write_bytes(BODY)


def openvpn(folder: Path, end: str, *words: str) -> subprocess.Popen[bytes]:
    other = "client" if end == "server" else "server"
    return subprocess.Popen(
        [
            *("openvpn", "--dev", "tun", "--proto", "udp", f"--tls-{end}", "--verb", "3", "--topology", "subnet"),
            *("--cert", f"{folder}/{end}.crt", "--key", f"{folder}/{end}.key", "--ca", f"{folder}/{other}.crt"),
            *words,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        data = gzip.compress(BODY + os.urandom(60_000))
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *words: object) -> None:
        pass


class Text(StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(BODY)


class Sealed(Text):
    def setup(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{FOLDER}/server.pem")
        self.request = context.wrap_socket(self.request, server_side=True)
        super().setup()


class Server(ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 64


def serve(folder: Path) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that the children are ended below
    make_keys(folder)
    Path("/run/sshd").mkdir(exist_ok=True)
    children = [
        subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", f"{folder}/sshd_config"]),
        openvpn(
            folder,
            "server",
            *("--port", str(VPN), "--dh", "none", "--mode", "server", "--ifconfig", f"{TUNNEL}.1", "255.255.255.0"),
            *("--ifconfig-pool", f"{TUNNEL}.2", f"{TUNNEL}.250", "--push", "topology subnet", "--duplicate-cn"),
            *("--keepalive", "5", "20"),
        ),
    ]
    try:
        for port, handler in ((TLS, Sealed), (HTTP, Web), (INSIDE, Text)):
            threading.Thread(target=Server(("", port), handler).serve_forever, daemon=True).start()
        for line in children[1].stdout or ():
            if b"Initialization Sequence Completed" in line:
                print("ready", flush=True)
    finally:
        for child in children:
            child.terminate()


def over_tls(address: str, number: int) -> bool:
    context = ssl._create_unverified_context()
    if number % 2:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection((address, TLS), timeout=8) as raw, context.wrap_socket(raw) as sock:
        return sock.makefile("rb").read() == BODY


def over_ssh(address: str, number: int) -> bool:
    command = [
        *("ssh", "-p", str(SSH), "-i", f"{FOLDER}/user", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"),
        *("-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=8", f"root@{address}", f"cat {FOLDER}/body"),
    ]
    return subprocess.run(command, stdout=subprocess.PIPE, timeout=20, check=False).stdout == BODY


def over_http(address: str, number: int) -> bool:
    with urllib.request.urlopen(f"http://{address}:{HTTP}/{number}", timeout=8) as reply:
        return gzip.decompress(reply.read()).startswith(BODY)


def over_openvpn(address: str, number: int) -> bool:
    client = openvpn(FOLDER, "client", *("--remote", address, str(VPN), "--nobind", "--pull"))
    stop = threading.Timer(15, client.terminate)
    stop.start()
    try:
        if not any(b"Initialization Sequence Completed" in line for line in client.stdout or ()):
            return False
        with socket.create_connection((f"{TUNNEL}.1", INSIDE), timeout=8) as sock:
            return sock.makefile("rb").read() == BODY
    finally:
        stop.cancel()
        client.terminate()
        client.wait()


def use(address: str, rounds: int) -> None:
    for name, transfer, at_once in (
        ("tls", over_tls, 8),
        ("ssh", over_ssh, 4),
        ("http", over_http, 8),
        ("openvpn", over_openvpn, 1),
    ):
        arrived: list[bool] = []

        def one(number: int, transfer: object = transfer, arrived: list[bool] = arrived) -> None:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                arrived.append(transfer(address, number))  # type: ignore[operator]

        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(one, range(rounds)))
        print(json.dumps({"sort": name, "arrived": sum(arrived), "of": rounds}), flush=True)


if __name__ == "__main__":
    FOLDER = Path(sys.argv[-1])
    if sys.argv[1] == "server":
        serve(FOLDER)
    else:
        use(sys.argv[2], int(sys.argv[3]))
