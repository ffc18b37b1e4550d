"""The way through a library that an export takes: voices, then generations, oldest first.

It goes by places, not by numbers, so that nothing is skipped or met twice while other items come
and go.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC

from voxshelf.core.errors import NotFound
from voxshelf.core.items import Generation, Voice
from voxshelf.core.query import MAX_PAGE_SIZE, Cursor, ListQuery, Page
from voxshelf.use_cases.ports import Catalogue, Kind

_KINDS: tuple[Kind, Kind] = ("voices", "generations")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where the way stands: right after an item. Places compare as they lie on the way.

    `value` is the item's creation time in UTC, to the microsecond, so that times compare as
    texts; where items were selected, it is the item's number among them.
    """

    kind: int = 0
    value: str = ""
    item_id: str = ""


START = Place()


@dataclass(frozen=True, slots=True)
class Selection:
    """The ids that were asked for, in their order. None at all: everything."""

    voice_ids: tuple[str, ...] = ()
    generation_ids: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Tell whether nothing was selected."""
        return not self.voice_ids and not self.generation_ids


@dataclass(frozen=True, slots=True)
class Walk:
    """One user's way through what was selected of the library."""

    uid: str
    selection: Selection
    catalogue: Catalogue

    def after(self, start: Place) -> Iterator[tuple[Place, Voice | Generation]]:
        """Yield all items after a place, each with its own place."""
        for number, kind in enumerate(_KINDS):
            if number < start.kind:
                continue
            begin = start if number == start.kind else Place(number)
            if self.selection.is_everything:
                yield from self._listed(kind, begin)
            else:
                yield from self._selected(kind, begin)

    def current(self, item: Voice | Generation) -> Voice | Generation | None:
        """Return an item as it is now, or None when it is gone."""
        return self._read("generations" if isinstance(item, Generation) else "voices", item.item_id)

    def _listed(self, kind: Kind, begin: Place) -> Iterator[tuple[Place, Voice | Generation]]:
        after = Cursor(begin.value, begin.item_id) if begin.value else None
        while True:
            query = ListQuery(descending=False, page_size=MAX_PAGE_SIZE, after=after)
            page: Page[Voice] | Page[Generation] = (
                self.catalogue.voices(self.uid, query)
                if kind == "voices"
                else self.catalogue.generations(self.uid, query)
            )
            for item in page.items:
                created_at = item.created_at.astimezone(UTC).isoformat(timespec="microseconds")
                yield Place(begin.kind, created_at, item.item_id), item
            if page.next is None:
                return
            after = page.next

    def _selected(self, kind: Kind, begin: Place) -> Iterator[tuple[Place, Voice | Generation]]:
        ids = self.selection.voice_ids if kind == "voices" else self.selection.generation_ids
        first = int(begin.value) + 1 if begin.value else 0
        for number, item_id in enumerate(ids[first:], start=first):
            item = self._read(kind, item_id)
            if item is not None:
                yield Place(begin.kind, f"{number:06}", item_id), item

    def _read(self, kind: Kind, item_id: str) -> Voice | Generation | None:
        try:
            if kind == "voices":
                return self.catalogue.voice(self.uid, item_id)
            return self.catalogue.generation(self.uid, item_id)
        except NotFound:
            return None
