"""nginx, Squid, Exim, Dovecot, slapd, PostgreSQL, MariaDB, TigerVNC, vsftpd, InspIRCd and Prosody: what comes late on a
connection is inspected as what comes first.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pywall_core.testing.certificates import make_certificate
from tests.covert.labs import Stage, wait_for

pytestmark = pytest.mark.netns
CLIENTS = str(Path(__file__).with_name("real_clients.py"))
POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT:
    - {rule: fact, name: http.url, is: /secret, action: DROP, comment: secret}
    - all:
        - {rule: app, is: tls}
        - rule: fact
          name: app_proto_outer
          in: [http, smtp, imap, ldap, pgsql, mysql, rfb, rtsp, ftp, irc, xmpp, unknown]
      action: DROP
      comment: TLS inside
default: ACCEPT
"""
PORTS = {
    "http_second": 8080,
    "http_pipelined": 8080,
    "http2_second": 8081,
    "squid": 3128,
    "smtp": 2525,
    "imap": 1143,
    "ldap": 3389,
    "postgres": 5433,
    "mariadb": 3307,
    "vnc": 5977,
    "ftp": 2121,
    "irc": 6667,
    "xmpp": 5222,
}


def nginx(stage: Stage) -> None:
    folder = stage.folder / "nginx"
    (folder / "www").mkdir(parents=True)
    for name in ("ok", "secret"):
        (folder / "www" / name).write_text("fine")
    temps = "".join(
        f"{kind}_temp_path {folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    pem = make_certificate(stage.folder, "a.example").both
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; user root; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ {temps} access_log {folder}/access.log; root {folder}/www;\n"
        f"server {{ listen 8080; }} server {{ listen 8081 http2; }}\n"
        f"server {{ listen 8443 ssl; ssl_certificate {pem}; ssl_certificate_key {pem}; }} }}\n"
    )
    stage.start("server", "nginx", "-e", folder / "error.log", "-c", config)


def squid(stage: Stage) -> None:
    nginx(stage)
    folder = stage.folder / "squid"
    folder.mkdir()
    config = folder / "squid.conf"
    config.write_text(
        f"http_port 3128\nhttp_access allow all\npid_filename none\ncache_log {folder}/cache.log\n"
        f"access_log none\ncache deny all\ncoredump_dir {folder}\ncache_effective_user proxy\n"
        "shutdown_lifetime 1 seconds\nnetdb_filename none\n"
    )
    folder.chmod(0o777)
    stage.start("server", "squid", "-N", "-n", f"pywall{os.getpid()}", "-f", config)


def smtp(stage: Stage) -> None:
    pem = make_certificate(stage.folder, "a.example").both
    config = stage.folder / "exim.conf"
    config.write_text(
        f"primary_hostname = a.example\nspool_directory = {stage.folder}/spool\n"
        "log_file_path = syslog\n"  # files that it writes at its end would make the folder anew
        f"tls_advertise_hosts = *\ntls_certificate = {pem}\ntls_privatekey = {pem}\nacl_smtp_rcpt = accept\n"
        "smtp_accept_max_nonmail = 100\n"
    )
    (stage.folder / "spool").mkdir()
    (stage.folder / "spool").chmod(0o777)
    stage.folder.chmod(0o777)
    stage.start("server", "exim4", "-bdf", "-C", config, "-oX", "2525", "-oP", stage.folder / "exim.pid")


