"""The roles that the use cases need played; adapters and the tests' fakes play them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Literal, Protocol

from voxshelf.core.audio import AudioFacts, AudioLimits
from voxshelf.core.content import Content, NewObject, StoredName, StoredObject
from voxshelf.core.items import Generation, Voice
from voxshelf.core.query import ListQuery, Page
from voxshelf.core.reservation import Decision, Item, Replay, Reservation
from voxshelf.core.shelf import Namesake, Shelf
from voxshelf.core.usage import Usage
from voxshelf.use_cases.deletion_ports import Deletion, DeletionLibrary, ItemKey

Kind = Literal["voices", "generations"]


def kind_of(item: Item) -> Kind:
    """Return the collection that an item belongs to."""
    return "generations" if isinstance(item, Generation) else "voices"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of a reservation. `version` is the adapter's own mark of what was written."""

    uid: str
    reservation: Reservation
    version: object


@dataclass(frozen=True, slots=True)
class Garbage:
    """Objects that an item once had, and that nothing refers to any more."""

    uid: str
    kind: Kind
    item_id: str
    object_paths: tuple[str, ...]

    @property
    def key(self) -> ItemKey:
        """Return which item it is."""
        return ItemKey(self.kind, self.item_id)


@dataclass(frozen=True, slots=True)
class Renaming:
    """A voice whose generations are still sorted and found under an earlier name.

    The voice is the one that was first saved at `saved_at`. `done` tells that none of them is any
    more.
    """

    uid: str
    voice_id: str
    saved_at: datetime
    done: bool = False


# What a crash can leave behind in the database.
Leftover = Receipt | Deletion | Garbage | Renaming


class Glance(Protocol):
    """A reading of the shelf. It may be old when it is used: a write shows that."""


class Library(DeletionLibrary, Protocol):
    """Decides what exists. Every method of this part is one atomic write, or fails as a whole.

    All raise `Unavailable` when the database does not answer in time.
    """

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
        """Decide as `reserve` would, and write nothing: before any work is done for the save.

        `decide` is asked with an attempt that only looks, and its errors pass through. Returns the
        reading that let the save proceed, for `reserve`, or for looking once more when more is
        known of the save.
        """

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
        """Read the shelf, decide, and write the reservation unless the shelf has changed.

        `decide` is asked again after a change, and its errors pass through. It may send the
        save `Elsewhere`, and is asked again for that place. The shelf shows a generation only
        when `generation_id` names one, and a namesake only when `name` is given: no two voices
        get one name, whoever asks at the same time.
        """

    def count_refusal(self, uid: str) -> None:
        """Count a save that was refused after work was done for it; see `Account.refusals`."""

    def confirm(self, receipt: Receipt) -> None:
        """Make the reserved item the one that readers see; again is success.

        Raises:
            InProgress: when the reservation, or its idempotency key, has been taken over.
        """

    def seize(self, receipt: Receipt) -> Receipt | None:
        """Take a reservation over, so that whoever held it can no longer confirm it.

        None when it has been confirmed, undone or taken over meanwhile.
        """

    def abandon(self, receipt: Receipt) -> None:
        """Undo a reservation whose objects and garbage are gone, as if it had never been."""

    def edit(
        self, uid: str, kind: Kind, item_id: str, change: Callable[[Item, datetime], Item]
    ) -> Item:
        """Put in an item's place what `change` makes of it at the database's time; return that.

        `change` is asked again when the item has changed meanwhile, and its errors pass through.
        What it returns as it was is not written. A voice's new name is shown by its generations
        at once; that they are still kept under the earlier one is noted as a `Renaming`.

        Raises:
            NotFound: when there is no such item.
            VoiceExists: when another voice has the new name.
            InProgress: while another version of it is being saved, which would undo the edit; or
                while another voice is being saved under the new name.
        """

    def rename_generations(self, renaming: Renaming) -> Iterator[int]:
        """Keep a voice's generations under its present name: by it they are sorted and found.

        Yields after each batch how many it changed; whoever stops asking leaves the rest, which
        goes on there. After the last one the `Renaming` is `done`, unless speech with the voice
        that was begun under the earlier name is still being saved: then all are looked at again.
        Nothing is done where it is `done` already.
        """

    def end_renaming(self, renaming: Renaming) -> None:
        """Forget a renaming that is `done`; nothing is done to one that is not.

        To be asked for a lease after it was: whoever shows generations that he read before they
        were rewritten learns the name from it.
        """


