"""What one user has asked of the GPUs: counted against his limits, and told from a double click."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from voxshelf.core.account import seconds_until_midnight
from voxshelf.core.errors import QuotaExceeded
from voxshelf.core.jobs import JobLimits


@dataclass(frozen=True, slots=True)
class JobUse:
    """Jobs that have not ended, and those begun on `day` (UTC).

    `taken_over` counts the attempts of that day to take a result over, by importing a job or trying
    one again, refused ones too.

    `orders` holds, by the id of each active job that was started here, the fingerprints of what
    it was ordered to do. An entry goes when its job ends, so there are never more than active
    jobs.
    """

    active: int = 0
    day: str = ""
    today: int = 0
    orders: Mapping[str, Collection[str]] = field(default_factory=dict)
    taken_over: int = 0

    def alike(self, fingerprints: Collection[str]) -> tuple[str, ...]:
        """Return the ids of the active jobs that were ordered to do one of these."""
        asked = set(fingerprints)
        return tuple(job_id for job_id, known in self.orders.items() if asked & set(known))

    def taking(
        self, now: datetime, limits: JobLimits, job_id: str = "", orders: Collection[str] = ()
    ) -> "JobUse":
        """Return the use with one more job, known by its `orders` if it has any.

        Raises:
            QuotaExceeded: when that would be more than the user may have.
        """
        use = self._on(now)
        if use.active >= limits.active:
            raise QuotaExceeded(
                f"{limits.active} jobs at once are the limit. Wait until one has ended.",
                details={"limit": "active_jobs", "max": limits.active},
                retry_after_s=10,
            )
        _check_day(use.today, "jobs", "jobs_per_day", limits, now)
        known = {**use.orders, job_id: tuple(orders)} if orders else use.orders
        return replace(use, active=use.active + 1, today=use.today + 1, orders=known)

    def taking_over(self, now: datetime, limits: JobLimits) -> "JobUse":
        """Return the use with one more attempt to take a result over, which asks RunPod for it.

        Raises:
            QuotaExceeded: when that would be more than the user may have jobs a day.
        """
        use = self._on(now)
        what = "imports and retries of jobs"
        _check_day(use.taken_over, what, "taken_over_per_day", limits, now)
        return replace(use, taken_over=use.taken_over + 1)

    def _on(self, now: datetime) -> "JobUse":
        day = now.astimezone(UTC).date().isoformat()
        return self if day == self.day else replace(self, day=day, today=0, taken_over=0)

    def ending(self, job_id: str) -> "JobUse":
        """Return the use without a job that has ended."""
        orders = {known: each for known, each in self.orders.items() if known != job_id}
        return replace(self, active=self.active - 1, orders=orders)


def _check_day(had: int, what: str, limit: str, limits: JobLimits, now: datetime) -> None:
    if had >= limits.per_day:
        raise QuotaExceeded(
            f"{limits.per_day} {what} a day are the limit. It starts anew at 00:00 UTC.",
            details={"limit": limit, "max": limits.per_day},
            retry_after_s=seconds_until_midnight(now),
        )
