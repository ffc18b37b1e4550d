"""What one user has and may have: counters, reserved amounts and limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from voxshelf.core.errors import QuotaExceeded, RateLimited
from voxshelf.core.names import Stamp


@dataclass(frozen=True, slots=True)
class Amount:
    """So many voices, generations, bytes, and milliseconds of audio."""

    voices: int = 0
    generations: int = 0
    size_bytes: int = 0
    audio_ms: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        """Return both together."""
        return Amount(
            self.voices + other.voices,
            self.generations + other.generations,
            self.size_bytes + other.size_bytes,
            self.audio_ms + other.audio_ms,
        )

    def __neg__(self) -> "Amount":
        """Return what takes this amount away again."""
        return Amount(-self.voices, -self.generations, -self.size_bytes, -self.audio_ms)


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one user may have, and save on one day (UTC).

    `open_uploads` are slots for uploads at once, `open_upload_bytes` the most bytes of them
    together: room for the largest archive (5 GiB) and five files beside it. On one day as many
    slots are given as saves are taken, for three times what a whole library may hold.
    `refusals_per_hour` are saves that were refused after their bytes had been fetched or decoded:
    far more than mistakes are made, and far less than keeps an instance busy.
    """

    voices: int
    generations: int
    size_bytes: int
    saves_per_day: int
    refusals_per_hour: int = 200
    open_uploads: int = 20
    open_upload_bytes: int = 6 * 1024**3
    uploads_per_day: int = 1000
    upload_bytes_per_day: int = 30 * 1024**3


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for every save of a deployment.

    A save holds its reservation for `lease`. It must outlast the longest save that still ends
    well: the functions' timeout (300 s, functions.yaml) and a minute for its last write.
    `download_tokens` is false where files play by signed URLs. What was deleted can be restored
    for `undo_for` (the contract's 24 h). A slot for an upload is open for `upload_for`, which is
    also how long uploads are kept (the contract's day).
    """

    limits: Limits
    require_consent: bool = False
    download_tokens: bool = True
    lease: timedelta = timedelta(seconds=360)
    undo_for: timedelta = timedelta(hours=24)
    upload_for: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many saves were refused in an hour, such as `2026-11-28T08` (UTC)."""

    hour: str = ""
    count: int = 0

    def in_hour_of(self, now: datetime) -> int:
        """Return how many there were in the hour that it is."""
        return self.count if self.hour == hour_of(now) else 0


def hour_of(time: datetime) -> str:
    """Return the hour (UTC) in which a time lies."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H")


@dataclass(frozen=True, slots=True)
class Account:
    """A user's counters: `kept` is listed, `reserved` is being saved at this moment.

    `last_stamp` is the newest name given out; `saves_today` counts the reservations of
    `day`, failed ones too, so that failing cannot be used to work without end.
    `limits` overrides the defaults by name. `names` has the present name of every voice that
    was renamed: generations carry the name that their voice had when they were saved.
    """

    kept: Amount = Amount()
    reserved: Amount = Amount()
    day: str = ""
    saves_today: int = 0
    last_stamp: Stamp | None = None
    refusals: Refusals = Refusals()
    limits: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def limited(self, defaults: Limits) -> Limits:
        """Return the most that this user may have."""
        return replace(defaults, **self.limits)

    def saves_on(self, day: date) -> int:
        """Return how many saves were begun on a day, if nothing was saved after it."""
        return self.saves_today if self.day == day.isoformat() else 0

    def reserving(self, amount: Amount, now: datetime, defaults: Limits) -> "Account":
        """Return the account with `amount` reserved and a fresh `last_stamp`.

        Raises:
            QuotaExceeded: when that would be more than the user may have.
        """
        today = now.astimezone(UTC).date()
        saves_today = self.saves_on(today)
        self._check(amount, saves_today, defaults, now)
        return replace(
            self,
            reserved=self.reserved + amount,
            day=today.isoformat(),
            saves_today=saves_today + 1,
            last_stamp=Stamp.after(self.last_stamp, now),
        )

    def check_refusals(self, now: datetime, defaults: Limits) -> None:
        """Refuse to work for saves, when too many were refused in this hour.

        Raises:
            RateLimited.
        """
        most = self.limited(defaults).refusals_per_hour
        if self.refusals.in_hour_of(now) >= most:
            raise RateLimited(
                f"{most} saves were refused within this hour. Look at their messages, and go on "
                "in the next one.",
                details={"limit": "refusals_per_hour", "max": most},
                retry_after_s=3600 - now.minute * 60 - now.second,
            )

    def releasing(self, amount: Amount) -> "Account":
        """Return the account with a reserved amount given back."""
        return replace(self, reserved=self.reserved + -amount)

    def exceeded(self, amount: Amount, defaults: Limits) -> str | None:
        """Return the name of a limit that so much more would exceed, None where there is room."""
        limits, wanted = self.limited(defaults), self.kept + self.reserved + amount
        for name in ("voices", "generations", "size_bytes"):
            if getattr(amount, name) > 0 and getattr(wanted, name) > getattr(limits, name):
                return name
        return None

    def _check(self, amount: Amount, saves_today: int, defaults: Limits, now: datetime) -> None:
        limits = self.limited(defaults)
        full = self.exceeded(amount, defaults)
        if full is not None:
            limit = getattr(limits, full)
            raise QuotaExceeded(
                f"The library is full: {limit} {full} are the limit. Delete something first.",
                details={"limit": full, "max": limit},
            )
        if saves_today >= limits.saves_per_day:
            raise QuotaExceeded(
                f"{limits.saves_per_day} saves a day are the limit. It starts anew at 00:00 UTC.",
                details={"limit": "saves_per_day", "max": limits.saves_per_day},
                retry_after_s=seconds_until_midnight(now),
            )


def seconds_until_midnight(now: datetime) -> int:
    """Return how long a limit of a day (UTC) still holds."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((midnight + timedelta(days=1) - now).total_seconds()) + 1
