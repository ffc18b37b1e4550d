"""Sort and find a renamed voice's generations under its new name, before the answer is given.

They show that name already. Each generation keeps it too, because Firestore sorts and finds by
what a document holds: a voice of ten thousand generations takes longer to rewrite than anybody
waits. What is not done in time, or stopped by a crash, reconcile does.
"""

import contextlib
import time

from voxshelf.core.errors import Unavailable
from voxshelf.use_cases.ports import Library, Renaming

# Far below the ten seconds that people wait for an answer without turning to something else
# (Nielsen, "Response Times"): the batch that has begun by then takes its time, too.
PATIENCE_S = 2.0


def rename_generations(
    renaming: Renaming, library: Library, patience_s: float = PATIENCE_S
) -> None:
    """Rewrite for as long as the patience lasts, and at least one batch.

    The rename itself is done by then, so that what fails here is not the caller's failure.
    """
    until = time.monotonic() + patience_s
    with contextlib.suppress(Unavailable):
        for _ in library.rename_generations(renaming):
            if time.monotonic() > until:
                return
