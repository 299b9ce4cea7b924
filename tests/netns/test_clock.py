"""The wall clock jumps: policy, timeouts and grants go by the monotonic clock."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import patience

#: shifts what CLOCK_REALTIME says by the seconds that a file holds; the monotonic clock stays
SHIFT = """
    #define _GNU_SOURCE
    #include <fcntl.h>
    #include <stdlib.h>
    #include <sys/syscall.h>
    #include <sys/time.h>
    #include <time.h>
    #include <unistd.h>
    static time_t shift(void) {
        char text[32] = "0";
        int file = open(getenv("CLOCK_SHIFT"), O_RDONLY | O_CLOEXEC);
        if (file >= 0) { if (read(file, text, 31) < 0) text[0] = '0'; close(file); }
        return atol(text);
    }
    int clock_gettime(clockid_t clock, struct timespec *now) {
        int failed = syscall(SYS_clock_gettime, clock, now);
        if (!failed && clock == CLOCK_REALTIME) now->tv_sec += shift();
        return failed;
    }
    time_t time(time_t *seconds) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        return seconds ? (*seconds = now.tv_sec) : now.tv_sec;
    }
    int gettimeofday(struct timeval *restrict t, void *restrict zone) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        t->tv_sec = now.tv_sec; t->tv_usec = now.tv_nsec / 1000;
        return 0;
    }
    """
POLICY = """
    version: 1
    queue: {number: 7, offload: false}
    plugins: [rules, stream, protocols]
    events: {file: %s, stats: 1}
    chains:
      INPUT:
        - {rule: port, protocol: tcp, dst: 8001, action: DROP}
        - {rule: knock, port: 2222, doors: [7000/tcp, 7001/tcp], grant: 4, action: ACCEPT}
        - {rule: port, protocol: tcp, dst: 2222, action: DROP}
    default: ACCEPT
    """
KNOCK = """
    for port in (7000, 7001):
        s = socket.socket(); s.setblocking(False)
        s.connect_ex((sys.argv[1], port)); time.sleep(0.1); s.close()
    """
Until = Callable[..., None]
pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
DAY = 86_400


class Clock:
    """A firewall whose wall clock a file sets."""

    def __init__(self, lab: Any) -> None:
        self.file: Path = lab.folder / "clock"
        self.events = lab.folder / "eve.json"
        self.set(0)
        library = lab.folder / "shift.so"
        compiler = ["cc", "-shared", "-fPIC", "-O1", "-o", library, "-x", "c", "-"]
        subprocess.run(compiler, input=SHIFT, text=True, check=True)
        self.firewall = lab.run(POLICY % self.events, LD_PRELOAD=str(library), CLOCK_SHIFT=str(self.file))

    def set(self, seconds: int) -> None:
        self.file.write_text(str(seconds))


@pytest.fixture
def clock(lab: Any) -> Clock:
    for port in (8000, 8001, 2222):
        lab.fw.echo_server(port)
    return Clock(lab)


def processor_seconds(firewall: Any) -> float:
    ticks = 0
    for pid in [firewall.pid, *firewall.workers()]:
        ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("jump", [-DAY, 3650 * DAY], ids=["a day back", "ten years on"])
def test_clock_jump(lab: Any, clock: Clock, jump: int) -> None:
    """A day back, ten years on: the policy holds, an open connection lives, no processor time is burnt."""
    talker = lab.peer.python(
        """
        s = socket.create_connection((sys.argv[1], 8000), timeout=4); print("ready", flush=True)
        for n in range(60):
            s.send(b"x"); assert s.recv(1) == b"x"; time.sleep(0.1)
        print("ok")
        """,
        lab.FW,
    )
    assert talker.stdout.readline() == "ready\n"
    workers = clock.firewall.workers()
    clock.set(jump)
    time.sleep(1.5)
    year = str(time.gmtime(time.time() + jump).tm_year)
    assert clock.events.read_text().splitlines()[-1].startswith(f'{{"timestamp":"{year}'), "the shift works"
    assert lab.peer.echo(lab.FW, 8000) == "ok"
    assert lab.peer.echo(lab.FW, 8001, timeout=0.7) == "TimeoutError"
    before, begun = processor_seconds(clock.firewall), time.monotonic()
    time.sleep(2)
    assert processor_seconds(clock.firewall) - before < 0.2 * (time.monotonic() - begun)
    assert talker.communicate(timeout=30)[0].strip() == "ok"
    assert clock.firewall.workers() == workers
    assert clock.firewall.stop() == 0


def test_clock_knock(lab: Any, clock: Clock, until: Until) -> None:
    """A grant ends on time when the clock is set back."""
    assert lab.peer.echo(lab.FW, 2222, timeout=0.5) == "TimeoutError"
    lab.peer.ask(KNOCK, lab.FW)
    granted = time.monotonic()
    clock.set(-DAY)
    assert lab.peer.echo(lab.FW, 2222) == "ok"
    until(lambda: lab.peer.echo(lab.FW, 2222, timeout=0.5) == "TimeoutError", 10, "end of the grant")
    assert time.monotonic() - granted < patience(8)
