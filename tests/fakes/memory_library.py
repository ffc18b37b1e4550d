"""The library in memory: trusted because it passes the same contract suite as Firestore's."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from voxshelf.core.account import Account, Amount
from voxshelf.core.errors import InProgress, NotFound
from voxshelf.core.items import Generation, Voice
from voxshelf.core.query import Cursor, ListQuery, Page
from voxshelf.core.reservation import (
    Decision,
    Item,
    Pending,
    Replay,
    RequestRecord,
    Reservation,
    Shelf,
    VoiceEntry,
)
from voxshelf.use_cases.ports import Receipt


@dataclass
class _Record:
    ready: Item | None = None
    fingerprint: str | None = None
    pending: Pending | None = None
    saved_by: str | None = None
    version: int = 0


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryLibrary:
    """Plays `Library` and `Catalogue`; `now` is its database's clock."""

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        self.now = now
        self.accounts: dict[str, Account] = {}
        self.records: dict[tuple[str, str, str], _Record] = {}
        self.requests: dict[tuple[str, str], RequestRecord] = {}
        self._versions = itertools.count(1)
        self._lock = threading.Lock()

    def reserve(
        self,
        uid: str,
        voice_id: str,
        request_key: str | None,
        decide: Callable[[Shelf], Decision],
    ) -> Receipt | Replay:
        with self._lock:
            decision = decide(self._shelf(uid, voice_id, request_key))
            if isinstance(decision, Replay):
                return decision
            pending = decision.pending
            record = self.records.setdefault(self._key(uid, pending.item), _Record())
            record.pending, record.version = pending, next(self._versions)
            self.accounts[uid] = decision.account
            if request_key is not None:
                started = RequestRecord(pending.fingerprint, pending.since, None)
                self.requests[uid, request_key] = started
            return Receipt(uid, decision, request_key, record.version)

    def _shelf(self, uid: str, voice_id: str, request_key: str | None) -> Shelf:
        record = self.records.get((uid, "voices", voice_id))
        ready = record.ready if record else None
        return Shelf(
            now=self.now(),
            account=self.accounts.get(uid, Account()),
            voice=VoiceEntry(
                ready if isinstance(ready, Voice) else None, record.fingerprint, record.pending
            )
            if record
            else None,
            request=self.requests.get((uid, request_key)) if request_key else None,
        )

    def confirm(self, receipt: Receipt) -> None:
        with self._lock:
            pending = receipt.reservation.pending
            record = self.records.get(self._key(receipt.uid, pending.item))
            if record is not None and record.saved_by == pending.lease:
                return
            if record is None or record.version != receipt.version:
                raise InProgress("Another save took this one's place.")
            record.ready, record.fingerprint = pending.item, pending.fingerprint
            record.pending, record.saved_by = None, pending.lease
            record.version = next(self._versions)
            self._settle(receipt.uid, receipt.reservation, kept=True)
            if isinstance(pending.item, Generation):
                self._count(receipt.uid, pending.item)
            if receipt.request_key is not None:
                done = RequestRecord(pending.fingerprint, pending.since, pending.item)
                self.requests[receipt.uid, receipt.request_key] = done

    def _count(self, uid: str, generation: Generation) -> None:
        record = self.records.get((uid, "voices", generation.voice_id))
        if record is not None and isinstance(record.ready, Voice):
            count = record.ready.generation_count + 1
            record.ready = replace(record.ready, generation_count=count)

    def abandon(self, receipt: Receipt) -> None:
        with self._lock:
            key = self._key(receipt.uid, receipt.reservation.pending.item)
            record = self.records.get(key)
            if record is None or record.version != receipt.version:
                return
            record.pending = None
            if record.ready is None:
                del self.records[key]
            self._settle(receipt.uid, receipt.reservation, kept=False)
            if receipt.request_key is not None:
                self.requests.pop((receipt.uid, receipt.request_key), None)

    def forget_replaced(self, receipt: Receipt) -> None:
        """Keep no garbage list: the fake's objects are deleted at once."""

    def _settle(self, uid: str, reservation: Reservation, *, kept: bool) -> None:
        account = self.accounts[uid]
        self.accounts[uid] = replace(
            account,
            reserved=account.reserved + -reservation.amount,
            kept=account.kept + (reservation.growth if kept else Amount()),
        )

    def _key(self, uid: str, item: Item) -> tuple[str, str, str]:
        return uid, "generations" if isinstance(item, Generation) else "voices", item.item_id

    def voice(self, uid: str, voice_id: str) -> Voice:
        item = self._ready(uid, "voices", voice_id)
        assert isinstance(item, Voice)
        return item

    def generation(self, uid: str, generation_id: str) -> Generation:
        item = self._ready(uid, "generations", generation_id)
        assert isinstance(item, Generation)
        return item

    def _ready(self, uid: str, kind: str, item_id: str) -> Item:
        record = self.records.get((uid, kind, item_id))
        if record is None or record.ready is None:
            raise NotFound("There is no such item in your library.")
        return record.ready

    def voices(self, uid: str, query: ListQuery) -> Page[Voice]:
        return self._page(uid, "voices", query)  # type: ignore[return-value]

    def generations(self, uid: str, query: ListQuery) -> Page[Generation]:
        return self._page(uid, "generations", query)  # type: ignore[return-value]

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


def _place(item: Item, query: ListQuery) -> tuple[str, str]:
    if query.sort == "name":
        name = item.name if isinstance(item, Voice) else item.voice_name
        return name.casefold(), item.item_id
    return getattr(item, query.sort).isoformat(timespec="microseconds"), item.item_id


def _passes(item: Item, name: str, value: str | bool) -> bool:
    return value in item.tags if name == "tag" else getattr(item, name) == value
