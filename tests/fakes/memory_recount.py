"""The part of `Upkeep` in memory that recounts."""

from collections.abc import Iterator
from dataclasses import replace

from voxshelf.core.account import Account, Amount
from voxshelf.core.amounts import kept_amount
from voxshelf.core.counting import Counted, generation_counts, kept_of


class MemoryRecount:
    """Recounts what `MemoryLibrary` holds."""

    def users(self) -> Iterator[str]:
        yield from sorted({*self.accounts, *(uid for uid, _, _ in self.records)})

    def recount(self, uid: str) -> int | None:
        with self._lock:
            own = {key: record for key, record in self.records.items() if key[0] == uid}
            if any(record.pending for record in own.values()):
                return None
            counted: dict = {"voices": [], "generations": []}
            for (_, kind, _), record in own.items():
                item = record.ready or (record.trash and record.trash.item)
                if item is not None:
                    one = Counted(
                        item.voice_id, item.saved_at, kept_amount(item), record.ready is not None
                    )
                    counted[kind].append(one)
            account = self.accounts.get(uid, Account())
            renamings = len([owner for owner, _, _ in self.renamings if owner == uid])
            kept = kept_of([*counted["voices"], *counted["generations"]])
            right = replace(account, kept=kept, reserved=Amount(), renamings=renamings)
            self.accounts[uid] = right
            wrong = sum(
                getattr(account.kept, name) != getattr(kept, name) for name in Amount.__slots__
            )
            wrong += (account.reserved != Amount()) + (account.renamings != renamings)
            counts = generation_counts(counted["voices"], counted["generations"])
            return wrong + sum(self._mend_voice(uid, *one) for one in counts.items())

    def _mend_voice(self, uid: str, voice_id: str, count: int) -> bool:
        record = self.records[uid, "voices", voice_id]
        voice = record.ready or record.trash.item
        mended = replace(voice, generation_count=count)
        if record.ready is not None:
            record.ready = mended
        else:
            record.trash = replace(record.trash, item=mended)
        return bool(voice.generation_count != count)
