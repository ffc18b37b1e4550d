"""What one user has asked of the GPUs: counted against his limits, and told from a double click."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from voxshelf.core.account import seconds_until_midnight
from voxshelf.core.errors import QuotaExceeded
from voxshelf.core.jobs import JobLimits


@dataclass(frozen=True, slots=True)
class JobUse:
    """Jobs that have not ended, and those begun on `day` (UTC).

    `orders` holds, by the id of each active job that was started here, the fingerprints of what
    it was ordered to do. An entry goes when its job ends, so there are never more than active
    jobs.
    """

    active: int = 0
    day: str = ""
    today: int = 0
    orders: Mapping[str, Collection[str]] = field(default_factory=dict)

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
        day = now.astimezone(UTC).date().isoformat()
        today = self.today if day == self.day else 0
        if self.active >= limits.active:
            raise QuotaExceeded(
                f"{limits.active} jobs at once are the limit. Wait until one has ended.",
                details={"limit": "active_jobs", "max": limits.active},
                retry_after_s=10,
            )
        if today >= limits.per_day:
            raise QuotaExceeded(
                f"{limits.per_day} jobs a day are the limit. It starts anew at 00:00 UTC.",
                details={"limit": "jobs_per_day", "max": limits.per_day},
                retry_after_s=seconds_until_midnight(now),
            )
        known = {**self.orders, job_id: tuple(orders)} if orders else self.orders
        return JobUse(self.active + 1, day, today + 1, known)

    def ending(self, job_id: str) -> "JobUse":
        """Return the use without a job that has ended."""
        orders = {known: each for known, each in self.orders.items() if known != job_id}
        return JobUse(self.active - 1, self.day, self.today, orders)
