"""How much of what an account counts one item is."""

from voxshelf.core.account import Amount
from voxshelf.core.items import Generation, Voice


def reserved_amount(item: Voice | Generation, replaces: Voice | Generation | None) -> Amount:
    """Return what a save of `item` adds while it runs, next to the version that it replaces."""
    new = 0 if replaces else 1
    if isinstance(item, Generation):
        return Amount(0, new, item.size_bytes, item.audio_ms)
    return Amount(new, 0, item.size_bytes, item.audio_ms)


def kept_amount(item: Voice | Generation | None) -> Amount:
    """Return what an item is while readers see it; without an item, nothing."""
    return Amount() if item is None else reserved_amount(item, None)
