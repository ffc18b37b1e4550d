"""Saves that are refused after work was done for them: nobody may have that done without end."""

import contextlib
from collections.abc import Iterator

from voxshelf.core.errors import Unavailable, VoxshelfError
from voxshelf.use_cases.ports import Library
from voxshelf.use_cases.uploads import UploadGone


@contextlib.contextmanager
def counting_refusals(uid: str, library: Library, *, counts: bool) -> Iterator[None]:
    """Count what fails in the block by the user's own fault.

    `counts` is false for the items of an archive, of which many may be damaged at once.
    """
    try:
        yield
    except UploadGone:
        # The first of two clicks took it over meanwhile; nothing was fetched.
        raise
    except VoxshelfError as error:
        if counts and error.status < Unavailable.status:
            with contextlib.suppress(Unavailable):
                library.count_refusal(uid)
        raise
