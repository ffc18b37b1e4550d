"""Requests to one function that are no saves, and what they have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.clients import Person
from tests.storm.answers import Answer
from tests.storm.fleet import Fleet
from tests.storm.library import SPEECHES, VOICES, Library, Unlike
from tests.storm.worlds import Stage

PATHS = {VOICES: "/api/voices", SPEECHES: "/api/tts/generations"}
BODY_NAMES = {VOICES: "voice", SPEECHES: "generation"}


@dataclass(eq=False)
class Request:
    """One request of one user; `number` is unlike all others'."""

    number: int
    person: Person

    finishes = True
    ends_with_its_lease = True
    is_one_however_often = True

    @property
    def stages(self) -> Sequence[Stage]:
        """Return what it does when its answer is not heard: nothing."""
        return ()

    def send(self, fleet: Fleet) -> Answer:
        """Send it."""
        raise NotImplementedError

    def after(self, library: Library, answer: Answer) -> Library:
        """See `Operation`."""
        raise NotImplementedError

    def drops(self, _library: Library, _other: object) -> bool:
        """See `Operation`."""
        return False

    def library_call(self, fleet: Fleet, method: str, path: str, **options: Any) -> Answer:
        """Call the function of the library."""
        return fleet.call(self.person, "library", method, path, **options)


def refused(answer: Answer, **right: bool) -> None:
    """Raise Unlike unless the refusal's code is one that is right here."""
    if not right.get(answer.code):
        raise Unlike(f"it was refused: {answer}")
