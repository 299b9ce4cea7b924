"""PolicyFile: a file that a policy names. A relative path is taken from the folder of the file that says it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator

#: the folder of the file that is being checked; the working directory where a policy came from no file
_folder: Final = ContextVar("policy_folder", default=Path())
#: standard input and pipes of a shell, which are in no folder of their own
_PIPE: Final = re.compile(r"/dev/(?:stdin|fd/\d+)|/proc/\w+/fd/\d+")


def folder_of(policy: str) -> Path:
    """Return the folder that relative paths in a policy's file are taken from: the working directory for a pipe, for
    ``policy:NAME``, and where there is no name.
    """
    return Path() if _PIPE.fullmatch(policy) else Path(policy).parent


@contextmanager
def named_in(policy: str) -> Iterator[None]:
    """Take relative paths from the folder of this policy's file meanwhile (:func:`folder_of`)."""
    token = _folder.set(folder_of(policy))
    try:
        yield
    finally:
        _folder.reset(token)


def policy_file(path: str) -> str:
    """Return where a file is that a policy names.

    :raises ValueError: it is not in the policy's folder, but in the working directory
    """
    found = _folder.get() / path
    # Path.exists raises where a name is too long or a folder may not be searched: who opens the file tells that
    if not os.path.exists(found) and os.path.exists(path):
        raise ValueError(
            f"{path}: there is no such file beside the policy, from where relative paths are taken (not from the "
            f"working directory): write {Path(path).resolve()}"
        )
    return str(found)


#: The type of a rule's parameter that is the path of a file to read.
PolicyFile = Annotated[str, AfterValidator(policy_file)]
