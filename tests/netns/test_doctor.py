"""``pywall doctor`` in a namespace with a firewall, without one, and with what others have set up."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import pytest

from .conftest import PYWALL

POLICY = "version: 1\nqueue: {number: 3}\nplugins: [rules]\ndefault: ACCEPT\n"


def doctor(lab: Any) -> tuple[int, dict[str, str], str]:
    """Exit code, the state of each check by name, and all that is said."""
    done = subprocess.run(lab.fw.command(*PYWALL, "doctor"), capture_output=True, text=True, timeout=60)
    answer = lab_ask(lab)
    states = {check["name"]: {True: "ok", False: "PROBLEM", None: "?"}[check["ok"]] for check in answer}
    assert len(done.stdout.splitlines()) <= 25
    return done.returncode, states, done.stdout


def lab_ask(lab: Any) -> list[dict[str, Any]]:
    import json

    argv = lab.fw.command(*PYWALL, "doctor", "--json")
    checks = json.loads(subprocess.run(argv, capture_output=True, text=True, timeout=60).stdout)["checks"]
    assert isinstance(checks, list)
    return checks


@pytest.mark.parametrize("running", [False, True])
def test_nothing_of_ours_is_a_finding(lab: Any, variant: str, running: bool) -> None:
    if running:
        lab.run(POLICY, PYWALL_IPTABLES=variant)
    code, states, text = doctor(lab)
    assert code == 0, text
    states.pop("compiled modules")
    assert set(states.values()) == {"ok"}, text


def test_rules_left_behind_are_a_problem_until_they_are_cleaned_up(lab: Any, until: Any) -> None:
    firewall = lab.run(POLICY)
    firewall.send(signal.SIGKILL)
    firewall.wait(10)
    until(lambda: not lab.fw.queued(), 10, "end of the workers")
    code, states, text = doctor(lab)
    assert (code, states["rules left"]) == (1, "PROBLEM"), text
    assert "pywall cleanup" in text
    assert subprocess.run(lab.fw.command(*PYWALL, "cleanup"), capture_output=True).returncode == 0
    assert doctor(lab)[1]["rules left"] == "ok"


FOREIGN_QUEUE = """
import sys, time
from netfilterqueue import NetfilterQueue
queue = NetfilterQueue()
queue.bind(77, lambda packet: packet.accept())
print("ready", flush=True)
time.sleep(60)
"""


def test_what_others_have_set_up_is_said_with_a_remedy(lab: Any) -> None:
    lab.run(POLICY.replace("number: 3", "number: 3, mark_mask: 0x1ffff00"))
    other = lab.fw.start(sys.executable, "-c", FOREIGN_QUEUE, stdout=subprocess.PIPE)
    assert other.stdout.readline() == "ready\n"
    lab.fw.run("ip link set fw0 mtu 9000; ip rule add fwmark 0x100/0xff00 lookup main")
    lab.fw.run("iptables -t mangle -A PREROUTING -j MARK --set-mark 0x200")
    lab.fw.run("nft add table ip others; nft 'add chain ip others pre { type filter hook prerouting priority 0; }'")
    lab.fw.run("nft add rule ip others pre meta mark set 0x400")
    code, states, text = doctor(lab)
    assert code == 0, text
    findings = {name for name, state in states.items() if state == "?"} - {"compiled modules"}
    assert findings == {"marks", "queues", "MTU"}, text
    for name in findings:
        assert f"\n{name}: " in text, "what to do"
