"""Firestore's failures as ours."""

import contextlib
from collections.abc import Iterator

from google.api_core import exceptions

from voxshelf.core.errors import Unavailable

# The write did not happen because something else was written first: look again.
CONFLICTS = (
    exceptions.FailedPrecondition,
    exceptions.AlreadyExists,
    exceptions.NotFound,
    exceptions.Aborted,
)

# It is not known whether the write happened; all of these may pass by themselves.
OUTAGES = (
    exceptions.ServerError,
    exceptions.ResourceExhausted,
    exceptions.RetryError,
    exceptions.Aborted,
    exceptions.Cancelled,
)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise `Unavailable` for every failure that a later retry may not meet."""
    try:
        yield
    except OUTAGES as error:
        raise Unavailable from error
