"""How much a user saved on which day, beside what he keeps and may keep.

Days are those of the database's clock, in UTC. They are history: what was saved on a day
stays in its figures when it is deleted later. A replacement counts for what it added.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from voxshelf.core.account import Account, Amount, Limits
from voxshelf.core.reservation import Reservation

MONTHS = 12
DAYS = 31


@dataclass(frozen=True, slots=True)
class Usage:
    """A user's account as it is `today`, and what was saved on each day that has anything."""

    account: Account
    today: date
    days: Mapping[date, Amount]

    @property
    def saves_today(self) -> int:
        """Return how many saves were begun today; those that failed count, too."""
        return self.account.saves_on(self.today)

    @property
    def saved_today(self) -> Amount:
        """Return what was saved today."""
        return self.days.get(self.today, Amount())

    def last_days(self) -> dict[date, Amount]:
        """Return the last 31 days, today's among them, newest first."""
        oldest = self.today - timedelta(days=DAYS - 1)
        return {day: self.days[day] for day in sorted(self.days, reverse=True) if day >= oldest}

    def last_months(self) -> dict[str, Amount]:
        """Return the last 12 months, this one among them, newest first."""
        months: dict[str, Amount] = {}
        shown = set(months_before(self.today, MONTHS))
        for day in sorted(self.days, reverse=True):
            if (month := month_of(day)) in shown:
                months[month] = months.get(month, Amount()) + self.days[day]
        return months

    def limits(self, defaults: Limits) -> Limits:
        """Return the most that this user may have."""
        return self.account.limited(defaults)

    def left(self, defaults: Limits) -> Limits:
        """Return what is left of the limits, and never less than nothing.

        What is being saved at this moment counts as had.
        """
        limits, had = self.limits(defaults), self.account.kept + self.account.reserved
        return Limits(
            voices=max(0, limits.voices - had.voices),
            generations=max(0, limits.generations - had.generations),
            size_bytes=max(0, limits.size_bytes - had.size_bytes),
            saves_per_day=max(0, limits.saves_per_day - self.saves_today),
        )


def added(reservation: Reservation) -> Amount:
    """Return what a save adds to its day: a smaller version in place of a larger one, nothing."""
    growth = reservation.growth
    return Amount(
        voices=growth.voices,
        generations=growth.generations,
        size_bytes=max(0, growth.size_bytes),
        audio_ms=max(0, growth.audio_ms),
    )


def day_of(time: datetime) -> date:
    """Return the day of a time, in UTC."""
    return time.astimezone(UTC).date()


def month_of(day: date) -> str:
    """Return a day's month as `2026-11`."""
    return f"{day:%Y-%m}"


def months_before(day: date, count: int) -> Iterator[str]:
    """Yield the day's month and those before it, so many together."""
    for _ in range(count):
        yield month_of(day)
        day = day.replace(day=1) - timedelta(days=1)
