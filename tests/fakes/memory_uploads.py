"""Slots for uploads in memory: trusted because they pass the same contract suite as Firestore's."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from voxshelf.core.account import Account, Policy
from voxshelf.core.upload_slots import SlotKey, SlotUse, Taken, UploadSlot, WantedUpload, slot_key
from voxshelf.use_cases.upload_ports import key_conflict, no_slot


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryUploads:
    """Plays `UploadSlots`; `now` is its database's clock, `limits` those of single users."""

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        self.now = now
        self.slots: dict[SlotKey, UploadSlot] = {}
        self.uses: dict[str, SlotUse] = {}
        self.limits: dict[str, Mapping[str, int]] = {}
        self._lock = threading.RLock()

    def give(
        self, uid: str, upload_id: str, wanted: WantedUpload, policy: Policy
    ) -> tuple[UploadSlot, bool]:
        key, now = SlotKey(uid, upload_id), self.now()
        with self._lock:
            present = self.slots.get(key)
            if present is not None and not present.is_forgotten(now):
                if not present.is_for(wanted):
                    raise key_conflict()
                return present, True
            limits = Account(limits=self.limits.get(uid, {})).limited(policy.limits)
            self.uses[uid] = self._use(uid).taking(wanted.size_bytes, now, limits)
            self.slots[key] = UploadSlot.opened(key, wanted, now, policy.upload_for)
            return self.slots[key], False

    def find(self, uid: str, path: str) -> UploadSlot | None:
        slot = self.slots.get(slot_key(uid, path))
        return slot if slot is not None and slot.is_known(self.now()) else None

    def take(self, uid: str, path: str, generation: str, sha256: str) -> None:
        key, now = slot_key(uid, path), self.now()
        with self._lock:
            slot = self.slots.get(key)
            if slot is not None and slot.holds(generation, sha256):
                return
            if slot is not None and slot.taken is None:
                self.uses[uid] = self._use(uid).returning(slot.size_bytes)
            noted = slot or UploadSlot.unasked(key, path, now)
            self.slots[key] = replace(noted, taken=Taken(generation, sha256, now))

    def close(self, key: SlotKey) -> None:
        with self._lock:
            slot = self.slots.get(key)
            if slot is None or slot.taken is not None:
                raise no_slot()
            del self.slots[key]
            self.uses[key.uid] = self._use(key.uid).returning(slot.size_bytes)

    def expired(self, older_than: timedelta) -> Iterator[SlotKey]:
        before = self.now() - older_than
        for key, slot in list(self.slots.items()):
            if slot.taken is None and slot.open_until < before:
                yield key

    def _use(self, uid: str) -> SlotUse:
        return self.uses.get(uid, SlotUse())
