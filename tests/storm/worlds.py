"""In which states a user's library may be, when answers are lost and operations meet each other.

A world is one library that explains every answer so far, with the operations that were sent and
never answered: each of them may still happen, until a run of `reconcile` has outlived its lease.
No world left means that no order of the operations explains what was answered.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tests.storm.answers import Answer
from tests.storm.library import Absent, Library, Unlike

# More than any run has met: a few unanswered operations, each done or not.
_MAX_WORLDS = 600
# Later than any moment of the monotonic clock.
NEVER = 1e18
Stage = Callable[[Library], Library | None]


class Operation(Protocol):
    """One thing that a user asks for.

    `stages` are what it does to a library, in this order, when its answer is not heard: each
    returns None where it cannot happen. Where it `finishes`, what is begun is finished. A job
    goes on at its worker, whatever becomes of a lease. Most have the same effect however often
    they are sent.
    """

    finishes: bool
    ends_with_its_lease: bool
    is_one_however_often: bool

    @property
    def stages(self) -> Sequence[Stage]: ...

    def drops(self, library: Library, other: "Operation") -> bool:
        """Tell whether, once this is done, another that is under way cannot happen any more."""

    def after(self, library: Library, answer: Answer) -> Library:
        """Return the library after this answer. Raises Unlike."""


@dataclass(frozen=True)
class Unheard:
    """An operation without an answer: so many of its stages have happened; `since` is monotonic."""

    operation: Operation
    since: float
    done: int = 0


@dataclass(frozen=True)
class World:
    """One state of the library, and what may still happen to it."""

    library: Library
    unheard: tuple[Unheard, ...] = ()


class Worlds:
    """All worlds that are possible by now."""

    def __init__(self, library: Library) -> None:
        """Begin with the one that is known."""
        self.all: list[World] = [World(library)]

    @property
    def library(self) -> Library:
        """Return the likeliest: where nothing has happened that was not acknowledged."""
        return self.all[0].library

    @property
    def is_certain(self) -> bool:
        """Tell whether nothing is unheard of, and one library is left."""
        return len(self.all) == 1 and not self.all[0].unheard

    @property
    def most_unheard(self) -> int:
        """Return of how many operations it is not known whether they happen."""
        return max(len(world.unheard) for world in self.all)

    @property
    def may_be_busy(self) -> bool:
        """Tell whether something may still be under way."""
        return any(world.unheard for world in self.all)

    def heard(
        self, met: Sequence[tuple[Operation, Answer]], *, lost: Iterable[Operation], now: float
    ) -> None:
        """Take in the answers of operations that were sent at the same time.

        Those that are `lost` were sent beside them. Raises Unlike; the worlds are as they were.
        """
        lost = list(lost)
        busy = self.may_be_busy or bool(lost) or len(met) > 1
        begun = [_begun(world, lost, now) for world in self.all]
        found: list[World] = []
        why: list[str] = []
        for order in itertools.permutations(met):
            worlds = begun
            for operation, answer in order:
                after = _after(worlds, operation, answer, why, busy=busy, beside=lost)
                worlds = _distinct(after)
            found += worlds
        if not found:
            raise Unlike("; or ".join(dict.fromkeys(why)))
        self.all = _distinct(found)

    def outlived(self, before: float) -> None:
        """Settle what has been unheard of since a moment: it has happened by now, or never will."""
        if not any(one.since < before for world in self.all for one in world.unheard):
            return
        settled = []
        for world in _closure(self.all):
            over = [one for one in world.unheard if one.since < before]
            if all(_may_stay(one) for one in over):
                left = tuple(one for one in world.unheard if one.since >= before)
                settled.append(World(world.library, left))
        self.all = _distinct(settled) or self.all

    def possible(self) -> list[Library]:
        """Return every library that there may be at this moment."""
        return [world.library for world in _distinct(_closure(self.all))]

    def adopt(self, library: Library) -> None:
        """Go on with what is there, after something was found to be wrong."""
        self.all = [World(library)]


def _begun(world: World, lost: Iterable[Operation], now: float) -> World:
    """Return the world in which these may happen, too; one that is sent again, once."""
    unheard = list(world.unheard)
    for one in lost:
        since = now if one.ends_with_its_lease else NEVER
        known = [number for number, other in enumerate(unheard) if other.operation is one]
        if known and one.is_one_however_often:
            unheard[known[0]] = replace(unheard[known[0]], since=since)
        else:
            unheard.append(Unheard(one, since))
    return replace(world, unheard=tuple(unheard))


def _after(
    worlds: Iterable[World],
    operation: Operation,
    answer: Answer,
    why: list[str],
    *,
    busy: bool,
    beside: Sequence[Operation],
) -> Iterator[World]:
    for world in _closure(worlds):
        if answer.code == "in_progress":
            if busy:
                yield world
            else:
                why.append("nothing is in progress")
            continue
        rests = [world.unheard] if not answer.is_done else _rests(world, operation, beside)
        try:
            library = operation.after(world.library, answer)
        except Unlike as error:
            if busy and isinstance(error, Absent):
                # It was only on its way, which is ended now, or another takes it away just then.
                yield from (World(world.library, left) for left in rests)
            why.append(str(error))
            continue
        yield from (World(library, left) for left in rests)


def _rests(
    world: World, operation: Operation, beside: Sequence[Operation]
) -> list[tuple[Unheard, ...]]:
    """Return what may still happen once an operation is done, in all ways in which that may be.

    What was sent beside it may have been begun after it, and is not dropped by it then.
    """
    # What was sent again and is done now does not happen once more.
    left = tuple(one for one in world.unheard if one.operation is not operation)
    dropped = [one for one in left if operation.drops(world.library, one.operation)]
    sure = [one for one in dropped if one.operation not in beside]
    rests = [tuple(one for one in left if one not in gone) for gone in (dropped, sure)]
    return rests if sure != dropped else rests[:1]


def _may_stay(one: Unheard) -> bool:
    """Tell whether an operation that is over may have come just so far."""
    whole = one.done in (0, len(one.operation.stages))
    return whole or not one.operation.finishes


def _closure(worlds: Iterable[World]) -> list[World]:
    """Return the worlds, and those in which more of what is unheard of has happened."""
    found = list(worlds)
    for world in found:
        for number, one in enumerate(world.unheard):
            if one.done == len(one.operation.stages):
                continue
            library = one.operation.stages[one.done](world.library)
            if library is None:
                continue
            further = replace(one, done=one.done + 1)
            unheard = (*world.unheard[:number], further, *world.unheard[number + 1 :])
            following = World(library, unheard)
            if following not in found:
                found.append(following)
        if len(found) > _MAX_WORLDS:
            raise AssertionError("There are too many worlds.")
    return found


def _distinct(worlds: Iterable[World]) -> list[World]:
    found: list[World] = []
    for world in worlds:
        # An operation of which everything has happened is as good as answered.
        left = tuple(o for o in world.unheard if o.done < len(o.operation.stages))
        bare = World(world.library, left)
        if bare not in found:
            found.append(bare)
    return found
