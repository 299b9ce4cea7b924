"""Real services that must pass: how each is started on the server and used from the client.

``start`` gets the stage before the firewall runs; ``use`` raises when something did not arrive.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import zstandard

from pywall_core.testing.certificates import make_certificate
from pywall_core.testing.netns import LabError

from . import stores
from .labs import Stage, need, wait_for
from .mimicry_shapes import program, source_text
from .stores import run_client

WEB, SSH, RSYNC, GIT, MOSH, VIDEO, RAW = range(8080, 8087)


@dataclass(frozen=True, slots=True)
class Service:
    """A service and its use; ``programs`` are what must be installed."""

    name: str
    programs: tuple[str, ...]
    start: Callable[[Stage], None]
    use: Callable[[Stage], None]


def _web(stage: Stage, *, tls: bool) -> None:
    folder = stage.folder / "web"
    folder.mkdir()
    (folder / "page.html").write_bytes(source_text(Random(1), 60_000))
    (folder / "image.gz").write_bytes(gzip.compress(program()[:400_000]))
    code = f"import http.server, ssl, os; os.chdir({str(folder)!r})\n"
    code += f"s = http.server.ThreadingHTTPServer(('', {WEB}), http.server.SimpleHTTPRequestHandler)\n"
    if tls:
        pem = make_certificate(stage.folder, "web").both
        code += "c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
        code += f"c.load_cert_chain({str(pem)!r})\n"
        code += "s.socket = c.wrap_socket(s.socket, server_side=True)\n"
    stage.start("server", sys.executable, "-c", code + "print('ready', flush=True)\ns.serve_forever()", ready="ready")


def _curl(stage: Stage, *, scheme: str) -> None:
    for name in ("page.html", "image.gz"):
        for _ in range(3):
            url = f"{scheme}://{stage.server}:{WEB}/{name}"
            run_client(stage, "curl", "-sSfk", "-m", "10", "-o", stage.folder / "got", url)
            assert (stage.folder / "got").read_bytes() == (stage.folder / "web" / name).read_bytes()


def _sshd(stage: Stage) -> None:
    for name in ("host", "user"):
        stage.lab.run("server", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stage.folder / name))
    (stage.folder / "authorized").write_bytes((stage.folder / "user.pub").read_bytes())
    config = stage.folder / "sshd_config"
    config.write_text(
        f"Port {SSH}\nHostKey {stage.folder}/host\nPidFile none\nStrictModes no\nUsePAM no\n"
        f"PermitRootLogin yes\nAuthorizedKeysFile {stage.folder}/authorized\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    stage.start("server", "/usr/sbin/sshd", "-D", "-e", "-f", config, ready="listening")


def _ssh_words(stage: Stage) -> list[str]:
    options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
    flags = [word for option in options for word in ("-o", option)]
    return ["ssh", "-p", str(SSH), "-i", str(stage.folder / "user"), *flags]


def _ssh(stage: Stage) -> None:
    for size in (20, 10_000, 100_000):
        out = run_client(stage, *_ssh_words(stage), f"root@{stage.server}", f"seq 1 {size}")
        assert out.split()[-1] == str(size)


def _rsync_over_ssh(stage: Stage) -> None:
    shell, remote = " ".join(_ssh_words(stage)), f"root@{stage.server}:{Path(gzip.__file__).parent}/json"
    run_client(stage, "rsync", "-az", "-e", shell, remote, stage.folder / "copy")
    assert (stage.folder / "copy" / "json" / "decoder.py").exists()


def _rsyncd(stage: Stage) -> None:
    config = stage.folder / "rsyncd.conf"
    config.write_text(f"use chroot = no\nuid = 0\ngid = 0\n[files]\npath = {Path(gzip.__file__).parent}/email\n")
    stage.start("server", "rsync", "--daemon", "--no-detach", f"--port={RSYNC}", f"--config={config}")
    stage.wait_listening("server", RSYNC)


def _rsync(stage: Stage) -> None:
    for flags in ("-a", "-az"):
        target = stage.folder / f"copy{flags}"
        run_client(stage, "rsync", flags, f"rsync://{stage.server}:{RSYNC}/files/", target)
        assert (target / "message.py").exists()


def _git_daemon(stage: Stage) -> None:
    folder = stage.folder / "repo"
    folder.mkdir()
    (folder / "a.py").write_bytes(source_text(Random(2), 200_000))
    (folder / "b.bin").write_bytes(program()[:300_000])
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        stage.lab.run("server", *git, *words)
    command = ["git", "daemon", "--export-all", "--reuseaddr", f"--port={GIT}", f"--base-path={stage.folder}"]
    stage.start("server", *command)
    stage.wait_listening("server", GIT)


def _git(stage: Stage) -> None:
    run_client(stage, "git", "clone", "-q", f"git://{stage.server}:{GIT}/repo", stage.folder / "clone")
    assert (stage.folder / "clone" / "b.bin").stat().st_size == 300_000


def _nothing(stage: Stage) -> None:
    """Started by its use."""


def _mosh(stage: Stage) -> None:
    shell = ["sh", "-c", "seq 1 3000; sleep 4; echo END"]
    words = ["mosh-server", "new", "-i", stage.server, "-p", str(MOSH), "--", *shell]
    locale = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm"}
    said = stage.lab.run("server", *words, env=locale)
    key = next(line for line in said.splitlines() if line.startswith("MOSH CONNECT")).split()[3]
    os.mkfifo(typed := stage.folder / "typed")  # at the end of what is typed script(1) ends the client by SIGTERM
    client = f"script -qefc 'stty rows 50 cols 80; mosh-client {stage.server} {MOSH}' /dev/null 0<>{typed}"
    out = run_client(stage, "sh", "-c", client, timeout=60, check=False, env={**locale, "MOSH_KEY": key})
    assert "3000" in out
    assert "END" in out


def _ffmpeg(stage: Stage, *, sink: str, form: str) -> None:
    """A video of eight seconds at its own speed; TCP's receiver writes it down."""
    received = stage.folder / "received.ts"
    if sink == "tcp":
        listen = ["-f", form, "-i", f"tcp://0.0.0.0:{VIDEO}?listen"]
        stage.start("server", "ffmpeg", "-v", "error", "-y", *listen, "-c", "copy", received)
        stage.wait_listening("server", VIDEO)
    source = [
        "-re",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=480x270:rate=25",
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=440",
        "-t",
        "6",
    ]
    maps = ["-map", "0:v"] if form == "rtp" else []
    codecs = ["-c:v", "libx264", "-preset", "veryfast", "-b:v", "900k", "-c:a", "aac"]
    run_client(stage, "ffmpeg", "-v", "error", *source, *maps, *codecs, "-f", form, f"{sink}://{stage.server}:{VIDEO}")
    if sink == "tcp":
        wait_for(lambda: received.exists() and received.stat().st_size > 100_000, "video received")


