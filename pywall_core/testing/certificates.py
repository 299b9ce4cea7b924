"""Certificates for servers in tests and in the demonstration: self-signed, made by the command openssl."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple


class Certificate(NamedTuple):
    """Files in PEM: the certificate, its key, and both in one."""

    certificate: Path
    key: Path
    both: Path


def make_certificate(folder: Path, name: str) -> Certificate:
    """Return the certificate for ``name``, a host name or an address, in ``folder``; the first call makes it. It is
    good for two days, its key is of the curve P-256, and any user may read the files.

    :raises OSError: there is no openssl
    :raises subprocess.CalledProcessError: openssl has failed
    """
    made = Certificate(*(folder / f"{name}{suffix}" for suffix in (".crt", ".key", ".pem")))
    if made.both.exists():
        return made
    kind = "DNS"
    with suppress(ValueError):
        ip_address(name)
        kind = "IP"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    words += ["-subj", f"/CN={name}", "-addext", f"subjectAltName={kind}:{name}"]
    subprocess.run([*words, "-keyout", made.key, "-out", made.certificate], check=True, capture_output=True)
    made.both.write_bytes(made.key.read_bytes() + made.certificate.read_bytes())
    for file in made:
        file.chmod(0o644)
    return made
