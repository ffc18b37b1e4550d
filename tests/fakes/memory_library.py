"""The library in memory: trusted because it passes the same contract suite as Firestore's."""

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from tests.fakes.memory_edits import MemoryEdits
from tests.fakes.memory_jobs import MemoryJobs
from tests.fakes.memory_listing import page_of
from tests.fakes.memory_recount import MemoryRecount
from tests.fakes.memory_trash import MemoryTrash
from voxshelf.core.account import Account, Amount, Refusals, hour_of
from voxshelf.core.counting import counts_at
from voxshelf.core.errors import NotFound
from voxshelf.core.items import Generation, Voice
from voxshelf.core.naming import Elsewhere, name_digest
from voxshelf.core.query import ListQuery, Page
from voxshelf.core.reservation import Decision, Item, Replay, Reservation, in_progress
from voxshelf.core.shelf import Entry, Namesake, Pending, RequestRecord, Shelf
from voxshelf.core.trash import Trash
from voxshelf.core.usage import Usage, added, day_of
from voxshelf.use_cases.deletion_ports import ItemKey
from voxshelf.use_cases.ports import Garbage, Glance, Kind, Leftover, Receipt, Renaming
from voxshelf.use_cases.unreadable import Unreadable


@dataclass
class _Record:
    ready: Item | None = None
    pending: Pending | None = None
    saved_by: str | None = None
    garbage: tuple[str, ...] = ()
    trash: Trash | None = None
    withdrawn: bool = False
    withdrawn_name: str | None = None
    since: datetime | None = None
    version: int = 0

    @property
    def paths(self) -> tuple[str, ...]:
        ready = self.ready.object_paths if self.ready else ()
        pending = self.pending.item.object_paths if self.pending else ()
        deleted = self.trash.item.object_paths if self.trash else ()
        return ready + deleted + pending + self.garbage


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryLibrary(MemoryEdits, MemoryTrash, MemoryRecount):
    """Plays `Library`, `Catalogue` and `Upkeep`; `now` is its database's clock."""

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        super().__init__()
        self.now = now
        self.accounts: dict[str, Account] = {}
        self.records: dict[tuple[str, Kind, str], _Record] = {}
        self.requests: dict[tuple[str, str], RequestRecord] = {}
        self.saved: dict[tuple[str, date], Amount] = {}
        self.unreadable: list[Unreadable] = []
        # Where the words of what is purged are, too.
        self.jobs = MemoryJobs()
        self._versions = itertools.count(1)
        self._lock = threading.RLock()

    def look(
        self,
        uid: str,
        voice_id: str,
        request_key: str | None,
        decide: Callable[[Shelf], Decision],
        *,
        generation_id: str | None = None,
        name: str | None = None,
        glance: Glance | None = None,
    ) -> Replay | Glance:
        """Keep nothing: a lock is held while reserving, so there is no round trip to save."""
        with self._lock:
            decision = self._decided(
                uid, Elsewhere(voice_id, generation_id), request_key, decide, name
            )
            return decision if isinstance(decision, Replay) else object()

    def reserve(
        self,
        uid: str,
        voice_id: str,
        request_key: str | None,
        decide: Callable[[Shelf], Decision],
        *,
        generation_id: str | None = None,
        name: str | None = None,
        glance: Glance | None = None,
    ) -> Receipt | Replay:
        with self._lock:
            decision = self._decided(
                uid, Elsewhere(voice_id, generation_id), request_key, decide, name
            )
            if isinstance(decision, Replay):
                return decision
            assert isinstance(decision, Reservation)
            pending = decision.pending
            record = self.records.setdefault(_key(uid, pending.item), _Record())
            record.pending, record.since = pending, pending.since
            record.garbage, record.version = decision.garbage, next(self._versions)
            self.accounts[uid] = decision.account
            if request_key is not None:
                started = RequestRecord(pending.fingerprint, pending.lease, pending.since, None)
                self.requests[uid, request_key] = started
            return Receipt(uid, decision, record.version)

    def _decided(
        self,
        uid: str,
        place: Elsewhere,
        key: str | None,
        decide: Callable[[Shelf], Decision],
        name: str | None,
    ) -> Decision:
        """Return the decision for the place where it is made in the end."""
        decision: Decision = place
        while isinstance(decision, Elsewhere):
            decision = decide(
                self._shelf(uid, decision.voice_id, key, decision.generation_id, name)
            )
        return decision

    def _shelf(
        self,
        uid: str,
        voice_id: str,
        request_key: str | None,
        generation_id: str | None,
        name: str | None = None,
    ) -> Shelf:
        named = [] if name is None else self._named(uid, name)
        own = [one for one in named if one.voice_id == voice_id]
        return Shelf(
            now=self.now(),
            account=self.accounts.get(uid, Account()),
            voice_id=voice_id,
            generation_id=generation_id,
            namesake=next(iter([*own, *named]), None),
            voice=self._entry(uid, "voices", voice_id),
            generation=self._entry(uid, "generations", generation_id),
            request=self.requests.get((uid, request_key)) if request_key else None,
        )

    def _named(self, uid: str, name: str) -> list[Namesake]:
        found = []
        for (owner, kind, item_id), record in self.records.items():
            live = [record.ready, record.pending.item if record.pending else None]
            names = {item.name for item in live if isinstance(item, Voice)}
            entry = self._entry(uid, kind, item_id)
            if owner == uid and name in names and entry is not None:
                found.append(Namesake(item_id, entry))
        return found

    def _entry(self, uid: str, kind: Kind, item_id: str | None) -> Entry | None:
        record = self.records.get((uid, kind, item_id or ""))
        if record is None:
            return None
        return Entry(
            record.ready,
            record.pending,
            record.garbage,
            record.trash,
            record.withdrawn,
            record.withdrawn_name,
        )

    def count_refusal(self, uid: str) -> None:
        with self._lock:
            account, now = self.accounts.get(uid, Account()), self.now()
            refused = Refusals(hour_of(now), account.refusals.in_hour_of(now) + 1)
            self.accounts[uid] = replace(account, refusals=refused)

    def confirm(self, receipt: Receipt) -> None:
        with self._lock:
            pending = receipt.reservation.pending
            record = self.records.get(_key(receipt.uid, pending.item))
            if record is not None and record.saved_by == pending.lease:
                return
            if record is None or record.version != receipt.version or not self._owns_key(receipt):
                raise in_progress()
            record.ready = _counted(pending.item, record)
            if receipt.reservation.is_first:
                record.ready = replace(record.ready, saved_at=self.now())
            record.trash, record.pending, record.saved_by = None, None, pending.lease
            record.garbage = receipt.reservation.leftovers
            record.since = pending.since if record.garbage else None
            record.version = next(self._versions)
            self._settle(receipt.uid, receipt.reservation, kept=True)
            day = (receipt.uid, day_of(pending.since))
            self.saved[day] = self.saved.get(day, Amount()) + added(receipt.reservation)
            if pending.renames and isinstance(pending.item, Voice):
                is_first = receipt.reservation.is_first
                (self._follow if is_first else self._name)(receipt.uid, record.ready)
            if receipt.reservation.replaces is None:
                self._count(receipt.uid, record.ready, 1)
            if pending.request_key is not None:
                request = self.requests[receipt.uid, pending.request_key]
                done = replace(request, item=pending.item)
                self.requests[receipt.uid, pending.request_key] = done

    def _owns_key(self, receipt: Receipt) -> bool:
        pending = receipt.reservation.pending
        if pending.request_key is None:
            return True
        request = self.requests.get((receipt.uid, pending.request_key))
        return request is not None and request.lease == pending.lease

    def _count(self, uid: str, item: Item, change: int) -> None:
        if isinstance(item, Generation):
            record = self.records.get((uid, "voices", item.voice_id))
            voice = (record.ready or (record.trash and record.trash.item)) if record else None
            if record is None or not isinstance(voice, Voice) or not counts_at(item, voice):
                return
            counted = replace(voice, generation_count=voice.generation_count + change)
            if record.trash is None:
                record.ready = counted
            else:
                record.trash = replace(record.trash, item=counted)

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
            record.pending, record.garbage = None, ()
            record.since = record.trash.purge_at if record.trash else None
            if record.ready is None and record.trash is None:
                del self.records[key]
            self._settle(receipt.uid, receipt.reservation, kept=False)
            if pending.request_key is not None:
                request = self.requests.get((receipt.uid, pending.request_key))
                if request and pending.lease in (request.lease, f"seized {request.lease}"):
                    del self.requests[receipt.uid, pending.request_key]

    def leftovers(self, older_than: timedelta) -> Iterator[Leftover | Unreadable]:
        before = self.now() - older_than
        yield from self.unreadable
        for (uid, kind, item_id), record in list(self.records.items()):
            settled = self.records.get((uid, kind, item_id)) is not record
            if settled or record.since is None or record.since >= before:
                continue
            trash = record.trash
            if record.pending is not None:
                yield self._receipt(uid, record)
            elif trash is not None and (trash.is_busy or trash.purge_at < before):
                yield self._deletion(uid, ItemKey(kind, item_id))
            else:
                yield Garbage(uid, kind, item_id, record.garbage)
        for (uid, voice_id, saved_at), note in list(self.renamings.items()):
            if note.since < before:
                yield Renaming(uid, voice_id, saved_at, note.done)

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

    def holders(self, uid: str, voice_id: str, name: str | None = None) -> tuple[Namesake, ...]:
        with self._lock:
            own = [item_id for *key, item_id in self.records if key == [uid, "voices"]]
            found = [(item_id, self._entry(uid, "voices", item_id)) for item_id in own]
            return tuple(
                Namesake(item_id, entry)
                for item_id, entry in found
                if entry is not None and _holds(item_id, entry, voice_id, name)
            )

    def voice_named(self, uid: str, name: str) -> Voice:
        for namesake in self._named(uid, name):
            voice = namesake.entry.voice
            if voice is not None and voice.name == name:
                return voice
        raise NotFound("There is no such item in your library.")

    def generation(self, uid: str, generation_id: str) -> Generation:
        item = self._ready(uid, "generations", generation_id)
        assert isinstance(item, Generation)
        return self._shown(uid, item)

    def _ready(self, uid: str, kind: str, item_id: str) -> Item:
        record = self.records.get((uid, kind, item_id))
        if record is None or record.ready is None:
            raise NotFound("There is no such item in your library.")
        return record.ready

    def voices(self, uid: str, query: ListQuery) -> Page[Voice]:
        return self._page(uid, "voices", query)  # type: ignore[return-value]

    def generations(self, uid: str, query: ListQuery) -> Page[Generation]:
        page = self._page(uid, "generations", query)
        return replace(page, items=tuple(self._shown(uid, item) for item in page.items))

    def usage(self, uid: str) -> Usage:
        days = {day: amount for (owner, day), amount in self.saved.items() if owner == uid}
        days = {day: amount for day, amount in days.items() if amount != Amount()}
        return Usage(self.accounts.get(uid, Account()), day_of(self.now()), days)

    def _page(self, uid: str, kind: str, query: ListQuery) -> Page[Item]:
        ready = [
            record.ready
            for (owner, item_kind, _), record in self.records.items()
            if (owner, item_kind) == (uid, kind) and record.ready is not None
        ]
        return page_of(ready, query)


def _key(uid: str, item: Item) -> tuple[str, Kind, str]:
    return uid, "generations" if isinstance(item, Generation) else "voices", item.item_id


def _counted(item: Item, record: _Record) -> Item:
    """Generations may have been counted since the version that is replaced was read."""
    earlier = record.ready or (record.trash.item if record.trash else None)
    if isinstance(item, Voice) and isinstance(earlier, Voice):
        return replace(item, generation_count=earlier.generation_count)
    return item


def _holds(item_id: str, entry: Entry, voice_id: str, name: str | None) -> bool:
    item = entry.ready or (entry.trash.item if entry.trash is not None else None)
    if item is None and not entry.withdrawn:
        return False
    if item_id == voice_id:
        return True
    known = {item.name if isinstance(item, Voice) else None, entry.withdrawn_name}
    return name is not None and bool(known & {name, name_digest(name)})