def _raw_server(stage: Stage) -> None:
    code = (
        "import socket, threading, hashlib\n"
        f"s = socket.create_server(('', {RAW}), backlog=32)\n"
        "def serve(c):\n"
        "    size = int.from_bytes(c.recv(8, socket.MSG_WAITALL), 'big')\n"
        "    data = b''\n"
        "    while len(data) < size:\n"
        "        more = c.recv(65536)\n"
        "        if not more: return\n"
        "        data += more\n"
        "    c.sendall(hashlib.sha256(data).digest())\n"
        "print('ready', flush=True)\n"
        "while True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()\n"
    )
    stage.start("server", sys.executable, "-c", code, ready="ready")


def _zip(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("program", data)
    return buffer.getvalue()


def _raw_files(stage: Stage) -> None:
    forms = {
        "gz": gzip.compress,
        "bz2": bz2.compress,
        "xz": lzma.compress,
        "zst": zstandard.compress,
        "zip": _zip,
        "elf": bytes,
    }
    code = (
        "import socket, sys, hashlib\n"
        "data = open(sys.argv[1], 'rb').read()\n"
        f"s = socket.create_connection(({stage.server!r}, {RAW}), timeout=8)\n"
        "s.sendall(len(data).to_bytes(8, 'big') + data)\n"
        "assert s.recv(32, socket.MSG_WAITALL) == hashlib.sha256(data).digest()\n"
    )
    for name, compress in forms.items():
        for size in (40_000, 900_000):
            path = stage.folder / f"file-{size}.{name}"
            path.write_bytes(compress(program()[size : 2 * size]))
            try:
                run_client(stage, sys.executable, "-c", code, path)
            except LabError as error:
                raise AssertionError(f"{path.name} did not arrive") from error


SERVICES = [
    Service("curl-http", ("curl",), partial(_web, tls=False), partial(_curl, scheme="http")),
    Service("curl-https", ("curl",), partial(_web, tls=True), partial(_curl, scheme="https")),
    Service("ssh", ("ssh",), _sshd, _ssh),
    Service("rsync-ssh", ("rsync", "ssh"), _sshd, _rsync_over_ssh),
    Service("rsync-daemon", ("rsync",), _rsyncd, _rsync),
    Service("git-daemon", ("git",), _git_daemon, _git),
    Service("redis", ("redis-server", "redis-cli"), stores.redis_server, stores.redis),
    Service("postgres", ("psql", "setpriv"), stores.postgres_server, stores.postgres),
    Service("memcached", ("memcached",), stores.memcached_server, stores.memcached),
    Service("samba", ("smbd", "smbclient"), stores.samba_server, stores.samba),
    Service("mosh", ("mosh-server", "mosh-client", "script"), _nothing, _mosh),
    Service("ffmpeg-tcp", ("ffmpeg",), _nothing, partial(_ffmpeg, sink="tcp", form="mpegts")),
    Service("ffmpeg-udp", ("ffmpeg",), _nothing, partial(_ffmpeg, sink="udp", form="mpegts")),
    Service("ffmpeg-rtp", ("ffmpeg",), _nothing, partial(_ffmpeg, sink="rtp", form="rtp")),
    Service("raw-files", (), _raw_server, _raw_files),
]


def begin(stage: Stage, service: Service) -> None:
    """Start a service; skip where its programs are absent."""
    need(*service.programs)
    service.start(stage)
