"""Life cycle: whatever ends or disturbs the firewall, its rules go, others' stay, and nothing forbidden opens."""

from __future__ import annotations

import fcntl
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import pywall_core
from pywall_core.cli.systemd import unit
from pywall_core.kernel import ipset
from pywall_core.plugins.helpers import are_helpers_installed

from .conftest import PYWALL, command_line, patience

CLOSED = """
    version: 1
    queue: {number: 7}
    plugins: [rules]
    chains:
      INPUT:
        - {rule: port, protocol: tcp, dst: 8001, action: DROP}
    default: ACCEPT
    """
BANNING = """
    version: 1
    plugins: [rules]
    sets:
      blocked: {type: addresses}
    chains:
      INPUT:
        - {rule: ip, src: "@blocked", action: DROP}
    default: ACCEPT
    """
OPEN = CLOSED.replace("plugins:", "failure: {no_listener: accept}\n    plugins:")
Until = Callable[..., None]


def foreign(namespace: Any, variant: str) -> None:
    """Rules of somebody else, in every table that we touch, and one nft table."""
    for tool in ("iptables", "ip6tables"):
        namespace.run(f"{tool}-{variant} -A INPUT -p tcp --dport 9999 -j DROP")
        namespace.run(f"{tool}-{variant} -A INPUT -m comment --comment 'it is -j \"mine\"' -j ACCEPT")
        namespace.run(f"{tool}-{variant} -t mangle -A OUTPUT -p udp --dport 53 -j TOS --set-tos 0x10")
        namespace.run(f"{tool}-{variant} -N OTHER; {tool}-{variant} -A FORWARD -j OTHER")
    namespace.run("nft add table inet other; nft add chain inet other c; nft add rule inet other c tcp dport 1 drop")


def left_over(namespace: Any) -> str:
    text = ""
    for variant in ("nft", "legacy"):
        text += namespace.ruleset(variant)
    return "\n".join(line for line in text.splitlines() if "pywall" in line.lower())


@pytest.fixture
def load(lab: Any) -> Any:
    """Connections without end from the peer."""

    def begin() -> None:
        lab.fw.echo_server(8000)
        for _ in range(2):
            lab.peer.python(
                """
                while True:
                    try:
                        s = socket.create_connection((sys.argv[1], 8000), timeout=0.5)
                        for n in range(20):
                            s.send(b"x" * 1000); s.recv(2000)
                        s.close()
                    except OSError:
                        pass
                """,
                lab.FW,
            )

    return begin


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["sigterm", "sigint"])
def test_life_signal_ends_cleanly(lab: Any, variant: str, number: int) -> None:
    foreign(lab.fw, variant)
    before = lab.fw.ruleset(variant)
    firewall = lab.run(CLOSED, PYWALL_IPTABLES=variant)
    assert lab.fw.ruleset(variant) != before
    assert firewall.stop(number, timeout=5) == 0
    assert lab.fw.ruleset(variant) == before
    assert "Traceback" not in firewall.log()


def test_life_leaves_an_empty_machine_empty(lab: Any) -> None:
    """iptables-nft makes tables on first use; those that were made for us go with us."""
    assert lab.fw.run("nft list ruleset") == ""
    assert lab.run(CLOSED, PYWALL_IPTABLES="nft").stop() == 0
    assert lab.fw.run("nft list ruleset") == ""
    assert lab.fw.run("cat /proc/sys/net/netfilter/nf_conntrack_acct").strip() == "0"


def test_life_sigterm_load(lab: Any, load: Any) -> None:
    load()
    foreign(lab.fw, "nft")
    before = lab.fw.ruleset()
    for _ in range(5):
        assert lab.run(CLOSED).stop(timeout=5) == 0
        assert lab.fw.ruleset() == before


def test_life_sighup_keeps_the_policy(lab: Any, until: Until) -> None:
    lab.fw.echo_server(8001)
    firewall = lab.run(CLOSED)
    firewall.send(signal.SIGHUP)
    until(lambda: "reloaded" in firewall.log(), 10, "reload")
    assert lab.peer.echo(lab.FW, 8001, timeout=0.7) == "TimeoutError"
    assert firewall.stop() == 0
    assert left_over(lab.fw) == ""


def test_life_signal_while_starting(lab: Any) -> None:
    for wait in (0.05, 0.3, 0.6, 1.0, 1.4):
        firewall = lab.begin(CLOSED)
        time.sleep(wait)
        firewall.send(signal.SIGTERM)
        firewall.wait(8)
        assert left_over(lab.fw) == ""
        assert "Error" not in firewall.log()


