"""Saves of voices: new, over one of the same name, under an id of the client's own."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.storm.answers import Answer
from tests.storm.library import VOICES, Facts, Kept, Library, Unlike, differences, expect_equal
from tests.storm.saving import Saving, made
from tests.storm.worlds import Stage


@dataclass(eq=False)
class SaveVoice(Saving):
    """The save of a voice."""

    kind, target, body_name = VOICES, "voices_save", "voice"

    def __str__(self) -> str:
        """Return what stands in a report."""
        said = {name: self.fields[name] for name in ("voice_id", "replace") if name in self.fields}
        return f"save voice {self.name!r} {said} by {self.way}, key {self.key}, #{self.number}"

    @property
    def name(self) -> str:
        """Return the name that the voice is to have."""
        return str(self.fields["voice_name"])

    @property
    def replaces(self) -> bool:
        """Tell whether it asks for a new version."""
        return bool(self.fields.get("replace"))

    @property
    def own_id(self) -> str | None:
        """Return the id that the client chose."""
        return self.fields.get("voice_id")

    @property
    def stages(self) -> Sequence[Stage]:
        """Return what it does when its answer is not heard."""
        return (self._happened,)

    def _happened(self, library: Library) -> Library | None:
        if self.key and (self.kind, self.key) in library.keys:
            return None
        place = self.place_in(library)
        if place is None or place in library.barred or self._is_there(library, place):
            return None
        return self._put(library, place)

    def place_in(self, library: Library) -> str | None:
        """Return where it goes, None where it is refused."""
        holder = library.holder(self.name)
        if self.own_id and self.replaces and self.own_id in library.voices:
            return self.own_id if holder in (None, self.own_id) else None
        if holder is not None:
            return holder if self.replaces else None
        return library.place_for(self.name, self.own_id)

    def _is_there(self, library: Library, place: str) -> bool:
        there = library.voices.get(place)
        return there is not None and not differences(self._said(there), there)

    def _said(self, earlier: Facts | None) -> Facts:
        """Return what it says of the voice; the consent to an earlier version goes on."""
        fields, consent = self.fields, self.fields.get("consent")
        given = (consent["statement"], consent["granted_by"]) if consent else None
        return made(
            self.audio,
            self.profile,
            name=self.name,
            profile=self.profile and self.profile.sha256,
            language=fields.get("language"),
            description=fields.get("description"),
            template_message=fields.get("template_message"),
            tags=tuple(fields.get("tags", ())),
            parameters=fields.get("parameters", {}),
            runpod_job_id=fields.get("runpod_job_id"),
            consent=given or (earlier["consent"] if earlier else None),
        )

    def _put(self, library: Library, place: str) -> Library:
        earlier, trashed = library.voices.get(place), library.trash.get((VOICES, place))
        before = earlier or (trashed.facts if trashed else None)
        facts = {
            **self._said(earlier),
            "version": before["version"] + 1 if before else 1,
            "favorite": earlier["favorite"] if earlier else False,
            "_of": before["_of"] if before else self.number,
        }
        library = library.put(VOICES, place, facts)
        return library.keep(VOICES, self.key, Kept(self.content, place, facts))

    def _done(self, library: Library, place: str, shown: Facts) -> Library:
        if self.place_in(library) is None:
            raise Unlike("its name is another voice's")
        if place in library.barred:
            raise Unlike("the consent to that voice was withdrawn")
        trashed = library.trash.get((VOICES, place))
        is_free = place not in library.voices and (
            trashed is None or place == self.own_id or trashed.facts["name"] == self.name
        )
        if place != self.place_in(library) and not is_free:
            raise Unlike(f"{place} is another voice's place")
        library = self._put(library, place)
        expect_equal(library.voices[place], shown, "the voice as it was saved")
        return library

    def _known_again(self, library: Library, place: str, shown: Facts) -> Library:
        there = library.voices.get(place)
        if there is None:
            raise Unlike(f"it was answered with {place}, which is not there")
        # An answer of success is a promise: these very bytes are in the library.
        bytes_ = {"audio": self.audio.sha256, "profile": self.profile and self.profile.sha256}
        expect_equal(bytes_, there, "answered as saved before, and its bytes are not kept")
        if self.replaces:
            expect_equal(self._said(there), there, "replace was answered with the old voice")
        expect_equal(there, shown, "the voice as it is")
        return library

    def _refused(self, library: Library, answer: Answer) -> Library:
        holder = library.holder(self.name)
        others = self.own_id in library.voices and holder not in (None, self.own_id)
        kept = library.keys.get((self.kind, self.key)) if self.key else None
        is_barred = self.name in library.barred.values() or self.own_id in library.barred
        is_barred = is_barred or (kept is not None and kept.item_id in library.barred)
        right = {
            "voice_exists": holder is not None
            and (others if self.replaces else not self._is_there(library, holder)),
            "idempotency_conflict": self.is_conflict(library),
            "permission_denied": is_barred or self.place_in(library) in library.barred,
            "not_found": self.misses_its_upload(),
        }
        if not right.get(answer.code):
            raise Unlike(f"it was refused: {answer}")
        return library
