"""Turns at a few places, shared out between owners."""

import math
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from voxshelf.core.errors import Unavailable
from voxshelf.core.round_robin import RoundRobin


@dataclass(frozen=True, slots=True)
class TurnRules:
    """How many may have a turn at once, and how many may be present, with those who wait for one.

    Whoever is present holds a thread of the instance.
    """

    places: int
    places_of_owner: int
    wait_s: float
    present: float = math.inf
    present_of_owner: float = math.inf


@dataclass(eq=False, slots=True)
class _Wish:
    is_granted: bool = False


class FairTurns:
    """Shares turns out by `RoundRobin`, to threads that wait for them."""

    def __init__(self, rules: TurnRules) -> None:
        """Begin with all places free."""
        self._rules = rules
        self._changed = threading.Condition()
        self._waiting = RoundRobin[_Wish]()
        self._running = Counter[str]()

    @property
    def waiting(self) -> int:
        """Return how many wait at this moment."""
        return len(self._waiting)

    @contextmanager
    def turn(self, owner: str) -> Iterator[None]:
        """Have a turn while the block runs.

        Raises:
            Unavailable: too many are present already, or no place became free in time.
        """
        wish = _Wish()
        with self._changed:
            self._check_room(owner)
            self._waiting.add(owner, wish)
            self._grant()
            try:
                if not self._changed.wait_for(lambda: wish.is_granted, self._rules.wait_s):
                    raise self._busy()
            finally:
                if not wish.is_granted:
                    self._waiting.remove(owner, wish)
        try:
            yield
        finally:
            with self._changed:
                self._running -= Counter([owner])
                self._grant()

    def _check_room(self, owner: str) -> None:
        present = len(self._waiting) + self._running.total()
        present_of_owner = self._waiting.of(owner) + self._running[owner]
        if present >= self._rules.present or present_of_owner >= self._rules.present_of_owner:
            raise self._busy()

    def _grant(self) -> None:
        while self._running.total() < self._rules.places and (
            granted := self._waiting.take(self._may_run)
        ):
            owner, wish = granted
            wish.is_granted = True
            self._running[owner] += 1
            self._changed.notify_all()

    def _may_run(self, owner: str) -> bool:
        return self._running[owner] < self._rules.places_of_owner

    def _busy(self) -> Unavailable:
        return Unavailable(
            "Other audio is being checked at the moment. Try again a little later.",
            retry_after_s=math.ceil(self._rules.wait_s),
        )
