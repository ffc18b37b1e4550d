"""The decision on bringing deleted items back: may they, and is there room for them."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from voxshelf.core.account import Account, Amount, Limits
from voxshelf.core.amounts import kept_amount
from voxshelf.core.items import Voice
from voxshelf.core.shelf import Entry

# `with_generations` is a voice that comes back last, after those that were deleted with it;
# `unreadable` an item whose document cannot be read.
Verdict = Literal[
    "restored",
    "with_generations",
    "not_found",
    "in_progress",
    "name_taken",
    "quota_exceeded",
    "unreadable",
]


def decide_restoring(
    account: Account,
    entries: Sequence[Entry | None],
    now: datetime,
    defaults: Limits,
    taken_names: Collection[str],
) -> list[Verdict]:
    """Decide on each of several items, in this order, for as long as there is room.

    An item that is there is restored already. `taken_names` are those that other voices have.
    """
    verdicts, taken = [], set(taken_names)
    for entry in entries:
        verdict = verdict_on(entry, now, taken)
        if verdict in ("restored", "with_generations") and entry is not None:
            # The one with generations comes later, and under its name.
            taken |= _names_of(entry)
        if verdict == "restored" and entry is not None and entry.trash is not None:
            amount = kept_amount(entry.trash.item)
            if account.exceeded(amount, defaults) is None:
                account = replace(account, kept=account.kept + amount)
            else:
                verdict = "quota_exceeded"
        verdicts.append(verdict)
    return verdicts


def decide_bringing(
    account: Account,
    voice: Entry | None,
    generations: Sequence[Entry],
    now: datetime,
    defaults: Limits,
    taken_names: Collection[str],
) -> Verdict:
    """Decide on some of the generations that were deleted with a voice, all or none of them.

    There must be room for the voice, too: it comes back with the last of them.
    """
    verdict = verdict_on(voice, now, taken_names)
    if verdict != "with_generations" or voice is None or voice.trash is None:
        return verdict
    trashed = [voice.trash, *(entry.trash for entry in generations if entry.trash is not None)]
    amount = sum((kept_amount(trash.item) for trash in trashed), Amount())
    return verdict if account.exceeded(amount, defaults) is None else "quota_exceeded"


def verdict_on(entry: Entry | None, now: datetime, taken_names: Collection[str]) -> Verdict:
    """Decide on one item as if there were room for everything."""
    if entry is not None and entry.ready is not None:
        return "restored"
    if entry is None or entry.trash is None or not entry.trash.is_restorable(now):
        return "not_found"
    if entry.pending is not None:
        # A new voice is being saved in its place. Should that fail, this one is still there.
        return "in_progress"
    if _name_of(entry) in taken_names:
        return "name_taken"
    return "with_generations" if entry.trash.taken else "restored"


def _names_of(entry: Entry) -> set[str]:
    name = _name_of(entry)
    return set() if name is None else {name}


def _name_of(entry: Entry) -> str | None:
    item = entry.trash.item if entry.trash else None
    return item.name if isinstance(item, Voice) else None
