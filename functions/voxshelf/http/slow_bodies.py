"""How many slow bodies a process waits for at once."""

import threading
from collections import Counter


class SlowBodies:
    """Places for slow bodies: so many in all, and fewer for one owner.

    Quick bodies need none. So whoever sends slowly, and however often, leaves threads to others.
    """

    def __init__(self, places: int, places_each: int) -> None:
        """Let in so many, and so many of one owner."""
        self._places, self._places_each = places, places_each
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def has_all(self, owner: str) -> bool:
        """Tell whether `owner` has as many places as one may have."""
        return self._taken[owner] >= self._places_each

    def enter(self, owner: str) -> bool:
        """Take a place and return True, or False where there is none."""
        with self._lock:
            if self.has_all(owner) or self._taken.total() >= self._places:
                return False
            self._taken[owner] += 1
            return True

    def leave(self, owner: str) -> None:
        """Give a place back."""
        with self._lock:
            self._taken[owner] -= 1
            if not self._taken[owner]:
                # A process meets many users, and remembers none of them.
                del self._taken[owner]
