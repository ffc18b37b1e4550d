"""The secrets that the functions get on this machine, in place of Secret Manager."""

import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE_NAME = ".secret.local"


def ensure_page_token_key(functions: Path) -> None:
    """Give `functions/.secret.local` a random PAGE_TOKEN_KEY, unless it has one.

    Other lines stay as they are; readers see the old file or the new one, never half of it.
    """
    _ensured(functions, "PAGE_TOKEN_KEY")


def ensure_runpod_api_key(functions: Path) -> str:
    """Return the RUNPOD_API_KEY of `functions/.secret.local`, a random one unless it has one."""
    return _ensured(functions, "RUNPOD_API_KEY")


def _ensured(functions: Path, name: str) -> str:
    path = functions / FILE_NAME
    with _locked(functions):
        lines = path.read_text().splitlines() if path.exists() else []
        for line in lines:
            found, _, secret = line.partition("=")
            if found.strip() == name:
                return secret.strip()
        secret = secrets.token_urlsafe(32)
        _replace(path, "".join(f"{line}\n" for line in [*lines, f"{name}={secret}"]))
    return secret


def _replace(path: Path, text: str) -> None:
    # mkstemp makes the file readable by its owner alone, and the rename keeps that.
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(partial).replace(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep two starts at the same moment from each making its own key."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