def test_life_kill9_closed(lab: Any, variant: str, until: Until) -> None:
    lab.fw.echo_server(8000)
    firewall = lab.run(CLOSED, PYWALL_IPTABLES=variant)
    assert lab.peer.echo(lab.FW, 8000) == "ok"
    workers = firewall.workers()
    firewall.send(signal.SIGKILL)
    # in a container without an init they stay as zombies, which have no command line
    until(lambda: not any(map(command_line, workers)), 2, "workers die with the supervisor")
    assert [lab.peer.echo(lab.FW, 8000, timeout=0.5) for _ in range(3)] == ["TimeoutError"] * 3


def test_life_kill9_open(lab: Any, variant: str) -> None:
    lab.fw.echo_server(8000)
    firewall = lab.run(OPEN, PYWALL_IPTABLES=variant)
    firewall.send(signal.SIGKILL)
    firewall.wait(2)
    time.sleep(0.5)
    assert lab.peer.echo(lab.FW, 8000) == "ok"


def test_life_kill9_restart(lab: Any, variant: str) -> None:
    foreign(lab.fw, variant)
    before = lab.fw.ruleset(variant)
    fresh = lab.run(CLOSED, PYWALL_IPTABLES=variant)
    rules = without_generation(lab.fw.ruleset(variant))
    fresh.send(signal.SIGKILL)
    fresh.wait(2)
    again = lab.run(CLOSED, PYWALL_IPTABLES=variant)
    assert without_generation(lab.fw.ruleset(variant)) == rules
    assert again.stop() == 0
    assert lab.fw.ruleset(variant) == before


def without_generation(rules: str) -> str:
    """Rules without the values of marks, which are drawn at random."""
    return sort_chains(re.sub(r"0x[0-9a-f]+", "0x", rules))


def sort_chains(rules: str) -> str:
    """nft lists chains in the order of their creation; tables and rules keep their order."""
    iptables, _, nft = rules.partition("table ")
    return iptables + "".join(sorted(nft.splitlines(keepends=True)))


def test_life_kill_random(lab: Any) -> None:
    foreign(lab.fw, "nft")
    before = lab.fw.ruleset()
    chance = random.Random(7)
    for _ in range(10):
        firewall = lab.begin(CLOSED)
        time.sleep(chance.uniform(0.2, 1.6))
        firewall.send(signal.SIGKILL)
        firewall.wait(2)
    assert lab.run(CLOSED).stop() == 0
    assert lab.fw.ruleset() == before


def test_life_cleanup_command(lab: Any, variant: str) -> None:
    foreign(lab.fw, variant)
    before = lab.fw.ruleset(variant)
    firewall = lab.run(CLOSED, PYWALL_IPTABLES=variant)
    refused = cleanup(lab, variant)
    assert refused.returncode == 1
    assert "already runs" in refused.stderr
    assert "PYWALL_INPUT" in lab.fw.ruleset(variant)
    firewall.send(signal.SIGKILL)
    firewall.wait(2)
    done = cleanup(lab, variant)
    assert done.returncode == 0, done.stderr
    assert lab.fw.ruleset(variant) == before
    assert "nothing" in cleanup(lab, variant).stdout


def cleanup(lab: Any, variant: str) -> subprocess.CompletedProcess[str]:
    program = "from pywall_core.cli import main; raise SystemExit(main(['cleanup']))"
    environment = {**os.environ, "PYWALL_IPTABLES": variant}
    argv = lab.fw.command(sys.executable, "-c", program)
    return subprocess.run(argv, capture_output=True, text=True, env=environment, timeout=30)


def test_life_second_instance(lab: Any) -> None:
    lab.fw.echo_server(8001)
    lab.fw.echo_server(8000)
    first = lab.run(CLOSED)
    rules = lab.fw.ruleset()
    second = lab.begin(CLOSED)
    assert second.wait(8) == 1
    assert "already runs" in second.log()
    assert "Traceback" not in second.log()
    assert lab.fw.ruleset() == rules
    assert lab.peer.echo(lab.FW, 8000) == "ok"
    assert lab.peer.echo(lab.FW, 8001, timeout=0.7) == "TimeoutError"
    assert first.stop() == 0


