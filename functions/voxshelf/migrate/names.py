"""File names of the old layout, read from their right end.

A voice's name may hold underscores, digits and even something like a time, so only the end
of a name says where the voice's name stops. The grammar is the contract's, section 5.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from voxshelf.core.names import Stamp, slug

_VOICE = "voice_"
_GENERATION = "TTS_voice_"
_SAMPLE = "_sample"
# Of several times in a name the last one counts, and the count within its second, which is all
# that may follow it. What stands before belongs to the voice.
_ENDING = re.compile(
    r"(?P<head>.+)_(?P<second>[0-9]{8}_[0-9]{6})(?:_(?P<sequence>[1-9][0-9]{0,8}))?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Named:
    """What a name says: the slug of the voice, and when; a first profile's name says no time."""

    voice: str
    stamp: Stamp | None

    @property
    def age(self) -> tuple[datetime, int]:
        """Return what sorts from old to new; what has no time is the oldest."""
        if self.stamp is None:
            return datetime.min.replace(tzinfo=UTC), 0
        return self.stamp.second, self.stamp.sequence


def read_sample(stem: str) -> Named | None:
    """Read `voice_{voice}_sample_{stamp}`, or return None."""
    named = _ending(stem)
    if named is None or not named[0].endswith(_SAMPLE):
        return None
    return _named(named[0].removesuffix(_SAMPLE), _VOICE, named[1])


def read_generation(stem: str) -> Named | None:
    """Read `TTS_voice_{voice}_{stamp}`, or return None."""
    named = _ending(stem)
    return _named(named[0], _GENERATION, named[1]) if named is not None else None


def read_profile(stem: str) -> tuple[Named, ...]:
    """Read `voice_{voice}` or `voice_{voice}_{stamp}`: every reading, the likelier one first.

    A name that ends in a time is both, the first profile of a voice that is called so and a
    later one of another voice; which, only the voices that there are can tell.
    """
    named = _ending(stem)
    whole = _named(stem, _VOICE, None)
    later = _named(named[0], _VOICE, named[1]) if named is not None else None
    return tuple(reading for reading in (whole, later) if reading is not None)


def _named(text: str, prefix: str, stamp: Stamp | None) -> Named | None:
    voice = text.removeprefix(prefix)
    return Named(slug(voice), stamp) if voice and voice != text else None


def _ending(stem: str) -> tuple[str, Stamp] | None:
    """Split a name before its time; None when it does not end in one."""
    match = _ENDING.fullmatch(stem)
    if match is None:
        return None
    try:
        second = datetime.strptime(match["second"], "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return match["head"], Stamp(second, int(match["sequence"] or 1))
