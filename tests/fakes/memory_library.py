"""The library in memory: trusted because it passes the same contract suite as Firestore's."""

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from voxshelf.core.account import Account, Amount
from voxshelf.core.errors import NotFound
from voxshelf.core.items import Generation, Voice, shown
from voxshelf.core.query import Cursor, ListQuery, Page
from voxshelf.core.reservation import (
    Decision,
    Entry,
    Item,
    Pending,
    Replay,
    RequestRecord,
    Reservation,
    Shelf,
    in_progress,
    reserved_amount,
)
from voxshelf.use_cases.ports import Deletion, Garbage, Glance, Kind, Leftover, Receipt


@dataclass
class _Record:
    ready: Item | None = None
    fingerprint: str | None = None
    pending: Pending | None = None
    saved_by: str | None = None
    garbage: tuple[str, ...] = ()
    deleting: bool = False
    withdrawn: bool = False
    since: datetime | None = None
    version: int = 0

    @property
    def paths(self) -> tuple[str, ...]:
        ready = self.ready.object_paths if self.ready else ()
        pending = self.pending.item.object_paths if self.pending else ()
        return ready + pending + self.garbage


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryLibrary:
    """Plays `Library`, `Catalogue` and `Upkeep`; `now` is its database's clock."""

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        self.now = now
        self.accounts: dict[str, Account] = {}
        self.records: dict[tuple[str, Kind, str], _Record] = {}
        self.requests: dict[tuple[str, str], RequestRecord] = {}
        self._versions = itertools.count(1)
        self._lock = threading.RLock()

    def glance(self, uid: str, voice_id: str, request_key: str | None) -> Glance:
        """Read nothing yet: a lock is held while reserving, so there is no round trip to save."""
        return object()

    def reserve(
        self,
        uid: str,
        voice_id: str,
        request_key: str | None,
        decide: Callable[[Shelf], Decision],
        *,
        generation_id: str | None = None,
        glance: Glance | None = None,
    ) -> Receipt | Replay:
        with self._lock:
            decision = decide(self._shelf(uid, voice_id, request_key, generation_id))
            if isinstance(decision, Replay):
                return decision
            pending = decision.pending
            record = self.records.setdefault(_key(uid, pending.item), _Record())
            record.pending, record.since = pending, pending.since
            record.garbage, record.version = decision.garbage, next(self._versions)
            self.accounts[uid] = decision.account
            if request_key is not None:
                started = RequestRecord(pending.fingerprint, pending.lease, pending.since, None)
                self.requests[uid, request_key] = started
            return Receipt(uid, decision, record.version)

    def _shelf(
        self, uid: str, voice_id: str, request_key: str | None, generation_id: str | None
    ) -> Shelf:
        return Shelf(
            now=self.now(),
            account=self.accounts.get(uid, Account()),
            voice=self._entry(uid, "voices", voice_id),
            generation=self._entry(uid, "generations", generation_id),
            request=self.requests.get((uid, request_key)) if request_key else None,
        )

    def _entry(self, uid: str, kind: Kind, item_id: str | None) -> Entry | None:
        record = self.records.get((uid, kind, item_id or ""))
        if record is None:
            return None
        return Entry(
            record.ready,
            record.fingerprint,
            record.pending,
            record.garbage,
            record.deleting,
            record.withdrawn,
        )

    def confirm(self, receipt: Receipt) -> None:
        with self._lock:
            pending = receipt.reservation.pending
            record = self.records.get(_key(receipt.uid, pending.item))
            if record is not None and record.saved_by == pending.lease:
                return
            if record is None or record.version != receipt.version or not self._owns_key(receipt):
                raise in_progress()
            record.ready, record.fingerprint = _counted(pending.item, record), pending.fingerprint
            record.pending, record.saved_by = None, pending.lease
            record.garbage = receipt.reservation.leftovers
            record.since = pending.since if record.garbage else None
            record.version = next(self._versions)
            self._settle(receipt.uid, receipt.reservation, kept=True)
            if pending.renames and isinstance(pending.item, Voice):
                self._name(receipt.uid, pending.item)
            if receipt.reservation.replaces is None:
                self._count(receipt.uid, pending.item, 1)
            if pending.request_key is not None:
                request = self.requests[receipt.uid, pending.request_key]
                done = replace(request, item=pending.item)
                self.requests[receipt.uid, pending.request_key] = done

    def _name(self, uid: str, voice: Voice) -> None:
        account = self.accounts[uid]
        names = {**account.names, voice.voice_id: voice.name}
        self.accounts[uid] = replace(account, names=names)

    def _owns_key(self, receipt: Receipt) -> bool:
        pending = receipt.reservation.pending
        if pending.request_key is None:
            return True
        request = self.requests.get((receipt.uid, pending.request_key))
        return request is not None and request.lease == pending.lease

    def _count(self, uid: str, item: Item, change: int) -> None:
        if isinstance(item, Generation):
            record = self.records.get((uid, "voices", item.voice_id))
            if (
                record is not None
                and isinstance(record.ready, Voice)
                and record.ready.saved_at <= item.saved_at
            ):
                count = record.ready.generation_count + change
                record.ready = replace(record.ready, generation_count=count)

    def seize(self, receipt: Receipt) -> Receipt | None:
        with self._lock:
            pending = receipt.reservation.pending
            record = self.records.get(_key(receipt.uid, pending.item))
            if record is None or record.pending is None or record.pending.lease != pending.lease:
                return None
            seized = replace(pending, lease=f"seized {pending.lease}")
            record.pending, record.version = seized, next(self._versions)
            reservation = replace(receipt.reservation, pending=seized)
            return Receipt(receipt.uid, reservation, record.version)

    def abandon(self, receipt: Receipt) -> None:
        with self._lock:
            pending = receipt.reservation.pending
            key = _key(receipt.uid, pending.item)
            record = self.records.get(key)
            if record is None or record.version != receipt.version:
                return
            record.pending, record.garbage, record.since = None, (), None
            if record.ready is None:
                del self.records[key]
            self._settle(receipt.uid, receipt.reservation, kept=False)
            if pending.request_key is not None:
                request = self.requests.get((receipt.uid, pending.request_key))
                if request and pending.lease in (request.lease, f"seized {request.lease}"):
                    del self.requests[receipt.uid, pending.request_key]

    def delete(self, uid: str, kind: Kind, item_id: str, *, withdrawn: bool = False) -> Deletion:
        with self._lock:
            record = self.records.get((uid, kind, item_id))
            if record is None or (record.ready is None and not record.deleting):
                raise NotFound("There is no such item in your library.")
            if not record.deleting:
                self._mark_deleting(uid, record)
                record.withdrawn = withdrawn
            return Deletion(uid, kind, item_id, record.garbage)

    def _mark_deleting(self, uid: str, record: _Record) -> None:
        item, account = record.ready, self.accounts[uid]
        assert item is not None
        account = replace(account, kept=account.kept + -reserved_amount(item, None))
        if record.pending is not None:
            account = account.releasing(reserved_amount(record.pending.item, item))
        self.accounts[uid] = account
        record.garbage, record.deleting = record.paths, True
        record.ready = record.pending = None
        record.since, record.version = self.now(), next(self._versions)
        self._count(uid, item, -1)

    def forget(self, leftover: Deletion | Garbage) -> None:
        with self._lock:
            key = (leftover.uid, leftover.kind, leftover.item_id)
            record = self.records.get(key)
            if record is None:
                return
            if isinstance(leftover, Deletion):
                if record.deleting and record.withdrawn:
                    self.records[key] = _Record(withdrawn=True)
                elif record.deleting:
                    del self.records[key]
                return
            kept = tuple(p for p in record.garbage if p not in leftover.object_paths)
            record.garbage = kept
            if not kept and record.pending is None:
                record.since = None

    def leftovers(self, older_than: timedelta) -> Iterator[Leftover]:
        before = self.now() - older_than
        for (uid, kind, item_id), record in list(self.records.items()):
            if record.since is None or record.since >= before:
                continue
            if record.deleting:
                yield Deletion(uid, kind, item_id, record.garbage)
            elif record.pending is not None:
                reservation = Reservation(Account(), record.pending, record.ready, record.garbage)
                yield Receipt(uid, reservation, record.version)
            else:
                yield Garbage(uid, kind, item_id, record.garbage)

    def references(self, uid: str) -> frozenset[str]:
        records = [record for (owner, _, _), record in self.records.items() if owner == uid]
        return frozenset(path for record in records for path in record.paths)

    def ready_paths(self) -> Iterator[str]:
        for record in list(self.records.values()):
            if record.ready is not None:
                yield from record.ready.object_paths

    def _settle(self, uid: str, reservation: Reservation, *, kept: bool) -> None:
        account = self.accounts[uid]
        self.accounts[uid] = replace(
            account.releasing(reservation.amount),
            kept=account.kept + (reservation.growth if kept else Amount()),
        )

    def voice(self, uid: str, voice_id: str) -> Voice:
        item = self._ready(uid, "voices", voice_id)
        assert isinstance(item, Voice)
        return item

    def generation(self, uid: str, generation_id: str) -> Generation:
        item = self._ready(uid, "generations", generation_id)
        assert isinstance(item, Generation)
        return shown(item, self.accounts[uid].names)

    def _ready(self, uid: str, kind: str, item_id: str) -> Item:
        record = self.records.get((uid, kind, item_id))
        if record is None or record.ready is None:
            raise NotFound("There is no such item in your library.")
        return record.ready

    def voices(self, uid: str, query: ListQuery) -> Page[Voice]:
        return self._page(uid, "voices", query)  # type: ignore[return-value]

    def generations(self, uid: str, query: ListQuery) -> Page[Generation]:
        page = self._page(uid, "generations", query)
        names = self.accounts.get(uid, Account()).names
        return replace(page, items=tuple(shown(item, names) for item in page.items))

    def _page(self, uid: str, kind: str, query: ListQuery) -> Page[Item]:
        matching = [
            record.ready
            for (owner, item_kind, _), record in self.records.items()
            if (owner, item_kind) == (uid, kind)
            and record.ready is not None
            and all(_passes(record.ready, name, value) for name, value in query.filters.items())
        ]
        ordered = sorted(matching, key=lambda item: _place(item, query), reverse=query.descending)
        if query.after is not None:
            after = (query.after.value, query.after.item_id)
            ordered = [
                item
                for item in ordered
                if (
                    _place(item, query) < after if query.descending else _place(item, query) > after
                )
            ]
        shown = ordered[: query.page_size]
        more = len(ordered) > len(shown)
        wanted = not query.filters or query.include_total
        return Page(
            tuple(shown),
            Cursor(*_place(shown[-1], query)) if more else None,
            len(matching) if wanted else None,
        )


def _key(uid: str, item: Item) -> tuple[str, Kind, str]:
    return uid, "generations" if isinstance(item, Generation) else "voices", item.item_id


def _counted(item: Item, record: _Record) -> Item:
    """Generations may have been counted since the version that is replaced was read."""
    if isinstance(item, Voice) and isinstance(record.ready, Voice):
        return replace(item, generation_count=record.ready.generation_count)
    return item


def _place(item: Item, query: ListQuery) -> tuple[str, str]:
    if query.sort == "name":
        name = item.name if isinstance(item, Voice) else item.voice_name
        return name.casefold(), item.item_id
    return getattr(item, query.sort).isoformat(timespec="microseconds"), item.item_id


def _passes(item: Item, name: str, value: str | bool) -> bool:
    return value in item.tags if name == "tag" else getattr(item, name) == value