def test_life_queue_number_in_use(lab: Any) -> None:
    """Another program holds the queue: said before any rule goes in."""
    holder = lab.fw.python(
        """
        from netfilterqueue import NetfilterQueue
        q = NetfilterQueue(); q.bind(7, lambda p: p.accept()); print("ready", flush=True); q.run()
        """
    )
    assert holder.stdout.readline() == "ready\n"
    firewall = lab.begin(CLOSED)
    assert firewall.wait(10) == 1
    assert "queue 7" in firewall.log()
    assert "Traceback" not in firewall.log()
    assert left_over(lab.fw) == ""


def test_life_namespaces_do_not_clash(lab: Any) -> None:
    first = lab.run(CLOSED)
    lab.fw, lab.peer = lab.peer, lab.fw
    second = lab.run(CLOSED)
    assert first.stop() == 0
    assert "PYWALL_INPUT" in lab.fw.ruleset()
    assert second.stop() == 0
    lab.fw, lab.peer = lab.peer, lab.fw
    assert left_over(lab.fw) == ""


def test_life_xtables_lock(lab: Any, until: Until) -> None:
    lock = os.open("/run/xtables.lock", os.O_RDWR | os.O_CREAT, 0o600)

    def hold(seconds: float) -> None:
        fcntl.flock(lock, fcntl.LOCK_EX)
        timer = threading.Timer(seconds, fcntl.flock, (lock, fcntl.LOCK_UN))
        timer.start()

    try:
        hold(3)
        firewall = lab.run(CLOSED, PYWALL_IPTABLES="legacy")
        hold(3)
        assert firewall.stop(timeout=8) == 0
    finally:
        os.close(lock)
    assert left_over(lab.fw) == ""


@pytest.mark.parametrize("broken", ["iptables-restore", "ip6tables-restore"])
def test_life_tool_fails(lab: Any, broken: str, tmp_path: Path) -> None:
    """One family's iptables refuses the rules: nothing stays, of the other family neither."""
    tools = tmp_path / "tools"
    tools.mkdir(mode=0o755)
    tool = tools / broken
    tool.write_text("#!/bin/sh\n[ \"$1\" = -V ] && exec /usr/sbin/iptables -V\necho 'no such thing' >&2\nexit 4\n")
    tool.chmod(0o755)
    before = lab.fw.ruleset()
    firewall = lab.begin(CLOSED, PATH=f"{tools}:{os.environ['PATH']}")
    assert firewall.wait(15) == 1
    assert "no such thing" in firewall.log()
    assert "Traceback" not in firewall.log()
    assert lab.fw.ruleset() == before


def test_life_child_dies(lab: Any, until: Until) -> None:
    lab.fw.echo_server(8000)
    lab.fw.echo_server(8001)
    firewall = lab.run(CLOSED)
    for _ in range(2):
        (worker,) = firewall.workers()
        os.kill(worker, signal.SIGKILL)
        until(lambda: firewall.workers() not in ([], [worker]), 15, "a new worker")  # noqa: B023
        until(lambda: lab.peer.echo(lab.FW, 8000, timeout=0.5) == "ok", 15, f"traffic {firewall.log()}")
        assert lab.peer.echo(lab.FW, 8001, timeout=0.7) == "TimeoutError"
    assert firewall.stop() == 0
    assert left_over(lab.fw) == ""


def test_life_child_hangs(lab: Any, until: Until) -> None:
    lab.fw.echo_server(8000)
    firewall = lab.run(CLOSED)
    (worker,) = firewall.workers()
    os.kill(worker, signal.SIGSTOP)
    stopped = time.monotonic()
    until(lambda: firewall.workers() not in ([], [worker]), 5, "a new worker")
    assert time.monotonic() - stopped < patience(5)
    until(lambda: lab.peer.echo(lab.FW, 8000, timeout=0.5) == "ok", 6, "traffic")
    assert "does not answer" in firewall.log()
    assert firewall.stop() == 0


def test_life_stop_with_a_hung_child(lab: Any) -> None:
    firewall = lab.run(CLOSED)
    (worker,) = firewall.workers()
    os.kill(worker, signal.SIGSTOP)
    assert firewall.stop(timeout=5) == 0
    assert left_over(lab.fw) == ""
    assert not Path(f"/proc/{worker}").exists()


