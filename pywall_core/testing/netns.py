"""Throw-away network namespaces: a client, a server, and between them, if wanted, a gateway.

The firewall under test runs in the server's namespace (as a host) or the gateway's. Nothing touches the machine's own
namespace; everything is removed by name, and only processes that were started here are ended.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from typing import Any, Final

CLIENT4: Final = "10.99.1.1"
SERVER4: Final = "10.99.1.2"
CLIENT6: Final = "fd99:1::1"
SERVER6: Final = "fd99:1::2"
#: behind a gateway the server is in a network of its own
FAR_SERVER4: Final = "10.99.2.2"
FAR_SERVER6: Final = "fd99:2::2"

_numbers = itertools.count(1)


class LabError(Exception):
    """A namespace or link can't be set up; the text says what the system answered."""


def unavailable() -> str | None:
    """Why namespaces can't be used here, or None when they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "the command 'ip' is missing (Debian: iproute2)"
    name = f"pw{os.getpid()}-probe"
    try:
        _ip("netns", "add", name)
        _checked(enter(name, "ip", "link", "set", "lo", "up"))
    except LabError as error:
        return f"network namespaces are not permitted: {error}"
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return None


def enter(name: str, *command: str) -> list[str]:
    """Return the command line that runs ``command`` in a network namespace.

    ``ip netns exec`` would mount another /sys, and fails in a chroot whose root is not a mount point. So a command sees
    the interfaces of its own namespace through netlink and /proc, but not through /sys.
    """
    return ["nsenter", f"--net=/run/netns/{name}", "--", *command]


class Lab:
    """``Lab()`` is client and server; ``Lab(gateway=True)`` has a gateway in the middle. Use as a context manager.

    ``firewall`` is the host that the firewall belongs on: "server", or "gateway" where there is one.
    """

    def __init__(self, *, gateway: bool = False, mtu: int = 1500) -> None:
        self.gateway = gateway
        self.firewall = "gateway" if gateway else "server"
        self.server4, self.server6 = (FAR_SERVER4, FAR_SERVER6) if gateway else (SERVER4, SERVER6)
        self.client4, self.client6 = CLIENT4, CLIENT6
        base = f"pw{os.getpid()}-{next(_numbers)}"
        hosts = ("client", "gateway", "server") if gateway else ("client", "server")
        self.names = {host: f"{base}-{host}" for host in hosts}
        self.interfaces = {"client": "eth0", "server": "eth0", "gateway": "eth0"}
        self._processes: list[subprocess.Popen[Any]] = []
        try:
            self._build(mtu)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def command(self, host: str, *command: str) -> list[str]:
        """Return the command line that runs ``command`` on a host."""
        return enter(self.names[host], *command)

    def run(self, host: str, *command: str, check: bool = True, timeout: float = 60, **kwargs: Any) -> str:
        """Run a command to its end; its standard output. Raises LabError when it fails and ``check`` is set."""
        done = subprocess.run(
            self.command(host, *command), capture_output=True, text=True, timeout=timeout, check=False, **kwargs
        )
        if check and done.returncode != 0:
            raise LabError(f"{' '.join(command)} on {host}: exit {done.returncode}: {done.stderr.strip()}")
        return str(done.stdout)

    def start(self, host: str, *command: str, **kwargs: Any) -> subprocess.Popen[Any]:
        """Start a process on a host; it is ended with the lab."""
        process = subprocess.Popen(self.command(host, *command), **kwargs)
        self._processes.append(process)
        return process

    def close(self) -> None:
        """End the processes and remove the namespaces."""
        for process in reversed(self._processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self._processes):
            try:
                process.wait(timeout=8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def _build(self, mtu: int) -> None:
        for name in self.names.values():
            _ip("netns", "add", name)
            _checked(enter(name, "ip", "link", "set", "lo", "up"))
            for family in ("all", "default"):
                self._sysctl(name, f"net.ipv6.conf.{family}.accept_dad", "0")
        if self.gateway:
            self._link("client", "eth0", "gateway", "eth0", 1, mtu)
            self._link("gateway", "eth1", "server", "eth0", 2, mtu)
            gateway = self.names["gateway"]
            self._sysctl(gateway, "net.ipv4.ip_forward", "1")
            self._sysctl(gateway, "net.ipv6.conf.all.forwarding", "1")
            for host, via4, via6 in (("client", "10.99.1.2", "fd99:1::2"), ("server", "10.99.2.1", "fd99:2::1")):
                _checked(enter(self.names[host], "ip", "route", "add", "default", "via", via4))
                _checked(enter(self.names[host], "ip", "-6", "route", "add", "default", "via", via6))
        else:
            self._link("client", "eth0", "server", "eth0", 1, mtu)

    def _link(self, one: str, one_name: str, two: str, two_name: str, net: int, mtu: int) -> None:
        a, b = self.names[one], self.names[two]
        _ip("link", "add", one_name, "netns", a, "mtu", str(mtu), "type", "veth", "peer", "name", two_name, "netns", b)
        for name, interface, end in ((a, one_name, 1), (b, two_name, 2)):
            _checked(enter(name, "ip", "link", "set", interface, "mtu", str(mtu), "up"))
            _checked(enter(name, "ip", "address", "add", f"10.99.{net}.{end}/24", "dev", interface))
            _checked(enter(name, "ip", "address", "add", f"fd99:{net}::{end}/64", "dev", interface, "nodad"))

    def _sysctl(self, name: str, key: str, value: str) -> None:
        _checked(enter(name, "sysctl", "-qw", f"{key}={value}"))


def _ip(*arguments: str) -> None:
    _checked(["ip", *arguments])


def _checked(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")
