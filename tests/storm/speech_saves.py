"""Saves of speech: once, repeated, again, and as the result of a job."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.storm.answers import Answer
from tests.storm.library import SPEECHES, Facts, Kept, Library, Unlike, expect_equal
from tests.storm.saving import Saving, made
from tests.storm.worlds import Stage


@dataclass(eq=False)
class SaveSpeech(Saving):
    """The save of a speech."""

    kind, target, body_name = SPEECHES, "tts_save", "generation"

    def __str__(self) -> str:
        """Return what stands in a report."""
        said = {name: self.fields[name] for name in ("again", "runpod_job_id") if self._has(name)}
        return (
            f"save speech {self.text!r} of {self.voice_id} {said} by {self.way}, "
            f"key {self.key}, #{self.number}"
        )

    def _has(self, name: str) -> bool:
        return bool(self.fields.get(name))

    @property
    def text(self) -> str:
        """Return what was spoken."""
        return str(self.fields["text_input"])

    @property
    def voice_id(self) -> str:
        """Return the voice that spoke."""
        return str(self.fields["voice_id"])

    @property
    def is_repeatable(self) -> bool:
        """Tell whether the same content is known again by nothing but itself."""
        return not (self.key or self._has("again") or self._has("runpod_job_id"))

    @property
    def same(self) -> str:
        """Return what makes two repeatable saves one."""
        return f"{self.voice_id} {self.audio.sha256} {self.text}"

    @property
    def stages(self) -> Sequence[Stage]:
        """Return what it does when its answer is not heard."""
        return (self._happened,)

    def _happened(self, library: Library) -> Library | None:
        if self.key and (self.kind, self.key) in library.keys:
            return None
        if self.voice_id in library.barred or self._known(library):
            return None
        item_id = f"?{self.number}"
        while item_id in library.generations:
            item_id += "+"
        return self._put(library, item_id)

    def _known(self, library: Library) -> str | None:
        """Return the generation that it would be answered with."""
        if self.is_repeatable:
            item_id = library.repeats.get(self.same)
            return item_id if item_id in library.generations else None
        if self._has("runpod_job_id") and not self.key:
            return next((one for one, g in library.generations.items() if self._is_it(g)), None)
        return None

    def _is_it(self, facts: Facts) -> bool:
        mine = (self.voice_id, self.fields.get("runpod_job_id"), self.audio.sha256)
        return mine == (facts["voice_id"], facts["runpod_job_id"], facts["audio"])

    def _put(self, library: Library, item_id: str) -> Library:
        fields, voice = self.fields, library.voices.get(self.voice_id)
        facts = made(
            self.audio,
            None,
            version=1,
            voice_id=self.voice_id,
            text=self.text,
            language=fields["language"],
            favorite=False,
            tags=tuple(fields.get("tags", ())),
            parameters=fields.get("parameters", {}),
            runpod_job_id=fields.get("runpod_job_id"),
            _of=voice["_of"] if voice else None,
        )
        library = library.put(SPEECHES, item_id, facts)
        if self.is_repeatable:
            library = replace(library, repeats={**library.repeats, self.same: item_id})
        return library.keep(SPEECHES, self.key, Kept(self.content, item_id, facts))

    def _done(self, library: Library, item_id: str, shown: Facts) -> Library:
        if self.voice_id in library.barred or self.voice_id not in library.voices:
            raise Unlike("its voice is not there")
        if known := self._known(library):
            raise Unlike(f"it is there already as {known}, and was saved twice")
        if item_id in library.generations:
            raise Unlike(f"{item_id} is another generation")
        library = self._put(library, item_id)
        expect_equal(library.generations[item_id], shown, "the speech as it was saved")
        return library

    def _known_again(self, library: Library, item_id: str, shown: Facts) -> Library:
        library = library.identified(SPEECHES, {item_id: shown})
        there = library.generations.get(item_id)
        if there is None:
            raise Unlike(f"it was answered with {item_id}, which is not there")
        # An answer of success is a promise: these very bytes are in the library.
        said = {"audio": self.audio.sha256, "voice_id": self.voice_id}
        said |= {} if self._has("runpod_job_id") else {"text": self.text}
        expect_equal(said, there, "answered as saved before, and its bytes are not kept")
        expect_equal(there, shown, "the speech as it is")
        return library

    def _refused(self, library: Library, answer: Answer) -> Library:
        is_in_trash = any(
            kind == SPEECHES and one.facts["runpod_job_id"] and self._names_job_of(one.facts)
            for (kind, _), one in library.trash.items()
        )
        missing = self.voice_id not in library.voices or self.misses_its_upload()
        right = {
            "not_found": missing or is_in_trash,
            "permission_denied": self.voice_id in library.barred,
            "idempotency_conflict": self.is_conflict(library),
        }
        if not right.get(answer.code):
            raise Unlike(f"it was refused: {answer}")
        return library

    def _names_job_of(self, facts: Facts) -> bool:
        job = self.fields.get("runpod_job_id")
        return (facts["voice_id"], facts["runpod_job_id"]) == (self.voice_id, job)
