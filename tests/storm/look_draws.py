"""Looks at the library, moves of it, jobs, and what must be refused, drawn at random."""

from dataclasses import replace
from typing import Any

from tests.storm.draws import LANGUAGES, MAX_VOICES, WORDS, Draws
from tests.storm.job_orders import Job
from tests.storm.library import SPEECHES, VOICES, Library
from tests.storm.moving import Export, Import
from tests.storm.reading import Listing, Nonsense, Read, Stranger, Usage
from tests.storm.requests import PATHS
from tests.storm.sounds import recording
from tests.storm.worlds import Operation


class LookDraws(Draws):
    """Draws all that changes nothing itself, and jobs."""

    def read(self, library: Library) -> Operation | None:
        kind = self.random.choice((VOICES, SPEECHES))
        item = self.trashed(library, kind) if self.chance(0.2) else self.item(library, kind)
        return item and self.read_of(library, *item)

    def read_of(self, _library: Library, kind: str, item_id: str) -> Operation:
        return Read(self.number(), self.person, kind, item_id)

    def listing(self, library: Library) -> Operation | None:
        kind = self.random.choice((VOICES, SPEECHES))
        query: dict[str, Any] = {"page_size": self.random.choice([3, 7, 25, 100])}
        filters: list[dict[str, Any]] = [
            {},
            {"sort": "updated_at", "order": "asc"},
            {"favorite": self.random.choice(["true", "false"])},
            {"tag": self.random.choice(WORDS)},
            {"search": self.random.choice(WORDS)},
            {"language": self.random.choice(LANGUAGES)},
        ]
        voice = self.item(library, VOICES)
        if kind == SPEECHES and voice:
            filters.append({"voice_id": voice[1]})
        return Listing(self.number(), self.person, kind, query | self.random.choice(filters))

    def usage(self, _library: Library) -> Operation:
        return Usage(self.number(), self.person)

    def export(self, library: Library) -> Operation:
        items = [self.item(library, kind) for kind in (VOICES, SPEECHES, SPEECHES)]
        some = tuple(dict.fromkeys(item for item in items if item))
        return Export(self.number(), self.person, some if self.chance(0.8) else ())

    def import_archive(self, library: Library) -> Operation | None:
        if len(library.voices) >= MAX_VOICES:
            return None
        archive = self.shared.archive(self.random)
        return archive and Import(self.number(), self.person, archive)

    def stranger(self, library: Library) -> Operation | None:
        place = self.shared.item_of_another(self.random, self.person.uid)
        if place is None or self.has(library, *place):
            return None
        method = self.random.choice(["GET", "PATCH", "DELETE"])
        return Stranger(self.number(), self.person, method, f"{PATHS[place[0]]}/{place[1]}")

    def has(self, library: Library, kind: str, item_id: str) -> bool:
        return item_id in library.items(kind) or (kind, item_id) in library.trash

    def nonsense(self, library: Library) -> Operation:
        sound = recording(self.random).data
        files = {"audio_file": ("a.wav", sound[: len(sound) // 3], "audio/wav")}
        voice = self.item(library, VOICES)
        requests: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
            ("voices_save", {"data": {"voice_name": "Cut"}, "files": files}, (422,)),
            ("voices_save", {"json": {"voice_name": "Mute"}}, (400,)),
            ("voices_save", {"json": {"voice_name": " ", "audio_base64": "AAAA"}}, (400,)),
            ("tts_save", {"json": {"voice_id": "voice_nobody", "audio_base64": "?"}}, (400,)),
        ]
        if voice:
            body = {"voice_id": voice[1], "audio_path": "uploads/somebody/else.wav"}
            requests.append(("tts_save", {"json": body}, (404,)))
        return Nonsense(self.number(), self.person, *self.random.choice(requests))

    def job(self, library: Library) -> Operation | None:
        number, voice = self.number(), self.item(library, VOICES)
        is_clone = self.chance(0.25) and len(library.voices) < MAX_VOICES
        if voice is None and not is_clone:
            return None
        cancels = self.chance(0.15)
        follow_up = self.random.choice(["", "retry", "import", "webhook", "delete"])
        if is_clone:
            sample = self.shared.spoken
            job = Job(number, self.person, VOICES, f"Cloned {number}", "", sample)
        else:
            assert voice is not None
            job = Job(number, self.person, SPEECHES, f"Spoken {number}", voice[1])
        return replace(job, cancels=cancels, follow_up=follow_up)
