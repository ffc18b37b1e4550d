"""What each owner has spent lately of something that all share, such as the CPU.

A sliding window of slots: what was spent in a slot is forgotten all at once, when the slot has
left the window. Time is passed in; threads do not share it without a lock.
"""

import math
from collections import deque
from dataclasses import dataclass

from voxshelf.core.errors import RateLimited

_SLOTS = 20


@dataclass(slots=True)
class _Slot:
    number: int
    spent: float


class Spending:
    """So much for each owner within a window of `window_s` seconds."""

    def __init__(self, limit: float, window_s: float) -> None:
        """Begin with nothing spent."""
        self._limit, self._slot_s = limit, window_s / _SLOTS
        # By the time of their latest spending, earliest first.
        self._owners: dict[str, deque[_Slot]] = {}

    @property
    def owners(self) -> int:
        """Return of how many owners something is remembered."""
        return len(self._owners)

    def check(self, owner: str, now_s: float) -> None:
        """Refuse who has spent it all.

        Raises:
            RateLimited: with the time after which enough is forgotten.
        """
        slots = self._owners.get(owner, ())
        oldest = math.floor(now_s / self._slot_s) - _SLOTS
        kept = [slot for slot in slots if slot.number > oldest]
        left = sum(slot.spent for slot in kept)
        if left < self._limit:
            return
        for slot in kept:
            left -= slot.spent
            if left < self._limit:
                frees_at_s = (slot.number + _SLOTS) * self._slot_s
                wait_s = max(1, math.ceil(frees_at_s - now_s))
                raise RateLimited(
                    f"This user has had too much done lately. Go on in {wait_s} s.",
                    retry_after_s=wait_s,
                )

    def charge(self, owner: str, amount: float, now_s: float) -> None:
        """Remember what was spent, and forget what has left the window, everybody's."""
        number = math.floor(now_s / self._slot_s)
        slots = self._owners.pop(owner, deque())
        if slots and slots[-1].number == number:
            slots[-1].spent += amount
        else:
            slots.append(_Slot(number, amount))
        while slots[0].number <= number - _SLOTS:
            slots.popleft()
        self._owners[owner] = slots
        self._forget(number)

    def _forget(self, number: int) -> None:
        while True:
            owner = next(iter(self._owners))
            if self._owners[owner][-1].number > number - _SLOTS:
                return
            del self._owners[owner]
