"""Hot reload: the new policy is in force, a broken one changes nothing, nothing is left behind."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .conftest import patience

OLD = """
    version: 1
    queue: {number: 7}
    plugins: [rules]
    chains:
      INPUT:
        - {rule: port, protocol: tcp, dst: 8001, action: DROP}
    default: ACCEPT
    """
NEW = OLD.replace("8001", "8000")
Until = Callable[..., None]


def test_reload_good(lab: Any, variant: str) -> None:
    """``pywall reload``: the new policy decides within 5 s, also about flows that the kernel carried before."""
    for port in (8000, 8001):
        lab.fw.echo_server(port)
    firewall = lab.run(OLD, PYWALL_IPTABLES=variant)
    talker = lab.peer.python(
        """
        s = socket.create_connection((sys.argv[1], 8000), timeout=2)
        print("ready", flush=True)
        end = time.monotonic() + 60
        try:
            while time.monotonic() < end:
                s.send(b"x"); s.recv(1); time.sleep(0.02)
            print("alive")
        except OSError:
            print("cut")
        """,
        lab.FW,
    )
    assert talker.stdout.readline() == "ready\n"
    time.sleep(0.5)
    lab.write(NEW)
    begun = time.monotonic()
    assert firewall.ask("reload")["ok"] is True
    assert time.monotonic() - begun < patience(5)
    assert lab.peer.echo(lab.FW, 8000, timeout=0.7) == "TimeoutError"
    assert lab.peer.echo(lab.FW, 8001) == "ok"
    assert talker.communicate(timeout=90)[0] == "cut\n"  # an accepted, offloaded connection is decided anew
    status = firewall.ask("status")
    assert len(status["workers"]) == 1
    assert firewall.stop() == 0


def test_reload_without_a_gap(lab: Any) -> None:
    """While the policy is exchanged a forbidden port never opens and an allowed one never closes."""
    for port in (8000, 8001):
        lab.fw.echo_server(port)
    firewall = lab.run(OLD)
    watcher = lab.peer.python(
        """
        opened = closed = tried = 0
        end = time.monotonic() + 6
        while time.monotonic() < end:
            tried += 1
            try:
                socket.create_connection((sys.argv[1], 8000), timeout=0.9).close()
            except OSError:
                closed += 1
            s = socket.socket(); s.settimeout(0.02)
            try:
                s.connect((sys.argv[1], 8001)); opened += 1
            except OSError:
                pass
            s.close()
        print(tried > 20, opened, closed)
        """,
        lab.FW,
    )
    for _ in range(4):
        assert firewall.ask("reload")["ok"] is True
    assert watcher.communicate(timeout=30)[0].strip() == "True 0 0"


def test_reload_bad(lab: Any) -> None:
    lab.fw.echo_server(8001)
    firewall = lab.run(OLD)
    rules, workers = lab.fw.ruleset(), firewall.workers()
    for broken, words in (
        ("version: 1\nplugins: [rules", "pywall.yaml"),
        (OLD.replace("8001", "80011"), "80011"),
        (OLD.replace("rule: port", "rule: prot"), "port"),
        (OLD.replace("[rules]", "[rules, no-such-plugin]"), "no-such-plugin"),
    ):
        lab.write(broken)
        answer = firewall.ask("reload")
        assert answer["ok"] is False
        assert words in str(answer["error"])
    firewall.config.unlink()
    assert firewall.ask("reload")["ok"] is False
    assert firewall.workers() == workers
    assert lab.fw.ruleset() == rules
    assert lab.peer.echo(lab.FW, 8001, timeout=0.7) == "TimeoutError"
    assert "Traceback" not in firewall.log()
    assert firewall.stop() == 0


def test_reload_storm(lab: Any, until: Until) -> None:
    """100 SIGHUPs in 5 s: no process, rule or memory piles up."""
    firewall = lab.run(OLD)
    rules = len(lab.fw.ruleset().splitlines())
    resident = memory(firewall.pid)
    for _ in range(100):
        firewall.send(signal.SIGHUP)
        time.sleep(0.05)
    lab.fw.echo_server(8000)
    lab.write(NEW)
    until(lambda: firewall.ask("reload")["ok"] is True, 20, "the last reload")
    assert lab.peer.echo(lab.FW, 8000, timeout=0.7) == "TimeoutError"
    assert len(lab.fw.ruleset().splitlines()) == rules
    until(lambda: len(firewall.workers()) == 1, 10, "the last of the asked-for reloads")
    assert memory(firewall.pid) - resident < 16 * 1024
    assert firewall.stop() == 0
    assert "PYWALL" not in lab.fw.ruleset()


def memory(pid: int) -> int:
    """Resident memory, KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def test_reload_changes_the_kernel_part(lab: Any) -> None:
    """Hooks, workers and queue numbers may change; nothing of the old set stays."""
    lab.fw.echo_server(8000)
    firewall = lab.run(OLD)
    lab.write(NEW.replace("{number: 7}", "{number: 20, workers: 2, hooks: [INPUT]}"))
    assert firewall.ask("reload")["ok"] is True
    assert sorted(lab.fw.queued()) == [20, 21]
    rules = lab.fw.ruleset()
    assert "PYWALL_OUTPUT" not in rules
    assert "NFQUEUE --queue-num 21" in rules
    assert lab.peer.echo(lab.FW, 8000, timeout=0.7) == "TimeoutError"
    assert firewall.stop() == 0


def test_packets_that_wait_outlive_a_change_of_the_rules_and_the_last_one(lab: Any, variant: str) -> None:
    """The kernel drops what waits in all queues when a base chain goes, or the last rule that asks for conntrack."""
    waiting = lab.fw.ask(
        """
        from pathlib import Path
        from netfilterqueue import NetfilterQueue
        from pywall_core.kernel.firewall import Firewall
        from pywall_core.kernel.queues import statistics
        from pywall_core.kernel.ruleset import Plan
        from pywall_core.kernel.rundir import RunDir
        queue = NetfilterQueue()
        queue.bind(7, lambda packet: packet.accept())
        firewall = Firewall(RunDir(Path(sys.argv[1])), sys.argv[2])
        for generation, hooks in ((1, ("OUTPUT",)), (2, ("OUTPUT",)), (3, ("INPUT", "OUTPUT")), (4, ("OUTPUT",))):
            firewall.install(Plan(hooks, 7, generation=generation, marks=firewall.draw_marks(None, 1)))
            if generation == 1:
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"waits", (sys.argv[3], 9000))
            print(statistics()[7].waiting, end=" ")
        firewall.stop_queueing()
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"is not queued", (sys.argv[3], 9000))
        print(statistics()[7].waiting, end=" ")
        firewall.remove()
        """,
        lab.folder / "run",
        variant,
        lab.PEER,
    )
    assert waiting.split() == ["1"] * 5
