"""Deleting, for a while and for good, and bringing back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.storm.answers import LOST, Answer
from tests.storm.fleet import Fleet
from tests.storm.library import SPEECHES, VOICES, Absent, Library, Trashed, Unlike
from tests.storm.requests import PATHS, Request, refused
from tests.storm.voice_saves import SaveVoice
from tests.storm.worlds import Stage

Place = tuple[str, str]


@dataclass(eq=False)
class Deletion(Request):
    """The deletion of items, named one by one by `places`; `many` in one request of the bulk."""

    places: tuple[Place, ...] = ()
    along: bool = False
    permanent: bool = False
    many: bool = False

    def __str__(self) -> str:
        """Return what stands in a report."""
        how = ("with generations " if self.along else "") + ("for good" if self.permanent else "")
        return f"delete {', '.join(map('/'.join, self.places))} {how}"

    @property
    def stages(self) -> Sequence[Stage]:
        """Return what it does when its answer is not heard: what goes with voices goes later."""
        return (self._gone, self._taken) if self.along else (self._gone,)

    @property
    def by(self) -> str:
        """Return the name of this deletion."""
        return f"deletion {self.number}"

    def send(self, fleet: Fleet) -> Answer:
        """See `Request`."""
        generations = "delete" if self.along else "keep"
        if not self.many:
            [(kind, item_id)] = self.places
            query: dict[str, Any] = {"permanent": str(self.permanent).lower()}
            query |= {"generations": generations} if kind == VOICES else {}
            return self.library_call(fleet, "DELETE", f"{PATHS[kind]}/{item_id}", params=query)
        body = {"permanent": self.permanent, "generations": generations, **selection(self.places)}
        return told_of_all(self.library_call(fleet, "POST", "/api/library/delete", json=body))

    def drops(self, library: Library, other: object) -> bool:
        """A save that is under way in the place of what is deleted cannot be confirmed any more."""
        if not isinstance(other, SaveVoice):
            return False
        return (VOICES, other.place_in(library)) in self.places

    def _gone(self, library: Library) -> Library:
        for kind, item_id in self.places:
            if item_id in library.items(kind):
                library = (
                    library.drop(kind, item_id)
                    if self.permanent
                    else library.throw(kind, item_id, self.by if kind == VOICES else None)
                )
            elif self.permanent and (kind, item_id) in library.trash:
                library = library.drop(kind, item_id)
        return library

    def _taken(self, library: Library) -> Library:
        for voice_id in [item_id for kind, item_id in self.places if kind == VOICES]:
            for item_id, facts in library.generations.items():
                if facts["voice_id"] != voice_id:
                    continue
                if self.permanent:
                    library = library.drop(SPEECHES, item_id)
                elif self._is_fresh(library, voice_id):
                    library = library.throw(SPEECHES, item_id, self.by)
            if self.permanent:
                library = _without_trash(library, voice_id)
        return library

    def _is_fresh(self, library: Library, voice_id: str) -> bool:
        trashed = library.trash.get((VOICES, voice_id))
        return trashed is not None and trashed.by == self.by

    def after(self, library: Library, answer: Answer) -> Library:
        """See `Operation`."""
        codes: list[str | None] = [None]
        if self.many and answer.is_done:
            codes = [one["code"] for one in answer.body["results"]]
        elif not answer.is_done:
            codes = [answer.code]
        there = [_is_there(library, place) for place in self.places]
        for place, code, is_there in zip(self.places, codes, there, strict=True):
            if code not in (None, "not_found"):
                raise Unlike(f"{place} was refused: {answer}")
            if is_there and code is not None:
                raise Unlike(f"{place} is there")
            if not is_there and code is None:
                raise Absent(f"{place} is not there")
        found = tuple(place for place, code in zip(self.places, codes, strict=True) if not code)
        done = replace(self, places=found)
        library = done._gone(library)
        return done._taken(library) if self.along else library


def _is_there(library: Library, place: Place) -> bool:
    return place[1] in library.items(place[0]) or place in library.trash


def _without_trash(library: Library, voice_id: str) -> Library:
    left: dict[Place, Trashed] = {
        place: one
        for place, one in library.trash.items()
        if place[0] != SPEECHES or one.facts["voice_id"] != voice_id
    }
    return replace(library, trash=left)


@dataclass(eq=False)
class Withdrawal(Request):
    """The withdrawal of the consent to a voice."""

    voice_id: str = ""

    def __str__(self) -> str:
        """Return what stands in a report."""
        return f"withdraw the consent to {self.voice_id}"

    @property
    def stages(self) -> Sequence[Stage]:
        """Return what it does when its answer is not heard."""
        return (self._happened,)

    def send(self, fleet: Fleet) -> Answer:
        """See `Request`."""
        return self.library_call(fleet, "DELETE", f"/api/voices/{self.voice_id}/consent")

    def drops(self, library: Library, other: object) -> bool:
        """See `Deletion`."""
        return isinstance(other, SaveVoice) and other.place_in(library) == self.voice_id

    def _happened(self, library: Library) -> Library | None:
        trashed = library.trash.get((VOICES, self.voice_id))
        facts = library.voices.get(self.voice_id) or (trashed.facts if trashed else None)
        if facts is None:
            return None
        barred = {**library.barred, self.voice_id: facts["name"]}
        return replace(library.drop(VOICES, self.voice_id), barred=barred)

    def after(self, library: Library, answer: Answer) -> Library:
        """See `Operation`."""
        after = self._happened(library)
        if not answer.is_done:
            refused(answer, not_found=after is None)
            return library
        if after is None:
            raise Absent(f"{self.voice_id} is not there")
        return after


@dataclass(eq=False)
class Restoring(Request):
    """The return of items."""

    places: tuple[Place, ...] = ()

    def __str__(self) -> str:
        """Return what stands in a report."""
        return f"restore {', '.join(map('/'.join, self.places))}"

    @property
    def stages(self) -> Sequence[Stage]:
        """Return what it does when its answer is not heard."""
        return (self._happened,)

    def send(self, fleet: Fleet) -> Answer:
        """See `Request`."""
        body = selection(self.places)
        return told_of_all(self.library_call(fleet, "POST", "/api/library/restore", json=body))

    def _happened(self, library: Library) -> Library:
        for place in self.places:
            if place in library.trash and not _name_is_taken(library, place):
                library = _brought(library, place)
        return library

    def after(self, library: Library, answer: Answer) -> Library:
        """See `Operation`."""
        if not answer.is_done:
            raise Unlike(f"it was refused: {answer}")
        for place, result in zip(self.places, answer.body["results"], strict=True):
            expected = None
            if not _is_there(library, place):
                expected = "not_found"
            elif place in library.trash and _name_is_taken(library, place):
                expected = "voice_exists"
            if result["code"] != expected:
                raise Unlike(f"{place} is answered {result['code']}, not {expected}")
            if expected is None and place in library.trash:
                library = _brought(library, place)
        return library


def _name_is_taken(library: Library, place: Place) -> bool:
    kind, _ = place
    return kind == VOICES and library.holder(library.trash[place].facts["name"]) is not None


def _brought(library: Library, place: Place) -> Library:
    """Return the library with an item back, and what went with it."""
    by = library.trash[place].by if place[0] == VOICES else None
    along = [one for one, trashed in library.trash.items() if by and trashed.by == by]
    for kind, item_id in {place, *along}:
        library = library.bring(kind, item_id)
    return library


def selection(places: Sequence[Place]) -> dict[str, list[str]]:
    """Return the ids of items as requests name them."""
    return {
        "voice_ids": [item_id for kind, item_id in places if kind == VOICES],
        "generation_ids": [item_id for kind, item_id in places if kind == SPEECHES],
    }


def told_of_all(answer: Answer) -> Answer:
    """Return the answer to a request of many items, LOST where it leaves one of them open."""
    codes = {one["code"] for one in answer.body.get("results", [])}
    return LOST if codes & {"unavailable", "in_progress"} else answer