class Catalogue(Protocol):
    """Reads what is ready; what is pending or being deleted does not exist here."""

    def voice(self, uid: str, voice_id: str) -> Voice:
        """Return one voice, or raise `NotFound`."""

    def voice_named(self, uid: str, name: str) -> Voice:
        """Return the voice of a name (`naming.normal_name`), or raise `NotFound`."""

    def holders(self, uid: str, voice_id: str, name: str | None = None) -> Sequence[Namesake]:
        """Return what lies at a place, and what has or had a name, as decisions see it.

        The one reading that also finds a voice whose consent was withdrawn (`barring`). What is
        only being saved is not among it.
        """

    def generation(self, uid: str, generation_id: str) -> Generation:
        """Return one generation, or raise `NotFound`."""

    def voices(self, uid: str, query: ListQuery) -> Page[Voice]:
        """Return one page of voices."""

    def generations(self, uid: str, query: ListQuery) -> Page[Generation]:
        """Return one page of generations."""

    def usage(self, uid: str) -> Usage:
        """Return what the user has and saved when; a user who is not known has nothing."""


class Writing(Protocol):
    """Objects on their way into the store. None of them exists before `finish` is called.

    One of the two methods is called, once.
    """

    def finish(self) -> None:
        """Let the objects exist; return when they do.

        An object that exists with the same bytes is success: it is a retry. After a failure
        some may have been written.
        """

    def cancel(self) -> None:
        """Break off; return when nobody reads the contents any more."""


class ObjectStore(Protocol):
    """Keeps the bytes. Objects are created once and never changed.

    All methods raise `Unavailable` when the store does not answer in time.
    """

    def begin(self, objects: Sequence[NewObject]) -> Writing:
        """Begin to write all objects, at the same time where possible."""

    def delete(self, paths: Iterable[str]) -> None:
        """Remove the objects; a missing one is success."""

    def delete_generation(self, path: str, generation: str) -> None:
        """Remove an object if it is still that generation; otherwise nothing, which is success."""

    def stat(self, path: str) -> StoredObject | None:
        """Return an object's length and generation, or None when there is none."""

    def size(self, path: str) -> int | None:
        """Return an object's length in bytes, or None when there is none."""

    def download(self, path: str, into: BinaryIO) -> None:
        """Write a whole object at the place where `into` stands; nothing of it counts on failure.

        `into` is seekable: an attempt that broke off is taken back and made again.

        Raises:
            NotFound.
            Unavailable: also when less arrived than the object holds, or other bytes.
        """

    def read(self, path: str, start: int, length: int) -> bytes:
        """Return `length` bytes of an object, from `start` on: a few MiB at the most.

        They come without a checksum, which stores have for whole objects only: who reads an
        object in pieces compares its SHA-256 at the end.

        Raises:
            NotFound.
            Unavailable: also when the object ends before.
        """

    def names(self, prefix: str) -> Iterator[StoredName]:
        """Yield the objects whose paths begin with `prefix`, page by page, in order of path."""


class ContentCache(Protocol):
    """Reads objects whose digest is known, from near by where it can.

    Each is held in memory whole: it is for profiles and samples, not for hours of speech.
    """

    def read(self, path: str, sha256: str) -> bytes:
        """Return an object's bytes, which have this SHA-256 (hexadecimal).

        Whether the caller may read them was decided before: they may come from an object of
        another path that holds the same, or from one that has been deleted.

        Raises:
            NotFound.
            Unavailable: also when the store holds other bytes.
        """

    @property
    def figures(self) -> Mapping[str, int]:
        """Return how many `hits`, `misses`, `evictions` and `fetched_bytes` there have been."""


class AudioInspector(Protocol):
    """Measures audio of unknown origin."""

    def __call__(self, content: Content, limits: AudioLimits, owner: str) -> AudioFacts:
        """Decode and measure a file of the user with the uid `owner`.

        Raises:
            UnsupportedMediaType: when the first bytes show none of the formats kept.
            InvalidAudio: when it is damaged, not what it claims, outside the limits, or takes too
                much of the CPU.
            RateLimited: before any work, when the owner had much audio measured lately.
            Unavailable: when there is no place or no time at the moment.
        """
