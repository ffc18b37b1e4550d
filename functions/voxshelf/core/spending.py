"""What each owner has spent lately of something that all share, such as the CPU.

A sliding window of slots: what was spent in a slot is forgotten all at once, when the slot has
left the window. Time is passed in, and never runs back; threads do not share it without a lock.
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
        self._latest = 0
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
        self._forget(now_s)
        slots = self._owners.get(owner, deque())
        left = sum(slot.spent for slot in slots)
        if left < self._limit:
            return
        for slot in slots:
            left -= slot.spent
            if left < self._limit:
                frees_at_s = (slot.number + _SLOTS) * self._slot_s
                wait_s = max(1, math.ceil(frees_at_s - now_s))
                raise RateLimited(
                    f"This user has had too much done lately. Go on in {wait_s} s.",
                    retry_after_s=wait_s,
                )

    def charge(self, owner: str, amount: float, now_s: float) -> None:
        """Remember what was spent."""
        self._forget(now_s)
        slots = self._owners.setdefault(owner, deque())
        number = self._slot_number(now_s)
        if slots and slots[-1].number == number:
            slots[-1].spent += amount
        else:
            slots.append(_Slot(number, amount))

    def _forget(self, now_s: float) -> None:
        """Forget what has left the window, everybody's, when a new slot begins."""
        number = self._slot_number(now_s)
        if number == self._latest:
            return
        self._latest = number
        for slots in self._owners.values():
            while slots and slots[0].number <= number - _SLOTS:
                slots.popleft()
        self._owners = {owner: slots for owner, slots in self._owners.items() if slots}

    def _slot_number(self, now_s: float) -> int:
        return math.floor(now_s / self._slot_s)
