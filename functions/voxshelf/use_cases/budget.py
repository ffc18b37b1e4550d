"""The bytes that one process may hold at once, in memory and in /tmp together.

On Cloud Functions /tmp is the instance's memory, so a file of 200 MiB costs the same wherever it
lies, and an instance that holds more than it has is killed with all its requests. So whoever is
about to hold many bytes takes them from here first. What does not fit waits briefly, in order of
arrival, and is then refused with the time after which a retry helps.

Nobody waits for ever, and nobody can: a claim that holds nothing blocks nobody while it waits. One
that holds something may wait for more only when that would fit even if all who wait kept what they
hold. So of claims that all wait for each other the last one to begin would have been served at
once, and there are none. Those who hold something are served before those who do not: they are the
ones that will give something back.
"""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from voxshelf.core.errors import PayloadTooLarge, Unavailable

# What every request may hold without asking, so that a small one waits for nobody. An instance
# serves 8 at once.
FREE_BYTES = 1024**2
# Short beside the 60 s of Firebase Hosting, which are for the work itself.
WAIT_S = 5.0
# JSON is held so many times while it is parsed: as bytes, as text, and as the texts in it.
PARSED_TIMES = 3
# It takes milliseconds to look through all that is free: not after every small request.
_MUCH_BYTES = 8 * 1024**2
# About what it takes until the files of a whole budget are fetched, measured and stored.
_TURN_S = 10


@dataclass(eq=False, slots=True)
class _Wish:
    """A claim that waits: what it holds already, and what it wants besides."""

    held: int
    more: int
    is_granted: bool = False


class Budget:
    """So many bytes for all threads of a process."""

    def __init__(
        self,
        total_bytes: int,
        *,
        wait_s: float = WAIT_S,
        tidy: Callable[[], None] = lambda: None,
    ) -> None:
        """Let claims wait for `wait_s` seconds at the most.

        `tidy` is called when a claim has ended that held much: what is freed is not always given
        back to the system by itself.
        """
        self._total, self._wait_s, self._tidy = total_bytes, wait_s, tidy
        self._changed = threading.Condition()
        self._taken = 0
        # In order of arrival.
        self._waiting: list[_Wish] = []

    @property
    def taken_bytes(self) -> int:
        """Return what all claims hold at this moment, beside what is free."""
        return self._taken

    @contextmanager
    def claim(self) -> Iterator["Claim"]:
        """Yield a claim that holds nothing yet; at the end everything is given back."""
        claim = Claim(self)
        try:
            yield claim
        finally:
            claim.end()

    def grow(self, held: int, more: int) -> None:
        """Take `more` bytes for a claim that holds `held`; see `Claim.take`."""
        wish = _Wish(held, more)
        with self._changed:
            if held + more > self._total:
                raise PayloadTooLarge(
                    f"This is more than an instance can hold at once ({self._total} bytes).",
                    details={"max_bytes": self._total},
                )
            if held and more > self._total - held - sum(other.held for other in self._waiting):
                raise self._full(wish)
            self._waiting.append(wish)
            self._grant()
            try:
                if not self._changed.wait_for(lambda: wish.is_granted, self._wait_s):
                    raise self._full(wish)
            finally:
                if not wish.is_granted:
                    self._waiting.remove(wish)
                    # Whoever stood behind it may fit.
                    self._grant()

    def tidy(self) -> None:
        """Give to the system what is free."""
        self._tidy()

    def shrink(self, less: int) -> None:
        """Take bytes back from a claim."""
        with self._changed:
            self._taken -= less
            self._grant()

    def _grant(self) -> None:
        for wish in [wish for wish in self._waiting if wish.held]:
            self._grant_if_it_fits(wish)
        # The first in line is not overtaken by a smaller one: that could go on for ever.
        while self._waiting and not any(wish.held for wish in self._waiting):
            if not self._grant_if_it_fits(self._waiting[0]):
                return

    def _grant_if_it_fits(self, wish: _Wish) -> bool:
        if self._taken + wish.more > self._total:
            return False
        self._taken += wish.more
        self._waiting.remove(wish)
        wish.is_granted = True
        self._changed.notify_all()
        return True

    def _full(self, refused: _Wish) -> Unavailable:
        """Return a refusal; the more others want, the later a retry helps."""
        others = sum(wish.more for wish in self._waiting if wish is not refused)
        return Unavailable(
            "This instance has its hands full of large files. Try again a little later.",
            retry_after_s=_TURN_S * math.ceil((others + refused.more) / self._total),
        )


class Claim:
    """What one request holds of a budget. Threads do not share it."""

    def __init__(self, budget: Budget) -> None:
        """Hold nothing."""
        self._budget, self._held, self._most = budget, 0, 0

    def take(self, size_bytes: int) -> None:
        """Hold so many bytes more: ask before they are there.

        Raises:
            PayloadTooLarge: they can never fit.
            Unavailable: they did not fit in time. What was held before still is.
        """
        charged = _charged(self._held)
        more = _charged(self._held + size_bytes) - charged
        if more:
            self._budget.grow(charged, more)
        self._held += size_bytes
        self._most = max(self._most, self._held)

    def give_back(self, size_bytes: int) -> None:
        """Hold so many bytes less, when they are gone."""
        charged = _charged(self._held)
        self._held -= size_bytes
        less = charged - _charged(self._held)
        if less:
            self._budget.shrink(less)

    def end(self) -> None:
        """Give everything back."""
        self.give_back(self._held)
        most, self._most = self._most, 0
        if most > _MUCH_BYTES:
            self._budget.tidy()


def _charged(held: int) -> int:
    return max(0, held - FREE_BYTES)
