"""Who is next when several owners wait, each with several things."""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class RoundRobin(Generic[T]):
    """Owners stand in a ring: one thing of the first one, who then goes to the end with the rest.

    So while a thing waits, each other owner is served at most once for it, and once for each thing
    of its own owner that stands before it, however many things the others have brought.
    """

    def __init__(self) -> None:
        """Begin with nobody."""
        # A dict keeps the order in which owners came.
        self._ring: dict[str, deque[T]] = {}

    def __len__(self) -> int:
        """Return how many things wait."""
        return sum(map(len, self._ring.values()))

    def of(self, owner: str) -> int:
        """Return how many things of one owner wait."""
        return len(self._ring.get(owner, ()))

    def add(self, owner: str, thing: T) -> None:
        """Let a thing wait, behind all of its owner; who has none waiting comes last of all."""
        self._ring.setdefault(owner, deque()).append(thing)

    def take(self, may: Callable[[str], bool]) -> tuple[str, T] | None:
        """Remove and return what is next among owners who may; None when there is nobody."""
        owner = next(filter(may, self._ring), None)
        if owner is None:
            return None
        things = self._ring.pop(owner)
        thing = things.popleft()
        if things:
            self._ring[owner] = things
        return owner, thing

    def remove(self, owner: str, thing: T) -> None:
        """Remove a thing that does not wait any longer."""
        self._ring[owner].remove(thing)
        if not self._ring[owner]:
            del self._ring[owner]
