"""A voice that got another name, while generations of it may still be kept under an earlier one."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from voxshelf.core.items import Generation


@dataclass(frozen=True, slots=True)
class Renamed:
    """The present name of one voice, which was there from `saved_at` on, and `until` another came.

    An id may have been that of several voices, one after the other: what each of them spoke keeps
    its own last name.
    """

    voice_id: str
    name: str
    saved_at: datetime
    until: datetime | None = None

    def covers(self, voice_id: str, saved_at: datetime) -> bool:
        """Tell whether the voice has spoken what was saved under its id at this time."""
        return (
            voice_id == self.voice_id
            and self.saved_at <= saved_at
            and (self.until is None or saved_at < self.until)
        )


def shown(generation: Generation, renamed: Iterable[Renamed]) -> Generation:
    """Return a generation under the present name of its voice, which may be among the renamed."""
    name = generation.voice_name
    for voice in renamed:
        if voice.covers(generation.voice_id, generation.saved_at):
            name = voice.name
    return generation if name == generation.voice_name else replace(generation, voice_name=name)
