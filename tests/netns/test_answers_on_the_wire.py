"""A host behind a policy that lets nothing in: what it asked for comes all the same, and nobody else's."""

from __future__ import annotations

import shutil
from importlib import resources
from typing import Any

import pytest

#: answers each datagram to a multicast group (or broadcast) from a port of its own
DEVICE = """
    group, port = sys.argv[1], int(sys.argv[2])
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", port))
    if 224 <= int(group.split(".")[0]) < 240:
        member = socket.inet_aton(group) + socket.inet_aton(sys.argv[3])
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    print("ready", flush=True)
    while True:
        data, peer = s.recvfrom(2000)
        time.sleep(0.1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind((sys.argv[3], 0))
            other.sendto(b"here I am", peer)
    """
ASK = """
    group, port, me = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(me))
    s.bind((me, 0))
    s.settimeout(1.5)
    heard = 0
    for n in range(2):
        s.sendto(b"who is there?", (group, port))
        try:
            heard += s.recv(100) == b"here I am"
        except TimeoutError:
            pass
    print(heard)
    """


def ready_made(name: str, workers: int = 1) -> str:
    text = resources.files("pywall_core.policies").joinpath(f"{name}.yaml").read_text()
    return f"{text}queue: {{number: 3, workers: {workers}}}\n"


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("group", ["239.255.255.250", "224.0.0.251", "10.77.0.255", "255.255.255.255"])
def test_devices_are_found(lab: Any, group: str, workers: int) -> None:
    lab.fw.run("ip route add 224.0.0.0/4 dev fw0; ip route add 255.255.255.255 dev fw0")
    device = lab.peer.python(DEVICE, group, 1900, lab.PEER)
    assert device.stdout.readline() == "ready\n"
    lab.run(ready_made("host-firewall", workers))
    assert lab.fw.ask(ASK, group, 1900, lab.FW) == "2"
    lab.fw.echo_server(7000, kind="udp")
    assert lab.peer.echo(lab.FW, 7000, "udp", timeout=0.7) == "TimeoutError"


@pytest.mark.skipif(not shutil.which("dnsmasq") or not shutil.which("dhclient"), reason="needs dnsmasq and dhclient")
@pytest.mark.parametrize("policy", ["host-firewall", "server", "kiosk", "allow-known"])
def test_a_host_gets_its_ipv6_address(lab: Any, policy: str) -> None:
    server = lab.peer.start(
        *f"dnsmasq -k -p 0 --dhcp-range=fd77::100,fd77::200,64 --interface=peer0 --dhcp-leasefile={lab.folder}/s "
        "--user=root --pid-file= --conf-file=/dev/null".split()
    )
    lab.run(ready_made(policy))
    lab.fw.run("while ip -6 addr show dev fw0 tentative | grep -q inet6; do :; done")  # dhclient does not wait for it
    leases = lab.folder / "leases"
    lab.fw.run(f"timeout 10 dhclient -6 -1 -d -sf /bin/true -lf {leases} -pf {lab.folder}/pid fw0", check=False)
    assert server.poll() is None
    assert "iaaddr" in leases.read_text()


#: an FTP server that stores and sends files, active and passive, on one connection after the other
FTP_SERVER = """
    import threading
    host = sys.argv[1]
    family = address(host)
    control = socket.create_server((host, 21), family=family)
    print("ready", flush=True)
    files = {b"a": b"content\\r\\n" * 2000}
    def talk(c):
        say, data = lambda line: c.sendall(line + b"\\r\\n"), None
        say(b"220 ready")
        for line in c.makefile("rb"):
            word, _, rest = line.strip().partition(b" ")
            if word == b"PORT":
                n = rest.split(b","); data = (b".".join(n[:4]).decode(), int(n[4]) << 8 | int(n[5])); say(b"200 ok")
            elif word == b"EPRT":
                n = rest.split(b"|"); data = (n[2].decode(), int(n[3])); say(b"200 ok")
            elif word in (b"PASV", b"EPSV"):
                data = socket.create_server((host, 0), family=family); port = data.getsockname()[1]
                numbers = b"%s,%d,%d" % (host.replace(".", ",").encode(), port >> 8, port & 255)
                say(b"227 Passive (%s)" % numbers if word == b"PASV" else b"229 Extended (|||%d|)" % port)
            elif word in (b"RETR", b"STOR"):
                say(b"150 opening")
                try:
                    d = socket.create_connection(data, 3) if isinstance(data, tuple) else data.accept()[0]
                    if word == b"RETR":
                        d.sendall(files[rest])
                    else:
                        files[rest] = b"".join(iter(lambda: d.recv(65536), b""))
                    d.close(); say(b"226 done")
                except OSError:
                    say(b"425 no data connection")
            else:
                say({b"USER": b"331 password?", b"PASS": b"230 in", b"QUIT": b"221 bye"}.get(word, b"200 ok"))
    while True:
        threading.Thread(target=talk, args=(control.accept()[0],), daemon=True).start()
    """
FTP_CLIENT = """
    import ftplib, io
    client = ftplib.FTP(); client.connect(sys.argv[1], 21, timeout=6)
    client.set_pasv(sys.argv[2] == "passive"); client.login("u", "p")
    stored = b"other content\\r\\n" * 3000
    for n in range(2):
        got = io.BytesIO()
        client.retrbinary("RETR a", got.write)
        assert got.getvalue() == b"content\\r\\n" * 2000, len(got.getvalue())
        client.storbinary("STOR b", io.BytesIO(stored))
        got = io.BytesIO()
        client.retrbinary("RETR b", got.write)
        assert got.getvalue() == stored
    print("ok")
    """


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("mode", ["active", "passive"])
@pytest.mark.parametrize("version", [4, 6])
def test_files_come_and_go_by_ftp(lab: Any, mode: str, version: int, workers: int) -> None:
    host = lab.PEER if version == 4 else lab.PEER6
    assert lab.peer.python(FTP_SERVER, host).stdout.readline() == "ready\n"
    lab.run(ready_made("host-firewall", workers))
    assert lab.fw.ask(FTP_CLIENT, host, mode, timeout=60) == "ok"


def test_a_client_alone_opens_no_port(lab: Any) -> None:
    """15 lines of FTP said to an open port, by a program on this host even, let nobody in."""
    lab.peer.echo_server(21)
    lab.fw.echo_server(6000)
    lab.run(ready_made("host-firewall"))
    lab.fw.ask(
        """
        s = socket.create_connection((sys.argv[1], 21))
        for line in ("USER u", "PASS p", "PORT 10,77,0,1,23,112", "LIST"):
            s.sendall(line.encode() + b"\\r\\n"); s.recv(100)
        """,
        lab.PEER,
    )
    assert lab.peer.echo(lab.FW, 6000, timeout=1.0) == "TimeoutError"
