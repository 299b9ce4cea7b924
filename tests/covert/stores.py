"""Databases, caches and file servers that must pass; see :mod:`services`."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from .labs import Stage
from .mimicry_shapes import program

REDIS, POSTGRES, MEMCACHED, SAMBA = range(8070, 8074)


def run_client(stage: Stage, *words: object, timeout: float = 60, **options: Any) -> str:
    """Run a command on the client to its end and return its output; raises LabError when it fails."""
    return stage.lab.run("client", *map(str, words), timeout=timeout, **options)


def redis_server(stage: Stage) -> None:
    """Start redis."""
    stage.start(
        "server", "redis-server", "--port", REDIS, "--save", "", "--protected-mode", "no", ready="Ready to accept"
    )


def redis(stage: Stage) -> None:
    """Store and measure a blob."""
    blob = gzip.compress(program()[:90_000])
    command = ["redis-cli", "-h", stage.server, "-p", str(REDIS), "-x", "set", "blob"]
    subprocess.run(stage.lab.command("client", *command), input=blob, check=True, capture_output=True, timeout=20)
    got = subprocess.run(stage.lab.command("client", *command[:5], "strlen", "blob"), capture_output=True, check=True)
    assert int(got.stdout.split()[-1]) == len(blob)


def postgres_server(stage: Stage) -> None:
    """Start PostgreSQL on a throw-away cluster."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
    data = Path(f"/tmp/pywall-{os.getpid()}-postgres")
    try:
        _as_postgres(stage, programs / "initdb", "-D", data, "-A", "trust", "-U", "postgres")
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 0.0.0.0/0 trust\n")
        options = ["-p", POSTGRES, "-c", "listen_addresses=*", "-c", f"unix_socket_directories={data}"]
        command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", programs / "postgres"]
        stage.start("server", *command, "-D", data, *options, ready="ready to accept")
    finally:
        stage.remove_later(data)


def _as_postgres(stage: Stage, *words: object) -> None:
    stage.lab.run("server", "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *map(str, words))


def postgres(stage: Stage) -> None:
    """Select rows in clear and, if offered, over TLS."""
    asked = "select i, md5(i::text), random() from generate_series(1, 4000) i"
    command = ["psql", "-h", stage.server, "-p", POSTGRES, "-U", "postgres", "-Atc", asked]
    for mode in ("disable", "prefer"):
        assert len(run_client(stage, *command, env={**os.environ, "PGSSLMODE": mode}).splitlines()) == 4000


def memcached_server(stage: Stage) -> None:
    """Start memcached."""
    stage.start("server", "memcached", "-u", "nobody", "-l", "0.0.0.0", "-p", MEMCACHED)
    stage.wait_listening("server", MEMCACHED)


def memcached(stage: Stage) -> None:
    """Store a blob and get it back."""
    blob = gzip.compress(program()[:90_000])
    code = (
        "import socket, sys\n"
        f"data = open({str(stage.folder / 'blob')!r}, 'rb').read()\n"
        f"s = socket.create_connection(({stage.server!r}, {MEMCACHED}), timeout=5)\n"
        "f = s.makefile('rwb')\n"
        "f.write(b'set blob 0 0 %d\\r\\n' % len(data) + data + b'\\r\\n'); f.flush()\n"
        "assert f.readline() == b'STORED\\r\\n'\n"
        "f.write(b'get blob\\r\\n'); f.flush()\n"
        "f.readline(); assert f.read(len(data)) == data\n"
    )
    (stage.folder / "blob").write_bytes(blob)
    run_client(stage, sys.executable, "-c", code)


def samba_server(stage: Stage) -> None:
    """Start smbd with one share."""
    share = stage.folder / "share"
    share.mkdir(mode=0o777)
    stage.folder.chmod(0o755)
    (share / "big.bin").write_bytes(gzip.compress(program()[:600_000]))
    base = stage.folder / "samba"
    base.mkdir()
    names = ("private dir", "lock directory", "state directory", "cache directory", "pid directory", "ncalrpc dir")
    lines = ["[global]", *(f"{name} = {base}" for name in names), f"smb ports = {SAMBA}", f"log file = {base}/log"]
    lines += ["map to guest = bad user", "guest account = root", "disable netbios = yes", "load printers = no"]
    lines += ["[share]", f"path = {share}", "guest ok = yes", "read only = no"]
    config = stage.folder / "smb.conf"
    config.write_text("\n".join(lines))
    stage.start("server", "smbd", "-F", "--no-process-group", "-s", config)
    stage.wait_listening("server", SAMBA)


def samba(stage: Stage) -> None:
    """Get a file and put it back."""
    got = stage.folder / "got.bin"
    words = f"get big.bin {got}; put {got} back.bin"
    run_client(stage, "smbclient", f"//{stage.server}/share", "-p", SAMBA, "-N", "-c", words)
    assert got.read_bytes() == (stage.folder / "share" / "back.bin").read_bytes()
