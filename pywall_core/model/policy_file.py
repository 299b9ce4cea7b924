"""PolicyFile: a file that a policy names. A relative path is taken from the folder of the file that says it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator

#: the folder of the file that is being checked; the working directory where a policy came from no file
_folder: Final = ContextVar("policy_folder", default=Path())
#: what is read through these has no folder of its own: pipes of a shell
_PIPES: Final = ("/dev/", "/proc/")


@contextmanager
def named_in(policy: str) -> Iterator[None]:
    """Take relative paths from the folder of this policy's file meanwhile; empty, or ``policy:NAME``: from the working
    directory.
    """
    token = _folder.set(Path() if policy.startswith(_PIPES) else Path(policy).parent)
    try:
        yield
    finally:
        _folder.reset(token)


def policy_file(path: str) -> str:
    """Return where a file is that a policy names.

    :raises ValueError: it is not in the policy's folder, but in the working directory
    """
    found = _folder.get() / path
    if not found.exists() and Path(path).exists():
        raise ValueError(
            f"{path}: there is no such file beside the policy, from where relative paths are taken (not from the "
            f"working directory): write {Path(path).resolve()}"
        )
    return str(found)


#: The type of a rule's parameter that is the path of a file to read.
PolicyFile = Annotated[str, AfterValidator(policy_file)]
