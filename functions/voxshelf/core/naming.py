"""Which place a voice gets: its name is what must be free, its id is only its address.

Several names have one slug, a rename leaves the id as it was, and a client may name an id of its
own; so the voice of a name may lie anywhere, and a derived id may be another voice's.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from voxshelf.core.errors import InProgress, VoiceExists
from voxshelf.core.items import Voice
from voxshelf.core.shelf import Entry, Shelf

# An id has 128 characters at the most: what is left beside a suffix.
_MAX_STEM_CHARACTERS = 120
# Each place that is another voice's costs a reading: what comes after is free at once.
_MAX_NUMBER = 99
_DIGEST_CHARACTERS = 16


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


def other_place(shelf: Shelf, wanted: WantedVoice, lease: timedelta) -> Elsewhere | None:
    """Return where a voice belongs, when that is not the place that the shelf shows.

    A new version of a voice that was to bring it another name has given that name up when its
    lease is over.

    Raises:
        VoiceExists, InProgress: when a new version of one voice would take the name of another.
    """
    expired = shelf.now - lease
    chosen = wanted.is_own_id and shelf.voice_id == wanted.voice_id
    replaces = chosen and wanted.replace and shelf.voice is not None and bool(shelf.voice.ready)
    is_others = _is_of_other(shelf.voice, wanted, expired)
    holder = shelf.namesake
    if holder is not None and _is_of_other(holder.entry, wanted, expired):
        holder = None
    if holder is not None and holder.voice_id != shelf.voice_id:
        if replaces and is_others:
            if holder.entry.voice is not None and holder.entry.voice.name == wanted.name:
                raise VoiceExists(holder.entry.voice)
            raise InProgress(
                "A voice of this name is being saved. Ask again in a moment.", retry_after_s=2
            )
        return Elsewhere(holder.voice_id)
    if replaces or not is_others:
        return None
    if chosen and shelf.voice is not None and shelf.voice.withdrawn:
        return None
    return Elsewhere(_next_id(shelf.voice_id, wanted))


def _is_of_other(entry: Entry | None, wanted: WantedVoice, expired: datetime) -> bool:
    """Tell whether a place belongs to a voice of another name, there, on its way, or deleted."""
    if entry is None:
        return False
    if entry.withdrawn_name is not None:
        return entry.withdrawn_name != name_digest(wanted.name)
    names = _names_of(entry, expired)
    return bool(names) and wanted.name not in names


def _names_of(entry: Entry, expired: datetime) -> set[str]:
    pending = entry.pending
    if pending is not None and entry.ready is not None and pending.since <= expired:
        pending = None
    live = [entry.ready, pending.item if pending else None]
    names = {item.name for item in live if isinstance(item, Voice)}
    deleted = entry.trash.item if entry.trash else None
    return names or ({deleted.name} if isinstance(deleted, Voice) else set())


def _next_id(voice_id: str, wanted: WantedVoice) -> str:
    """Return the id after `voice_id`: `_2`, `_3`, ...; after some, one that no other name has."""
    stem = wanted.voice_id[:_MAX_STEM_CHARACTERS]
    own = f"{stem[: _MAX_STEM_CHARACTERS - _DIGEST_CHARACTERS]}_{name_digest(wanted.name)}"
    own = own[:_MAX_STEM_CHARACTERS]
    if voice_id.startswith(own):
        # Only who asks for this very id can have put another voice there.
        return f"{own}_{_number_after(voice_id, own)}"
    number = _number_after(voice_id, stem)
    return f"{stem}_{number}" if number <= _MAX_NUMBER else own


def _number_after(voice_id: str, stem: str) -> int:
    number = voice_id.removeprefix(f"{stem}_")
    return int(number) + 1 if number.isascii() and number.isdecimal() else 2
