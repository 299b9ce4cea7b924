"""AES: what opens, what does not, and that the library is loaded when it is asked for and not before."""

from __future__ import annotations

import subprocess
import sys

from pywall_protocols.parsing import ciphers

KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")


def test_a_block_is_enciphered_alone():  # NIST SP 800-38A, F.1.1
    block = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
    assert ciphers.ecb(KEY, block).hex() == "3ad77bb40d7a3660a89ecaf32466ef97"


def test_counter_mode_deciphers():  # NIST SP 800-38A, F.5.2
    counter = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    sealed = bytes.fromhex("874d6191b620e3261bef6864990db6ce")
    assert ciphers.ctr(KEY, counter, sealed).hex() == "6bc1bee22e409f96e93d7e117393172a"


def test_a_wrong_tag_opens_nothing():
    sealed = bytes.fromhex("58e2fccefa7e3061367f1d57a4e7455a")  # GCM's specification, test case 1: no text
    assert ciphers.open_gcm(bytes(16), bytes(12), sealed, b"") == b""
    assert ciphers.open_gcm(bytes(16), bytes(12), sealed[:-1] + b"\0", b"") is None


def test_loading_all_detectors_loads_no_cryptography():
    code = (
        "import sys; from pywall_protocols.bundle import Protocols; Protocols().plugins(); "
        "sys.exit('cryptography.hazmat.primitives.ciphers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
