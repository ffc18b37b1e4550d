"""Records to Firestore documents and back.

Field names here are the stored format: changing one needs a migration. Times are stored as
timestamps, waveform peaks as bytes (200 doubles would be 200 index entries and most of the
time of decoding a page).
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from voxshelf.core.account import Account, Amount, Refusals
from voxshelf.core.audio import Audio
from voxshelf.core.items import Consent, Generation, Voice
from voxshelf.core.names import Stamp
from voxshelf.core.own_limits import own_limits
from voxshelf.core.profile import Profile
from voxshelf.core.quality import Quality
from voxshelf.core.reservation import Item
from voxshelf.core.search import terms_of
from voxshelf.core.shelf import Entry, Pending, RequestRecord
from voxshelf.core.sort_key import sort_key
from voxshelf.core.trash import Trash

# What Firestore's client returns and takes.
Document = Mapping[str, Any]
Fields = dict[str, Any]

# What reading a document raises that lacks fields, or has others in their place.
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)

PENDING, READY, DELETING, WITHDRAWN = "pending", "ready", "deleting", "withdrawn"


def from_item(item: Item) -> Fields:
    """Return the fields of a voice or generation, with the terms by which it is found."""
    return {**_fields_of(item), "terms": list(terms_of(item))}


def _fields_of(item: Item) -> Fields:
    fields = asdict(item)
    fields["name_key"] = sort_key(item.name if isinstance(item, Voice) else item.voice_name)
    fields["tags"] = list(item.tags)
    for nested, key in (("quality", "reasons"), ("profile", "shape")):
        if fields.get(nested):
            fields[nested][key] = list(fields[nested][key])
    fields["parameters"] = dict(item.parameters)
    return fields


def differing(fields: Fields, document: Document) -> Fields:
    """Return those of the fields that a document does not hold like that."""
    return {k: v for k, v in fields.items() if k not in document or document[k] != v}


def to_voice(document: Document) -> Voice:
    """Return the voice that a document holds."""
    return Voice(
        **_common(document),
        name=document["name"],
        description=document["description"],
        template_message=document["template_message"],
        sample=Audio(**document["sample"]),
        profile=_to_profile(document["profile"]),
        quality=_to_quality(document["quality"]),
        consent=_to_consent(document["consent"]),
        source=document["source"],
        generation_count=document["generation_count"],
    )


def to_generation(document: Document) -> Generation:
    """Return the generation that a document holds."""
    return Generation(
        **_common(document),
        generation_id=document["generation_id"],
        voice_name=document["voice_name"],
        # Left out where many are read for their files alone.
        text=document.get("text"),
        audio=Audio(**document["audio"]),
        generation_time_s=document["generation_time_s"],
        timestamp=document["timestamp"],
    )


def to_item(document: Document) -> Item:
    """Return what a document holds, a generation or a voice."""
    return to_generation(document) if "generation_id" in document else to_voice(document)


def _common(document: Document) -> Fields:
    return {
        "voice_id": document["voice_id"],
        "language": document["language"],
        "tags": tuple(document["tags"]),
        "favorite": document["favorite"],
        "parameters": document["parameters"],
        "runpod_job_id": document["runpod_job_id"],
        "created_at": to_time(document["created_at"]),
        "updated_at": to_time(document["updated_at"]),
        "saved_at": to_time(document["saved_at"]),
        "version": document["version"],
    }


def to_time(value: datetime) -> datetime:
    """Return a stored time as a plain aware one."""
    if type(value) is datetime:
        return value
    # The client library's own subclass carries nanoseconds and another repr.
    return datetime.fromtimestamp(value.timestamp(), UTC).replace(microsecond=value.microsecond)


def _to_profile(document: Document | None) -> Profile | None:
    return None if document is None else Profile(**{**document, "shape": tuple(document["shape"])})


def _to_consent(document: Document | None) -> Consent | None:
    if document is None:
        return None
    audio = document["audio"]
    granted_at = to_time(document["granted_at"])
    return Consent(
        **{**document, "granted_at": granted_at, "audio": Audio(**audio) if audio else None}
    )


def _to_quality(document: Document) -> Quality:
    return Quality(**{**document, "reasons": tuple(document["reasons"])})


def from_pending(pending: Pending) -> Fields:
    """Return the note of a save under way."""
    return {
        "item": _fields_of(pending.item),
        "fingerprint": pending.fingerprint,
        "lease": pending.lease,
        "since": pending.since,
        "request_key": pending.request_key,
        "renames": pending.renames,
    }


def to_pending(fields: Document) -> Pending:
    """Return a save under way."""
    return Pending(
        item=to_item(fields["item"]),
        fingerprint=fields["fingerprint"],
        lease=fields["lease"],
        since=to_time(fields["since"]),
        request_key=fields["request_key"],
        renames=fields["renames"],
    )


def to_entry(document: Document) -> Entry:
    """Return an item's document as decisions see it."""
    pending = document.get("pending")
    return Entry(
        ready=to_item(document) if document["status"] == READY else None,
        pending=None if pending is None else to_pending(pending),
        garbage=tuple(document.get("garbage", ())),
        trash=to_trash(document),
        withdrawn=document["status"] == WITHDRAWN or bool(document.get("withdrawn")),
        withdrawn_name=document.get("name_sha256"),
    )


