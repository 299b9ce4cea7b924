"""A ruleset as nft writes it becomes JSON: nft itself reads it, in a network namespace of its own.

What only the machine knows that the ruleset was written for (interfaces by index, users, groups of processes, modules
of its kernel) makes nft refuse a rule: such rules are left out, and said.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Final

#: nft's word on a line: line, columns, reason
_COMPLAINT: Final = re.compile(r"^/dev/stdin:(\d+):[\d-]+: Error: (.*)", re.MULTILINE)
#: an interface that nft would look up here, and the same by its name
_BY_INDEX: Final = re.compile(r'(?<!\. )\b([io]if)(?=\s+(?:!=\s*)?(?:"|\{|\$|(?!(?:oif|missing|exists)\b)[A-Za-z_]))')
#: the beginning of what is no rule: leaving it out would change what the other lines mean
_NO_RULE: Final = re.compile(r"\s*(?:table|chain|set|map|define|include|type|policy|elements|flags|add|flush|\})\b")
_MAX_LEFT_OUT: Final = 64


def text_as_json(text: str) -> tuple[str, list[str]]:
    """Return the ruleset as ``nft -j list ruleset`` gives it, and a note for each rule that had to be left out.

    :raises ValueError: nft is not installed, or the text is none of its rulesets; the text says where
    """
    lines = _BY_INDEX.sub(r"\1name", text).splitlines()
    notes: list[str] = []
    while True:
        done = _read_by_nft("\n".join(lines) + "\n")
        if not done.returncode:
            return done.stdout, notes
        complaints = {int(line): reason for line, reason in _COMPLAINT.findall(done.stderr)}
        if not complaints:
            raise ValueError(f"nft: {(done.stderr.strip().splitlines() or ['it gave no reason'])[0]}")
        for number, reason in complaints.items():
            line = lines[number - 1] if number <= len(lines) else ""
            whole = line.count("{") == line.count("}") and not _NO_RULE.match(line)
            if reason.startswith("syntax error") or not line.strip() or not whole or len(notes) >= _MAX_LEFT_OUT:
                raise ValueError(f"line {number}: nft: {reason}")
            notes.append(f"line {number}: not converted, nft refuses it here: {reason}: {line.strip()}")
            lines[number - 1] = ""


def _read_by_nft(text: str) -> subprocess.CompletedProcess[str]:
    nft, unshare = (
        shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") for name in ("nft", "unshare")
    )
    if nft is None or unshare is None:
        raise ValueError("nft is needed to read its text; give the output of 'nft -j list ruleset' instead")
    own = ["-n"] if os.geteuid() == 0 else ["-rn"]
    command = [unshare, *own, "sh", "-c", f"{nft} -f - && exec {nft} -j list ruleset"]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