@pytest.mark.parametrize("how", ["flush", "delete_jump", "above"])
def test_life_rules_flushed(lab: Any, variant: str, how: str, until: Until) -> None:
    lab.fw.echo_server(8001)
    lab.fw.echo_server(8000)
    firewall = lab.run(CLOSED, PYWALL_IPTABLES=variant)
    tool = f"iptables-{variant} -t mangle"
    lab.fw.run(
        {
            "flush": f"{tool} -F",
            "delete_jump": f"{tool} -D INPUT -j PYWALL_INPUT",
            "above": f"{tool} -I INPUT 1 -p tcp -j ACCEPT",
        }[how]
    )
    until(lambda: "restored" in firewall.log(), 15, "the rules are restored")
    assert lab.peer.echo(lab.FW, 8001, timeout=0.7) == "TimeoutError"
    assert lab.peer.echo(lab.FW, 8000) == "ok"
    assert lab.fw.run(f"{tool} -S INPUT").splitlines()[1] == "-A INPUT -j PYWALL_INPUT"
    assert firewall.stop() == 0
    assert left_over(lab.fw) == ""


def test_life_open_connections_survive(lab: Any, until: Until) -> None:
    """A connection lives through start, reload, the death of a worker, and stop."""
    lab.fw.echo_server(8000)
    talker = lab.peer.python(
        """
        s = socket.create_connection((sys.argv[1], 8000), timeout=8)
        print("ready", flush=True)
        end = time.monotonic() + float(sys.argv[2])
        n = 0
        while time.monotonic() < end:
            s.send(b"%08d" % n)
            got = b""
            while len(got) < 8:
                more = s.recv(8 - len(got))
                assert more, "closed"
                got += more
            assert got == b"%08d" % n
            n += 1
            time.sleep(0.01)
        print("ok", n)
        """,
        lab.FW,
        14,
    )
    assert talker.stdout.readline() == "ready\n"
    firewall = lab.run(CLOSED)
    firewall.send(signal.SIGHUP)
    until(lambda: "reloaded" in firewall.log(), 10, "reload")
    os.kill(firewall.workers()[0], signal.SIGKILL)
    until(lambda: "a new one starts" in firewall.log(), 10, "replacement")
    time.sleep(1)
    assert firewall.stop() == 0
    out, err = talker.communicate(timeout=30)
    assert out.startswith("ok"), err


@pytest.mark.parametrize(("midstream", "lives"), [("pass-flow", True), ("drop-flow", False)])
def test_life_older_connections_as_configured(lab: Any, midstream: str, lives: bool) -> None:
    lab.fw.echo_server(8000)
    talker = lab.peer.python(
        """
        import os
        s = socket.create_connection((sys.argv[1], 8000), timeout=1.5)
        print("ready", flush=True)
        while not os.path.exists(sys.argv[2]):
            time.sleep(0.05)
        try:
            s.send(b"x")
            print("lives" if s.recv(1) else "closed")
        except OSError as error:
            print(type(error).__name__)
        """,
        lab.FW,
        lab.folder / "runs",
    )
    assert talker.stdout.readline() == "ready\n"
    policy = f"failure: {{midstream: {midstream}}}\n    plugins: [rules, stream]"
    action = "DROP" if lives else "ACCEPT"
    lab.run(CLOSED.replace("plugins: [rules]", policy).replace("default: ACCEPT", f"default: {action}"))
    (lab.folder / "runs").touch()
    assert talker.communicate(timeout=20)[0].strip() == ("lives" if lives else "TimeoutError")
    if lives:
        assert lab.peer.echo(lab.FW, 8000, timeout=0.7) == "TimeoutError"


def test_life_privileges(lab: Any) -> None:
    """CAP_NET_ADMIN alone (bit 12), for supervisor and worker, and no way back. Where the kernel has sets the
    supervisor has CAP_NET_RAW (bit 13) as well: iptables asks for a set over a raw socket. Where a plugin may need a
    helper process it keeps CAP_DAC_READ_SEARCH (2) and CAP_SYS_PTRACE (19), which it gives to that process alone."""
    of_supervisor = ipset.available() << 13 | are_helpers_installed() * (1 << 2 | 1 << 19)
    firewall = lab.run(CLOSED, PYWALL_IPTABLES="nft")
    for pid in [firewall.pid, *firewall.workers()]:
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
        )
        wanted = 1 << 12 | (of_supervisor if pid == firewall.pid else 0)
        assert {status[name] for name in ("CapPrm", "CapEff", "CapBnd")} == {f"{wanted:016x}"}
        assert status["NoNewPrivs"] == "1"
        assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == 0


def bounded(capabilities: Iterable[str]) -> tuple[str, ...]:
    """A command that runs another one with these capabilities at most, as a unit or a container does."""
    names = ",".join(["-all", *(f"+{name.removeprefix('CAP_').lower()}" for name in capabilities)])
    return ("setpriv", f"--bounding-set={names}", "--inh-caps=-all")


