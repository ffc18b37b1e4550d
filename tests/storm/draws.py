"""What all draws have in common: dice, numbers, and items of a library."""

import random

from tests.chaos.clients import Person
from tests.storm.library import Library
from tests.storm.saving import Saving
from tests.storm.shared import Shared

WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron")
LANGUAGES = ("en", "de", "pt-BR")
# Some have one slug, so that their voices compete for a place.
NAMES = ("Ana", "ana", "A.N.A", "Ben", "Ben 2", "Cleo", "Dora", "Emil", "Emil!", "Fay", "Gus")
MAX_VOICES, MAX_SPEECHES = 10, 30


class Draws:
    """Dice of one user."""

    def __init__(self, person: Person, number: int, seed: int, shared: Shared) -> None:
        """Draw the same for the same seed and number, as far as the same has happened."""
        self.person, self.shared = person, shared
        self.random = random.Random(f"{seed} {number}")
        self.count = number * 1_000_000
        # What may be sent once more, by its way and with its key.
        self.saved: list[Saving] = []

    def chance(self, share: float) -> bool:
        """Tell whether something of this share happens now."""
        return self.random.random() < share

    def number(self) -> int:
        self.count += 1
        return self.count

    def item(self, library: Library, kind: str) -> tuple[str, str] | None:
        ids = [one for one in library.items(kind) if not one.startswith("?")]
        return (kind, self.random.choice(ids)) if ids else None

    def trashed(self, library: Library, kind: str) -> tuple[str, str] | None:
        places = [place for place in library.trash if place[0] == kind and place[1][0] != "?"]
        return self.random.choice(places) if places else None

    def key(self, number: int) -> str | None:
        return f"key {number}" if self.chance(0.4) else None

    def text(self, number: int) -> str:
        words = self.random.sample(WORDS, 3)
        return f"{' '.join(words)} {number}"

    def tags(self) -> list[str]:
        return self.random.sample(WORDS, self.random.randint(0, 2))
