"""Who has the name of a voice, or is about to get it.

Every write that gives or takes a name also writes the user's own document. So what was found is
true for as long as that document is as it was: who decides by it writes on that condition.
"""

from datetime import UTC, datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter, Or

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_rows import Row, answers_of, row_of
from voxshelf.adapters.firestore_shelf import Named
from voxshelf.core.errors import VoiceExists
from voxshelf.core.items import Voice
from voxshelf.core.naming import name_digest
from voxshelf.core.reservation import in_progress
from voxshelf.core.shelf import Namesake


def named(voices: firestore.CollectionReference, name: str) -> Any:
    """Return the query for all voices that have a name, or are being saved under it."""
    has = FieldFilter("name", "==", name)
    gets = FieldFilter("pending.item.name", "==", name)
    return voices.where(filter=Or([has, gets]))


def read_named(voices: firestore.CollectionReference, name: str) -> Named:
    """Read who has a name. What was deleted has none, though it may be restored."""
    found: list[Namesake] = []
    read_at = datetime.min.replace(tzinfo=UTC)
    for answer in answers_of(named(voices, name)):
        # An answer without a document tells the time, too.
        read_at = max(read_at, answer.read_time.ToDatetime(UTC))
        row = row_of(answer)
        if row is not None and _is_live(row):
            found.append(Namesake(row[0], documents.to_entry(row[1])))
    return Named(tuple(found), read_at)


def holding(voices: firestore.CollectionReference, voice_id: str, name: str | None) -> Any:
    """Return the query for the voice at a place, and for those that have or had a name."""
    at_place = FieldFilter("voice_id", "==", voice_id)
    if name is None:
        return voices.where(filter=at_place)
    has, had = (FieldFilter(field, "==", value) for field, value in _names_of(name))
    return voices.where(filter=Or([at_place, has, had]))


def _names_of(name: str) -> tuple[tuple[str, str], ...]:
    # What is left of a withdrawn voice has its name as a digest alone.
    return ("name", name), ("name_sha256", name_digest(name))


def read_holders(
    voices: firestore.CollectionReference, voice_id: str, name: str | None
) -> tuple[Namesake, ...]:
    """Read what lies at a place, and what has or had a name, be it deleted or withdrawn."""
    rows = (row_of(answer) for answer in answers_of(holding(voices, voice_id, name)))
    return tuple(Namesake(row[0], documents.to_entry(row[1])) for row in rows if row is not None)


def refuse_taken(named: Named, voice: Voice) -> None:
    """Refuse a name that another voice has or is about to get.

    Raises:
        VoiceExists, InProgress.
    """
    for other in named.voices:
        if other.voice_id != voice.voice_id:
            if other.entry.voice is not None and other.entry.voice.name == voice.name:
                raise VoiceExists(other.entry.voice)
            raise in_progress()


def _is_live(row: Row) -> bool:
    return row[1]["status"] == documents.READY or bool(row[1].get("pending"))
