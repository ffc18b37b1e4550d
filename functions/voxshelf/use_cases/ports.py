"""The roles that the use cases need played; adapters and the tests' fakes play them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from voxshelf.core.audio import AudioFacts, AudioLimits
from voxshelf.core.content import Content, NewObject
from voxshelf.core.items import Generation, Voice
from voxshelf.core.query import ListQuery, Page
from voxshelf.core.reservation import Decision, Replay, Reservation, Shelf


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of a reservation. `version` is the adapter's own mark of the written document."""

    uid: str
    reservation: Reservation
    request_key: str | None
    version: object


class Library(Protocol):
    """Decides what exists. Every method is one atomic write, or fails as a whole.

    All raise `Unavailable` when the database does not answer in time.
    """

    def reserve(
        self,
        uid: str,
        voice_id: str,
        request_key: str | None,
        decide: Callable[[Shelf], Decision],
    ) -> Receipt | Replay:
        """Read the shelf, decide, and write the reservation unless the shelf has changed.

        `decide` is asked again after a change, and its errors pass through.
        """

    def confirm(self, receipt: Receipt) -> None:
        """Make the reserved item the one that readers see.

        Raises:
            InProgress: when the reservation has been taken over by another save.
        """

    def abandon(self, receipt: Receipt) -> None:
        """Undo the reservation, as if the save had never begun."""

    def forget_replaced(self, receipt: Receipt) -> None:
        """Note that the objects of the replaced version are gone."""


class Catalogue(Protocol):
    """Reads what is ready; what is pending or being deleted does not exist here."""

    def voice(self, uid: str, voice_id: str) -> Voice:
        """Return one voice, or raise `NotFound`."""

    def generation(self, uid: str, generation_id: str) -> Generation:
        """Return one generation, or raise `NotFound`."""

    def voices(self, uid: str, query: ListQuery) -> Page[Voice]:
        """Return one page of voices."""

    def generations(self, uid: str, query: ListQuery) -> Page[Generation]:
        """Return one page of generations."""


class ObjectStore(Protocol):
    """Keeps the bytes. Objects are created once and never changed."""

    def create(self, objects: Sequence[NewObject]) -> None:
        """Write all objects, at the same time where possible.

        Creating an object that exists with the same bytes is success: it is a retry.

        Raises:
            Unavailable: when one could not be written; others may have been.
        """

    def delete(self, paths: Iterable[str]) -> None:
        """Remove the objects; a missing one is success."""


class AudioInspector(Protocol):
    """Measures audio of unknown origin."""

    def __call__(self, content: Content, limits: AudioLimits) -> AudioFacts:
        """Decode and measure.

        Raises:
            UnsupportedMediaType: when the first bytes show none of the formats kept.
            InvalidAudio: when it is damaged, not what it claims, or outside the limits.
        """
