"""The firewalls that are compared, and how each is started on a lab's host."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from pywall_core.testing.netns import Lab

HERE: Final = Path(__file__).parent
POLICY: Final = HERE.parent / "policy.yaml"
#: before the first of them in the policy further rules are put
FIRST_RULE: Final = "    - {rule: ip, src: 192.0.2.0/24"
#: rules on addresses of a net that nobody here uses (RFC 2544)
_UNUSED: Final = int(IPv4Address("198.18.0.0"))
HOOKS: Final = {"server": ("INPUT", "OUTPUT"), "gateway": ("FORWARD",)}


@dataclass(frozen=True)
class Firewall:
    """``kind`` is the program, "" none. ``rules`` are added to its policy, ``queue`` and ``events`` are PyWall's
    sections; ``events`` also turns Suricata's on. ``passes_noise``: its rules let encrypted payload pass.
    """

    name: str
    kind: str = ""
    rules: int = 0
    queue: str = ""
    events: bool = False
    passes_noise: bool = False


NONE: Final = Firewall("none")
IN_C: Final = Firewall("C accept-all", "c")
IN_PYTHON: Final = Firewall("Python accept-all", "python")
SURICATA: Final = Firewall("Suricata", "suricata")
PYWALL: Final = Firewall("PyWall", "pywall")
ALL_QUEUED: Final = Firewall("PyWall, offload: false", "pywall", queue="queue: {offload: false}\n")


def there(firewall: Firewall) -> bool:
    """Return True if the program is installed, or can be made."""
    if firewall.kind == "suricata":
        return shutil.which("suricata") is not None
    return firewall.kind != "c" or (shutil.which("cc") is not None and _header().exists())


def start(lab: Lab, firewall: Firewall, folder: Path) -> int:
    """Have the firewall run on the lab's host for firewalls; its process id, 0: there is none."""
    if not firewall.kind:
        return 0
    log = folder / "log"
    with log.open("wb") as out:
        process = lab.start(lab.firewall, *_command(firewall, folder), stdout=out, stderr=out)
    if firewall.kind == "pywall":
        _wait_for_rules(lab, log, process)
    else:
        wait_for_text(log, "Engine started" if firewall.kind == "suricata" else "ready", process)
        for hook in HOOKS[lab.firewall]:
            lab.run(lab.firewall, "iptables", "-t", "mangle", "-A", hook, "-j", "NFQUEUE", "--queue-num", "1")
    return process.pid


def cpu_seconds(pid: int) -> float:
    """Return what a process, its threads and its children have used so far."""
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(cpu_seconds(int(child)) for child in children)


def queued_packets(lab: Lab) -> int:
    """Return how many packets the firewall's host has queued so far (``id_sequence`` of nfnetlink_queue)."""
    lines = lab.run(lab.firewall, "cat", "/proc/net/netfilter/nfnetlink_queue", check=False).splitlines()
    return sum(int(line.split()[7]) for line in lines)


def policy(firewall: Firewall, folder: Path) -> str:
    """Return PyWall's configuration."""
    text = POLICY.read_text()
    rules = "".join(f"    - {{rule: ip, src: {address}, action: DROP}}\n" for address in _addresses(firewall.rules))
    text = text.replace(FIRST_RULE, rules + FIRST_RULE) + firewall.queue
    if firewall.passes_noise:
        text = text.replace("is: encrypted, action: DROP", "is: encrypted, action: ACCEPT")
    return text + (f"events: {{file: {folder / 'events.json'}}}\n" if firewall.events else "")


def _command(firewall: Firewall, folder: Path) -> list[str]:
    if firewall.kind == "c":
        binary = str(folder / "accept_all")
        subprocess.run(
            ["cc", "-O2", "-o", binary, HERE / "accept_all.c", "-lnetfilter_queue", "-lnfnetlink"], check=True
        )
        return [binary]
    if firewall.kind == "python":
        return [sys.executable, str(HERE / "accept_all.py")]
    if firewall.kind == "suricata":
        rules = folder / "suricata.rules"
        more = "".join(
            f"drop ip {address} any -> any any (sid:{number}; rev:1;)\n"
            for number, address in enumerate(_addresses(firewall.rules), 2_000_000)
        )
        rules.write_text((HERE / "suricata.rules").read_text() + more)
        events = ["--set", "outputs.1.eve-log.enabled=yes"] if firewall.events else []
        return ["suricata", "-c", str(HERE / "suricata.yaml"), "-S", str(rules), "-l", str(folder), *events, "-q", "1"]
    config = folder / "policy.yaml"
    config.write_text(policy(firewall, folder))
    return [sys.executable, "-m", "pywall_core", "run", "--config", str(config)]


def _addresses(count: int) -> Iterator[IPv4Address]:
    return (IPv4Address(_UNUSED + number) for number in range(count))


def _header() -> Path:
    return Path("/usr/include/libnetfilter_queue/libnetfilter_queue.h")


def wait_for_text(log: Path, text: str, process: subprocess.Popen[bytes]) -> None:
    """Return when the text is in the file; :raises SystemExit: the process has ended, or it takes too long."""
    deadline = time.monotonic() + 60
    while text not in log.read_text():
        if time.monotonic() > deadline or process.poll() is not None:
            raise SystemExit(f"not ready: {log.read_text()}")
        time.sleep(0.05)


def _wait_for_rules(lab: Lab, log: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    chain = f"PYWALL_{HOOKS[lab.firewall][0]}"
    while chain not in lab.run(lab.firewall, "iptables-save", "-t", "mangle"):
        if time.monotonic() > deadline or process.poll() is not None:
            raise SystemExit(f"pywall did not start: {log.read_text()}")
        time.sleep(0.1)
    time.sleep(1)
