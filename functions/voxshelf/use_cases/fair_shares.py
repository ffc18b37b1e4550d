"""How the time of one run is shared between users, so that nobody's work keeps another's waiting.

Everybody gets a little first. What did not fit is done in further rounds with larger shares, among
those alone who have something left; the last of them has all the time that remains.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Enough for nearly all that crashes leave of one user, and several of them in every second.
FIRST_SHARE_S = 4.0
_GROWTH = 4.0


class FairShares:
    """The time that each user has in a round, in seconds of all threads together."""

    def __init__(self, ends_at: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Share what there is until `ends_at`, a time of `clock`."""
        self._ends_at, self._clock = ends_at, clock
        self._share_s = FIRST_SHARE_S
        self._spent: dict[str, float] = {}
        self._waiting: set[str] = set()
        self._admitted: set[str] | None = None
        self._lock = threading.Lock()

    @property
    def is_over(self) -> bool:
        """Tell whether the whole time is over."""
        return self._clock() >= self._ends_at

    def takes_part(self, uid: str) -> bool:
        """Tell whether a user is among those of this round."""
        return self._admitted is None or uid in self._admitted

    @contextmanager
    def turn(self, uid: str) -> Iterator[float]:
        """Spend from a user's share while the block runs; yields when it is to end by, on `clock`.

        That is in the past when nothing is left of it.
        """
        started = self._clock()
        with self._lock:
            left = self._share_s - self._spent.get(uid, 0.0)
        until = min(self._ends_at, started + left)
        try:
            yield until if until > started else -math.inf
        finally:
            with self._lock:
                spent = self._clock() - started
                self._spent[uid] = self._spent.get(uid, 0.0) + spent

    def has_passed(self, time_s: float) -> bool:
        """Tell whether a time of `clock` is over."""
        return self._clock() > time_s

    def put_off(self, uid: str) -> None:
        """Note that a user has something left for the next round."""
        with self._lock:
            self._waiting.add(uid)

    def next_round(self) -> bool:
        """Begin another round among those who have something left; tell whether there are any."""
        self._admitted, self._waiting = self._waiting, set()
        self._spent = {}
        self._share_s *= _GROWTH
        if len(self._admitted) == 1:
            self._share_s = math.inf
        return bool(self._admitted)