@pytest.mark.parametrize("given", ["service", "container"])
def test_life_starts_with_what_it_is_given(lab: Any, variant: str, given: str) -> None:
    """The systemd unit gives all that is of use; a container has to give CAP_NET_ADMIN, and CAP_NET_RAW for legacy."""
    text = unit("/usr/bin/pywall", "policy:default", variant)
    (line,) = (line for line in text.splitlines() if line.startswith("CapabilityBoundingSet="))
    of_container = ["CAP_NET_ADMIN"] + ["CAP_NET_RAW"] * (variant == "legacy")
    wanted = line.partition("=")[2].split() if given == "service" else of_container
    firewall = lab.begin(BANNING, under=bounded(wanted), PYWALL_IPTABLES=variant).ready()
    lab.fw.echo_server(8000)
    assert lab.peer.echo(lab.FW, 8000) == "ok"
    assert ("sets decide at sight are queued" in firewall.log()) == (wanted == ["CAP_NET_ADMIN"])
    assert "Traceback" not in firewall.log()
    subprocess.run(lab.fw.command(*PYWALL, "block", lab.PEER), check=True, capture_output=True)
    assert lab.peer.echo(lab.FW, 8000, timeout=0.7) == "TimeoutError"
    assert firewall.stop() == 0
    assert "pywall" not in lab.fw.ruleset(variant)


def test_life_a_user_that_workers_cannot_become_is_said(lab: Any) -> None:
    policy = CLOSED.replace("plugins:", "run: {user: nobody}\n    plugins:")
    firewall = lab.begin(policy, under=bounded(["CAP_NET_ADMIN", "CAP_NET_RAW"]))
    assert firewall.wait(30) == 5
    assert "run.user: nobody needs CAP_SETUID, CAP_SETGID and CAP_KILL" in firewall.log()


def nobody_can_run_pywall() -> bool:
    places = [Path(place).resolve() for place in (sys.base_prefix, sys.prefix, pywall_core.__file__)]
    return all(folder.stat().st_mode & 1 for place in places for folder in place.parents)


@pytest.mark.skipif(not nobody_can_run_pywall(), reason="the interpreter or PyWall is readable by root alone")
def test_life_worker_as_another_user(lab: Any) -> None:
    firewall = lab.run(CLOSED.replace("plugins:", "run: {user: nobody}\n    plugins:"))
    lab.fw.echo_server(8000)
    (worker,) = firewall.workers()
    assert Path(f"/proc/{worker}").stat().st_uid == 65534
    assert lab.peer.echo(lab.FW, 8000) == "ok"
    assert firewall.stop() == 0


def test_life_files_are_roots_alone(lab: Any) -> None:
    firewall = lab.run(CLOSED)
    folder = Path("/run/pywall", str(Path(f"/proc/{firewall.pid}/ns/net").stat().st_ino))
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    paths = [folder, *folder.iterdir()]
    assert {path.name for path in paths} >= {"lock", "generation", "control.sock"}
    for path in paths:
        status = path.lstat()
        assert status.st_uid == 0
        assert status.st_mode & 0o077 == 0, path


def test_life_a_pause_of_everything_ends_no_worker(lab: Any, until: Any) -> None:
    """A virtual machine that was paused: supervisor and worker both stood still; neither is to blame."""
    firewall = lab.run(CLOSED)
    (worker,) = firewall.workers()
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for pid in (firewall.pid, worker):
            os.kill(pid, number)
        if number == signal.SIGSTOP:
            lab.fw.run("sleep 6")
    lab.fw.run("sleep 2")
    assert firewall.workers() == [worker]
    assert "does not answer" not in firewall.log()


def test_life_stop_without_iptables_says_so(lab: Any, tmp_path: Path) -> None:
    """What cannot be taken out is said, with what to do, and the exit code is not 0."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("iptables", "ip6tables"):
        for what in ("restore", "save"):
            tool = tools / f"{name}-{what}"
            tool.write_text(f'#!/bin/sh\n[ -e {tools}/broken ] && exit 1\nexec /usr/sbin/{name}-{what} "$@"\n')
            tool.chmod(0o755)
    firewall = lab.run(CLOSED, PATH=f"{tools}:{os.environ['PATH']}")
    (tools / "broken").touch()
    assert firewall.stop() == 1
    assert "pywall cleanup" in firewall.log()
    lab.fw.run(f"{sys.executable} -m pywall_core cleanup")
    assert left_over(lab.fw) == ""
