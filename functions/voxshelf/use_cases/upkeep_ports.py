"""The role that looks after what is there of all users; only `reconcile` needs it played."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Protocol

from voxshelf.use_cases.ports import Leftover
from voxshelf.use_cases.unreadable import Unreadable


class Upkeep(Protocol):
    """Finds what crashes left behind, of all users. Raises `Unavailable` as `Library` does."""

    def now(self) -> datetime:
        """Return the database's time, which alone decides what is old."""

    def leftovers(self, older_than: timedelta) -> Iterator[Leftover | Unreadable]:
        """Yield what began this long ago by the database's clock and has not ended.

        The oldest of each kind comes first, and renamings last, since speech that is finished
        before may bring an earlier name with it. What is settled meanwhile may still come.
        """

    def references(self, uid: str) -> frozenset[str]:
        """Return the paths of all objects that any document of the user names.

        Raises:
            Unreadable: nobody knows what that document names.
        """

    def ready_paths(self) -> Iterator[str | Unreadable]:
        """Yield the path of each object of each item that readers see."""

    def users(self) -> Iterator[str]:
        """Yield the uid of everybody of whom there is any document."""

    def recount(self, uid: str) -> int | None:
        """Compare a user's counters with what is there; return how many were wrong, and are mended.

        None when that cannot be told now, as something is being saved.

        Raises:
            Unreadable: nobody knows what counts that document is in.
        """