def imap(stage: Stage) -> None:
    pem = make_certificate(stage.folder, "a.example").both
    folder = stage.folder / "dovecot"
    folder.mkdir()
    config = folder / "dovecot.conf"
    version = stage.lab.run("server", "dovecot", "--version")
    # what the two branches write in another way
    before_2_4 = (
        f"ssl_cert = <{pem}\nssl_key = <{pem}\ndisable_plaintext_auth = no\n"
        "passdb {\n  driver = static\n  args = password=right\n}\n"
        "userdb {\n  driver = static\n  args = uid=nobody gid=nogroup home=/tmp\n}\n"
    )
    since_2_4 = (
        f"ssl_server_cert_file = {pem}\nssl_server_key_file = {pem}\nauth_allow_cleartext = yes\n"
        "passdb static {\n  password = right\n}\n"
        "userdb static {\n  fields {\n    uid = nobody\n    gid = nogroup\n    home = /tmp\n  }\n}\n"
    )
    head = "" if version.startswith("2.3") else "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n"
    config.write_text(
        f"{head}protocols = imap\nbase_dir = {folder}/run\nlog_path = {folder}/log\nssl = yes\n"
        f"{since_2_4 if head else before_2_4}"
        "service imap-login {\n  inet_listener imap {\n    port = 1143\n  }\n"
        "  inet_listener imaps {\n    port = 0\n  }\n}\n"
    )
    stage.start("server", "dovecot", "-F", "-c", config)


def ldap(stage: Stage) -> None:
    pem = make_certificate(stage.folder, "a.example").both
    config = stage.folder / "slapd.conf"
    config.write_text(
        f"TLSCertificateFile {pem}\nTLSCertificateKeyFile {pem}\npidfile {stage.folder}/slapd.pid\n"
        "access to * by * read\ndatabase frontend\n"
    )
    stage.start("server", "slapd", "-f", config, "-h", "ldap://0.0.0.0:3389", "-d", "0")


