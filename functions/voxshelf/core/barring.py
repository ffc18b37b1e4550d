"""Whether a job may begin with a voice, or for one: nobody speaks with a withdrawn consent.

A save decides it once more, in one write with all else (`reservation`). Here it is told before a
GPU works, and before an earlier job is shown again.
"""

from collections.abc import Iterable

from voxshelf.core.errors import ConsentWithdrawn
from voxshelf.core.items import Voice
from voxshelf.core.naming import WantedVoice, name_digest
from voxshelf.core.shelf import Entry, Namesake


def refuse_barred(holders: Iterable[Namesake], wanted: WantedVoice) -> None:
    """Refuse a voice to which the consent was withdrawn, at its place or by its name.

    A place that only follows from the name belongs to whoever had it under another one: the voice
    then gets the next. `holders` is what `Catalogue.holders` returns.

    Raises:
        ConsentWithdrawn.
    """
    for holder in holders:
        is_there = wanted.is_own_id and holder.voice_id == wanted.voice_id
        if holder.entry.withdrawn and (is_there or _had_name(holder.entry, wanted.name)):
            raise ConsentWithdrawn


def voice_of_name(holders: Iterable[Namesake], name: str) -> Voice | None:
    """Return the voice of the library that has a name, if one has."""
    ready = (holder.entry.voice for holder in holders)
    return next((voice for voice in ready if voice is not None and voice.name == name), None)


def _had_name(entry: Entry, name: str) -> bool:
    if entry.withdrawn_name is not None:
        return entry.withdrawn_name == name_digest(name)
    # Its files are still being removed.
    deleted = entry.trash.item if entry.trash is not None else None
    return isinstance(deleted, Voice) and deleted.name == name
