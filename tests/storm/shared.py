"""What one user of the storm knows of the others."""

import random
import threading
from collections import defaultdict, deque

from tests.chaos.job_clients import recorded

_ARCHIVES = 20


class Shared:
    """Archives that anybody may import, and ids that belong to others. Threads share it."""

    def __init__(self) -> None:
        """Begin with nothing but a recording of a voice."""
        self.spoken = recorded()
        self._archives: deque[bytes] = deque(maxlen=_ARCHIVES)
        self._ids: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._lock = threading.Lock()

    def add_archive(self, archive: bytes) -> None:
        """Let others import an archive."""
        with self._lock:
            self._archives.append(archive)

    def archive(self, dice: random.Random) -> bytes | None:
        """Return one of the last archives."""
        with self._lock:
            return dice.choice(list(self._archives)) if self._archives else None

    def add_item(self, uid: str, kind: str, item_id: str) -> None:
        """Note an item's id."""
        with self._lock:
            self._ids[uid].append((kind, item_id))

    def item_of_another(self, dice: random.Random, uid: str) -> tuple[str, str] | None:
        """Return kind and id of an item of another user."""
        with self._lock:
            others = [
                place
                for owner, places in self._ids.items()
                if owner != uid
                for place in places[-20:]
            ]
        return dice.choice(others) if others else None