def from_trash(trash: Trash) -> Fields:
    """Return what an item's document notes when it is deleted, beside the item itself."""
    return {
        "deleted_at": trash.deleted_at,
        "purge_at": trash.purge_at,
        "purging": trash.purging,
        "taking": trash.taking,
        "taken": trash.taken,
        "deleted_with": trash.deleted_with,
    }


def to_trash(document: Document) -> Trash | None:
    """Return the deleted item that a document holds, or None."""
    if document.get("status") != DELETING:
        return None
    noted = document["trash"]
    times = {name: to_time(noted[name]) for name in ("deleted_at", "purge_at")}
    return Trash(**{**noted, **times}, item=to_item(document))


def to_request(document: Document) -> RequestRecord:
    """Return an idempotency record."""
    item = document.get("item")
    return RequestRecord(
        fingerprint=document["fingerprint"],
        lease=document["lease"],
        since=to_time(document["since"]),
        item=None if item is None else to_item(item),
    )


# Where an item's document keeps the paths of its objects.
_PATH_FIELDS = ("sample.path", "profile.path", "consent.audio.path", "audio.path")
# All that `paths_of` reads: a document's texts are many times as long.
FIELDS_WITH_PATHS = (
    "status",
    "garbage",
    *_PATH_FIELDS,
    *(f"pending.item.{field}" for field in _PATH_FIELDS),
)


def garbage_of(document: Document) -> tuple[str, ...]:
    """Return the paths of the objects that nothing but this note refers to."""
    garbage = document.get("garbage") or []
    if not isinstance(garbage, list) or not all(isinstance(path, str) for path in garbage):
        # The characters of a text are paths, too.
        raise TypeError
    return tuple(garbage)


def paths_of(document: Document) -> tuple[str, ...]:
    """Return the paths of all objects that a voice's or generation's document names."""
    paths = garbage_of(document)
    if document["status"] in (READY, DELETING):
        paths += _item_paths(document)
    if document.get("pending"):
        paths += _item_paths(document["pending"]["item"])
    return paths


def ready_paths_of(document: Document) -> tuple[str, ...]:
    """Return the paths of the objects that readers see."""
    return _item_paths(document)


def _item_paths(fields: Document) -> tuple[str, ...]:
    found = []
    for field in _PATH_FIELDS:
        value: Any = fields
        for name in field.split("."):
            value = value.get(name) if value else None
        if value is not None and not isinstance(value, str):
            raise TypeError
        if value is not None:
            found.append(value)
    return tuple(found)


def from_account(account: Account) -> Fields:
    """Return the counters that a reservation writes.

    `limits` belongs to the operator, and `renamings` is written by who renames.
    """
    stamp = account.last_stamp
    return {
        **from_amount(account.kept),
        "reserved": from_amount(account.reserved),
        "day": account.day,
        "saves_today": account.saves_today,
        "last_stamp": None if stamp is None else asdict(stamp),
    }


def to_account(document: Document) -> Account:
    """Return the account of a user's document, which may be empty."""
    stamp = document.get("last_stamp")
    return Account(
        kept=to_amount(document),
        reserved=to_amount(document.get("reserved", {})),
        day=document.get("day", ""),
        saves_today=document.get("saves_today", 0),
        last_stamp=None if stamp is None else Stamp(to_time(stamp["second"]), stamp["sequence"]),
        refusals=Refusals(**document.get("refusals", {})),
        limits=own_limits(document.get("limits")),
        renamings=document.get("renamings", 0),
    )


def from_amount(amount: Amount) -> Fields:
    """Return the counters of an amount."""
    return {
        "voices": amount.voices,
        "generations": amount.generations,
        "bytes": amount.size_bytes,
        "audio_ms": amount.audio_ms,
    }


def to_amount(document: Document) -> Amount:
    """Return the amount of some counters; those that are missing are zero."""
    return Amount(
        document.get("voices", 0),
        document.get("generations", 0),
        document.get("bytes", 0),
        document.get("audio_ms", 0),
    )
