"""What is counted of a library, and which generations a voice counts.

One rule for adding, for taking away and for recounting.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from voxshelf.core.account import Amount


class Saved(Protocol):
    """A voice or a generation, as far as counting goes. `saved_at` is when it first was there."""

    @property
    def voice_id(self) -> str:
        """Return the id of the voice, or of the voice that spoke."""

    @property
    def saved_at(self) -> datetime:
        """Return when the library first had it."""


@dataclass(frozen=True, slots=True)
class Counted:
    """An item as it is counted: how much it is, and whether readers see it."""

    voice_id: str
    saved_at: datetime
    amount: Amount
    is_ready: bool


def counts_at(generation: Saved, voice: Saved) -> bool:
    """Tell whether a generation is among its voice's `generation_count`.

    It is where the voice was there when the generation was saved: what an earlier voice of this id
    spoke is not its own. Both times are the database's, and neither changes with a new version.
    """
    return voice.voice_id == generation.voice_id and voice.saved_at <= generation.saved_at


def kept_of(items: Iterable[Counted]) -> Amount:
    """Return how much readers see of a library."""
    return sum((item.amount for item in items if item.is_ready), Amount())


def generation_counts(
    voices: Iterable[Counted], generations: Iterable[Counted]
) -> Mapping[str, int]:
    """Return how many generations each voice counts. One in the trash goes on counting."""
    by_id = {voice.voice_id: voice for voice in voices}
    counts = dict.fromkeys(by_id, 0)
    for generation in generations:
        voice = by_id.get(generation.voice_id)
        if voice is not None and generation.is_ready and counts_at(generation, voice):
            counts[voice.voice_id] += 1
    return counts