def postgres(stage: Stage) -> None:
    data = stage.folder / "postgres"
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    (programs,) = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
    stage.folder.chmod(0o777)
    stage.lab.run("server", *as_postgres, str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres")
    shutil.copy(make_certificate(stage.folder, "a.example").both, data / "both.pem")
    (data / "both.pem").chmod(0o600)
    shutil.chown(data / "both.pem", "postgres", "postgres")
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 0.0.0.0/0 trust\n")
    options = {
        "listen_addresses": "*",
        "unix_socket_directories": data,
        "ssl": "on",
        "ssl_cert_file": data / "both.pem",
        "ssl_key_file": data / "both.pem",
    }
    words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    stage.start("server", *as_postgres, programs / "postgres", "-D", data, "-p", "5433", *words)


def mariadb(stage: Stage) -> None:
    data = stage.folder / "mariadb"
    pem = make_certificate(stage.folder, "a.example").both
    words = ["--no-defaults", "--user=root", f"--datadir={data}", "--auth-root-authentication-method=normal"]
    stage.lab.run("server", "mariadb-install-db", *words, "--skip-test-db", timeout=120)
    words = ["--no-defaults", "--user=root", f"--datadir={data}", f"--socket={data}/socket", "--port=3307"]
    more = [f"--pid-file={data}/pid", f"--ssl-cert={pem}", f"--ssl-key={pem}", "--skip-grant-tables"]
    stage.start("server", "mariadbd", *words, *more, "--skip-networking=0")


def vnc(stage: Stage) -> None:
    pem = make_certificate(stage.folder, "a.example").both
    words = ["-rfbport", "5977", "-SecurityTypes", "X509None", "-X509Cert", pem, "-X509Key", pem, "-ac"]
    stage.start(
        "server", "Xtigervnc", f":{os.getpid() % 30000 + 100}", *words, "-nolisten", "unix", "-geometry", "64x64"
    )


def ftp(stage: Stage) -> None:
    pem = make_certificate(stage.folder, "a.example").both
    empty, config = stage.folder / "empty", stage.folder / "vsftpd.conf"
    empty.mkdir()
    config.write_text(
        "listen=YES\nlisten_port=2121\nbackground=NO\nanonymous_enable=YES\nssl_enable=YES\nallow_anon_ssl=YES\n"
        f"rsa_cert_file={pem}\nrsa_private_key_file={pem}\nsecure_chroot_dir={empty}\nseccomp_sandbox=NO\n"
    )
    stage.start("server", "vsftpd", config)


def irc(stage: Stage) -> None:
    pem = make_certificate(stage.folder, "a.example").both
    (modules,) = [folder.parent for folder in Path("/usr/lib").glob("**/inspircd/modules/m_starttls.so")]
    config = stage.folder / "inspircd.conf"
    config.write_text(
        '<server name="irc.a.example" description="x" network="x"><admin name="a" nick="a" email="a@a.example">\n'
        '<bind address="0.0.0.0" port="6667" type="clients"><connect allow="*"><options starttlsprofile="s">\n'
        '<module name="ssl_gnutls"><module name="starttls"><module name="cap"><starttls sslprofile="s">\n'
        f'<sslprofile name="s" provider="gnutls" certfile="{pem}" keyfile="{pem}">\n'
        f'<path configdir="{stage.folder}" datadir="{stage.folder}" logdir="{stage.folder}" moduledir="{modules}">\n'
        f'<pid file="{stage.folder}/inspircd.pid">\n'
    )
    stage.start("server", "inspircd", "--nofork", "--runasroot", "--config", config)


def xmpp(stage: Stage) -> None:
    pem = make_certificate(stage.folder, "a.example").both
    folder = stage.folder / "prosody"
    folder.mkdir()
    folder.chmod(0o777)
    config = folder / "prosody.cfg.lua"
    config.write_text(
        f'daemonize = false; run_as_root = true; data_path = "{folder}"; pidfile = "{folder}/pid"\n'
        'modules_enabled = {"tls", "saslauth"}; modules_disabled = {"s2s"}; c2s_require_encryption = false\n'
        f'ssl = {{key = "{pem}", certificate = "{pem}"}}; log = "{folder}/log"\nVirtualHost "a.example"\n'
    )
    stage.start("server", "prosody", "--config", config)


SERVERS = {
    "http_second": nginx,
    "http_pipelined": nginx,
    "http2_second": nginx,
    "squid": squid,
    "smtp": smtp,
    "imap": imap,
    "ldap": ldap,
    "postgres": postgres,
    "mariadb": mariadb,
    "vnc": vnc,
    "ftp": ftp,
    "irc": irc,
    "xmpp": xmpp,
}
PROGRAMS = {
    nginx: ("nginx",),
    squid: ("squid", "nginx"),
    smtp: ("exim4",),
    imap: ("dovecot",),
    ldap: ("slapd", "ldapsearch"),
    postgres: ("psql", "setpriv"),
    mariadb: ("mariadbd", "mariadb-install-db", "mariadb"),
    vnc: ("Xtigervnc",),
    ftp: ("vsftpd",),
    irc: ("inspircd",),
    xmpp: ("prosody",),
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that servers may read which run as other users, with a name short enough for unix sockets."""
    with tempfile.TemporaryDirectory(prefix="pywall-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("what", SERVERS)
def test_what_comes_late_is_inspected(folder: Path, netns_lab: Any, what: str) -> None:
    missing = [program for program in PROGRAMS[SERVERS[what]] if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    pytest.importorskip("hpack")
    stage = Stage(netns_lab(), folder)
    SERVERS[what](stage)
    wait_for(lambda: f":{PORTS[what]} " in stage.lab.run("server", "ss", "-lnt"), f"{what} listens", 90)
    ask = (sys.executable, CLIENTS, what, stage.server)
    without = stage.lab.run("client", *ask)
    assert without == "done\n", f"the server itself: {without}"
    stage.start_firewall(POLICY)
    assert stage.lab.run("client", *ask).startswith("refused")
    wait_for(lambda: stage.events("drop"), "a drop event")
    (comment,) = {event["pywall"]["rule_name"] for event in stage.events("drop")}
    assert comment == ("secret" if SERVERS[what] is nginx else "TLS inside")
    if SERVERS[what] is nginx:
        log = (stage.folder / "nginx" / "access.log").read_text().splitlines()
        assert [line.split()[6] for line in log] == ["/ok", "/secret", "/ok"]
