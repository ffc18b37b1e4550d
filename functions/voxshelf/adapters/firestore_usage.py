"""What was saved on which day, in Firestore: one document a month, users/{uid}/usage/{YYYY-MM}.

A document holds `days`, each with the counters of what was saved then. They are written in
the batch that confirms a save, so that each save is counted exactly once, and as increments,
which never conflict with each other.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

from google.cloud import firestore

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_counters import grown
from voxshelf.adapters.firestore_errors import translated
from voxshelf.adapters.firestore_places import BOUNDED, Places
from voxshelf.core.account import Amount
from voxshelf.core.reservation import Reservation
from voxshelf.core.usage import MONTHS, Usage, added, day_of, month_of, months_before


def count_save(
    batch: firestore.WriteBatch, places: Places, uid: str, reservation: Reservation
) -> None:
    """Count a save on the day on which it began, in the batch that confirms it."""
    amount = added(reservation)
    if amount != Amount():
        day = day_of(reservation.pending.since)
        counters = {"days": {f"{day:%d}": grown(amount)}}
        batch.set(places.usage(uid, month_of(day)), counters, merge=True)


class FirestoreUsage:
    """Plays the part of `Catalogue` that tells what a user has saved when."""

    def __init__(
        self,
        client: firestore.Client,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        """Use `client`, which may be shared by threads; `today` is this machine's guess."""
        self._places = Places(client)
        self._today = today

    def usage(self, uid: str) -> Usage:
        """See `Catalogue.usage`."""
        # The database tells what day it is, but only in its answer. From tomorrow on this
        # machine's clock, one month more than is shown has all of them, be it a day wrong.
        names = list(months_before(self._today() + timedelta(days=1), MONTHS + 1))
        usage = self._usage(uid, names)
        if set(months_before(usage.today, MONTHS)) <= set(names):
            return usage
        return self._usage(uid, list(months_before(usage.today, MONTHS)))

    def _usage(self, uid: str, names: Sequence[str]) -> Usage:
        months = [self._places.usage(uid, name) for name in names]
        account = self._places.account(uid)
        with translated():
            found = self._places.client.get_all([account, *months], **BOUNDED)
            seen = {snapshot.reference.path: snapshot for snapshot in found}
        days: dict[date, Amount] = {}
        for month in months:
            days |= _days(month.id, seen[month.path].to_dict() or {})
        return Usage(
            account=documents.to_account(seen[account.path].to_dict() or {}),
            today=day_of(seen[account.path].read_time),
            days=days,
        )


def _days(month: str, document: documents.Document) -> dict[date, Amount]:
    days: documents.Document = document.get("days", {})
    return {
        date.fromisoformat(f"{month}-{day}"): documents.to_amount(counters)
        for day, counters in days.items()
    }
