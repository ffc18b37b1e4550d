"""Which place a voice gets: its name is what must be free, its id is only its address.

Several names have one slug, a rename leaves the id as it was, and a client may name an id of its
own; so the voice of a name may lie anywhere, and a derived id may be another voice's.
"""

import unicodedata
from dataclasses import dataclass
from hashlib import sha256

from voxshelf.core.errors import VoiceExists
from voxshelf.core.items import Voice
from voxshelf.core.shelf import Entry, Shelf

# An id has 128 characters at the most: what is left beside a suffix.
_MAX_STEM_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class WantedVoice:
    """What a save says of the voice that it is for. `voice_id` is where to look first.

    `is_own_id` tells that the client chose the id. `replace` asks for a new version of the voice
    that has this name, or this id.
    """

    name: str
    voice_id: str
    is_own_id: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The decision needs other documents in sight: ask again with these."""

    voice_id: str
    generation_id: str | None = None


def normal_name(name: str) -> str:
    """Return a name in the form in which it is kept and compared; letter case counts."""
    return unicodedata.normalize("NFC", name.strip())


def name_digest(name: str) -> str:
    """Return what is kept of the name of a voice that must be known again, and not shown."""
    return sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def other_place(shelf: Shelf, wanted: WantedVoice) -> Elsewhere | None:
    """Return where a voice belongs, when that is not the place that the shelf shows.

    Raises:
        VoiceExists: when a new version of one voice would take the name of another one.
    """
    chosen = wanted.is_own_id and shelf.voice_id == wanted.voice_id
    replaces = chosen and wanted.replace and shelf.voice is not None and bool(shelf.voice.ready)
    holder = shelf.namesake
    if holder is not None and holder.voice_id != shelf.voice_id:
        if replaces and holder.entry.voice is not None and _is_of_other(shelf.voice, wanted):
            raise VoiceExists(holder.entry.voice)
        return Elsewhere(holder.voice_id)
    if replaces or not _is_of_other(shelf.voice, wanted):
        return None
    if chosen and shelf.voice is not None and shelf.voice.withdrawn:
        return None
    return Elsewhere(_next_id(shelf.voice_id, wanted.voice_id))


def _is_of_other(entry: Entry | None, wanted: WantedVoice) -> bool:
    """Tell whether a place belongs to a voice of another name, there, on its way, or deleted."""
    if entry is None:
        return False
    if entry.withdrawn_name is not None:
        return entry.withdrawn_name != name_digest(wanted.name)
    names = _names_of(entry)
    return bool(names) and wanted.name not in names


def _names_of(entry: Entry) -> set[str]:
    live = [entry.ready, entry.pending.item if entry.pending else None]
    names = {item.name for item in live if isinstance(item, Voice)}
    deleted = entry.trash.item if entry.trash else None
    return names or ({deleted.name} if isinstance(deleted, Voice) else set())


def _next_id(voice_id: str, stem: str) -> str:
    """Return the id after `voice_id` among those that begin with `stem`: `_2`, `_3`, ..."""
    stem = stem[:_MAX_STEM_CHARACTERS]
    number = voice_id.removeprefix(f"{stem}_")
    return f"{stem}_{int(number) + 1 if voice_id != stem and number.isdecimal() else 2}"
