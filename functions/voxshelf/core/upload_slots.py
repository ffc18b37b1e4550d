"""Slots: the leave to upload one file straight into the store, counted against a user's limits.

A slot names a place, the most bytes and the type of what may be put there, and until when. It is
open until a save has taken the bytes over or its user has given it back, and while it is open it
counts, whether anything was uploaded or not: what might come needs its room, too.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from voxshelf.core.account import Limits, seconds_until_midnight
from voxshelf.core.archive import MAX_ARCHIVE_BYTES
from voxshelf.core.errors import PayloadTooLarge, QuotaExceeded, invalid
from voxshelf.core.reservation import REQUEST_LIFETIME

# The contract, section 7.
MAX_AUDIO_UPLOAD_BYTES = 200 * 1024 * 1024
# The types are those of storage.rules, for the same reason: a browser runs none of them. Browsers
# on Windows call a ZIP archive `x-zip-compressed`.
_ARCHIVE_TYPE = re.compile(r"application/(zip|x-zip-compressed)")
_AUDIO_TYPE = re.compile(
    r'audio/[A-Za-z0-9.+-]{1,60}(; ?codecs="?[A-Za-z0-9.-]{1,60}"?)?|application/octet-stream'
)
_UPLOAD_ID = re.compile(r"upload_[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class WantedUpload:
    """What a user says that he will upload: the most bytes, and their type."""

    size_bytes: int
    content_type: str

    @classmethod
    def parse(cls, size_bytes: int, content_type: str) -> "WantedUpload":
        """Return what may be uploaded at all.

        Raises:
            InvalidRequest: when it is empty, or of a type that is never taken.
            PayloadTooLarge: when none of its type may be so large.
        """
        if size_bytes < 1:
            raise invalid("size_bytes", "a whole number from 1 on")
        max_bytes = _max_bytes(content_type)
        if size_bytes > max_bytes:
            raise PayloadTooLarge(
                f"An upload of this type may have {max_bytes} bytes.",
                details={"max_bytes": max_bytes},
            )
        return cls(size_bytes, content_type)


def _max_bytes(content_type: str) -> int:
    if _ARCHIVE_TYPE.fullmatch(content_type):
        return MAX_ARCHIVE_BYTES
    if _AUDIO_TYPE.fullmatch(content_type):
        return MAX_AUDIO_UPLOAD_BYTES
    raise invalid("content_type", "a type of audio, application/octet-stream or application/zip")


@dataclass(frozen=True, slots=True)
class Taken:
    """Which bytes a save has taken over: the store's mark of the object, their SHA-256, and when.

    It outlives them by `REQUEST_LIFETIME`, so that a repeated save is told from one of other bytes
    at the same path.
    """

    generation: str
    sha256: str
    at: datetime


@dataclass(frozen=True, slots=True)
class UploadSlot:
    """One place for one upload; `size_bytes` is the most that it may have.

    Uploads and saves are taken until `open_until`, by the database's clock.
    """

    upload_id: str
    path: str
    size_bytes: int
    content_type: str
    created_at: datetime
    open_until: datetime
    taken: Taken | None = None

    @classmethod
    def opened(
        cls, key: "SlotKey", wanted: WantedUpload, now: datetime, open_for: timedelta
    ) -> "UploadSlot":
        """Return a slot that is open from now on."""
        return cls(
            key.upload_id, key.path, wanted.size_bytes, wanted.content_type, now, now + open_for
        )

    @classmethod
    def unasked(cls, key: "SlotKey", path: str, now: datetime) -> "UploadSlot":
        """Return what stands for the slot of an upload for which none was given."""
        return cls(key.upload_id, path, 0, "", now, now)

    def is_for(self, wanted: WantedUpload) -> bool:
        """Tell whether it was given for just this."""
        return (self.size_bytes, self.content_type) == (wanted.size_bytes, wanted.content_type)

    @property
    def forgotten_at(self) -> datetime | None:
        """Return from when on nothing needs it any more; None while it is open."""
        return None if self.taken is None else self.taken.at + REQUEST_LIFETIME

    def is_forgotten(self, now: datetime) -> bool:
        """Tell whether it is as good as gone, though its document may still be there."""
        return self.forgotten_at is not None and self.forgotten_at <= now

    def is_known(self, now: datetime) -> bool:
        """Tell whether its upload may still be taken, or it is known which was."""
        return now < (self.forgotten_at or self.open_until)

    def holds(self, generation: str, sha256: str) -> bool:
        """Tell whether it was just these bytes that a save has taken."""
        taken = self.taken
        return taken is not None and (taken.generation, taken.sha256) == (generation, sha256)


@dataclass(frozen=True, slots=True)
class SlotKey:
    """Which slot it is, and whose."""

    uid: str
    upload_id: str

    @property
    def path(self) -> str:
        """Return where its upload lies."""
        return f"uploads/{self.uid}/{self.upload_id}"


def slot_key(uid: str, path: str) -> SlotKey:
    """Return the slot, or the place of a note, that belongs to the path of an upload.

    What no slot has named is noted under its digest, whatever its folders and characters.
    """
    name = path.removeprefix(f"uploads/{uid}/")
    if is_upload_id(name):
        return SlotKey(uid, name)
    return SlotKey(uid, f"other_{hashlib.sha256(path.encode()).hexdigest()}")


def is_upload_id(text: str) -> bool:
    """Tell whether a text can be the id of a slot."""
    return _UPLOAD_ID.fullmatch(text) is not None


def upload_id_for(uid: str, idempotency_key: str | None) -> str:
    """Return the id of a slot: the same for the same key of the same user, else a new one."""
    if idempotency_key is None:
        return f"upload_{secrets.token_hex(16)}"
    digest = hashlib.sha256(f"{uid}\0upload\0{idempotency_key}".encode()).hexdigest()
    return f"upload_{digest[:32]}"


@dataclass(frozen=True, slots=True)
class SlotUse:
    """A user's open slots and their bytes, and what he was given on `day` (UTC).

    What was given back stays in the day's figures: an upload can have come and gone meanwhile.
    """

    open: int = 0
    open_bytes: int = 0
    day: str = ""
    today: int = 0
    today_bytes: int = 0

    def taking(self, size_bytes: int, now: datetime, limits: Limits) -> "SlotUse":
        """Return the use with one more open slot.

        Raises:
            QuotaExceeded: when that would be more than the user may have.
        """
        day = now.astimezone(UTC).date().isoformat()
        before = self if self.day == day else SlotUse(self.open, self.open_bytes)
        use = SlotUse(
            open=before.open + 1,
            open_bytes=before.open_bytes + size_bytes,
            day=day,
            today=before.today + 1,
            today_bytes=before.today_bytes + size_bytes,
        )
        use._check(limits, now)
        return use

    def returning(self, size_bytes: int) -> "SlotUse":
        """Return the use without a slot that is open no more."""
        left, left_bytes = self.open - 1, self.open_bytes - size_bytes
        return SlotUse(left, left_bytes, self.day, self.today, self.today_bytes)

    def _check(self, limits: Limits, now: datetime) -> None:
        if self.open > limits.open_uploads:
            raise _refused("open_uploads", f"{limits.open_uploads} uploads at once", limits)
        if self.open_bytes > limits.open_upload_bytes:
            most = f"{limits.open_upload_bytes} bytes of uploads at once"
            raise _refused("open_upload_bytes", most, limits)
        wait_s = seconds_until_midnight(now)
        if self.today > limits.uploads_per_day:
            most = f"{limits.uploads_per_day} uploads a day"
            raise _refused("uploads_per_day", most, limits, wait_s)
        if self.today_bytes > limits.upload_bytes_per_day:
            most = f"{limits.upload_bytes_per_day} bytes of uploads a day"
            raise _refused("upload_bytes_per_day", most, limits, wait_s)


def _refused(name: str, most: str, limits: Limits, wait_s: int | None = None) -> QuotaExceeded:
    way_out = (
        "Save what is uploaded, or give back what is not needed."
        if wait_s is None
        else "It starts anew at 00:00 UTC."
    )
    return QuotaExceeded(
        f"{most} are the limit. {way_out}",
        details={"limit": name, "max": getattr(limits, name)},
        retry_after_s=wait_s,
    )
