"""A key and a certificate of its own, for servers in the namespaces."""

from __future__ import annotations

import subprocess
from pathlib import Path


def key_and_certificate(folder: Path) -> Path:
    """Return the file in ``folder`` that has both, for ``a.example``; it is made by the first call."""
    pem = folder / "both.pem"
    if not pem.exists():
        certificate = folder / "certificate.pem"
        words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=a.example"
        command = [*words.split(), "-keyout", str(pem), "-out", str(certificate)]
        subprocess.run(command, check=True, capture_output=True)
        pem.write_text(pem.read_text() + certificate.read_text())
        pem.chmod(0o644)
    return pem
