"""Saves, drawn at random: new ones, newer ones, and ones that were sent before."""

from dataclasses import replace
from typing import Any

from tests.storm.draws import LANGUAGES, MAX_SPEECHES, MAX_VOICES, NAMES, Draws
from tests.storm.library import VOICES, Library
from tests.storm.saving import WAYS
from tests.storm.sounds import profile, recording
from tests.storm.speech_saves import SaveSpeech
from tests.storm.voice_saves import SaveVoice
from tests.storm.worlds import Operation

_KEYS_AHEAD = 400


class SaveDraws(Draws):
    """Draws saves."""

    def voice(self, library: Library) -> Operation | None:
        number, name = self.number(), self.random.choice(NAMES)
        holder = library.holder(name)
        if holder is None and len(library.voices) >= MAX_VOICES:
            return None
        fields: dict[str, Any] = {"voice_name": name, "language": self.random.choice(LANGUAGES)}
        if self.chance(0.5):
            fields |= {"tags": self.tags(), "description": self.text(number)}
        if self.chance(0.3):
            fields |= {"template_message": "Hello.", "parameters": {"seed": number}}
        if self.chance(0.4):
            statement = f"I agree, as of {number}."
            fields["consent"] = {"statement": statement, "granted_by": "A Person"}
        if self.chance(0.15):
            fields["voice_id"] = f"own_{self.random.randint(1, 4)}"
        if self.chance(0.15):
            fields["runpod_job_id"] = f"job-{number}"
        if self.chance(0.7 if holder else 0.2):
            fields["replace"] = True
        with_profile = profile(self.random) if self.chance(0.7) else None
        way, key = self.random.choice(WAYS), self.key(number)
        sound = recording(self.random)
        save = SaveVoice(number, self.person, sound, way, fields, key, with_profile)
        self.saved.append(save)
        return save

    def replace(self, library: Library, _kind: str, voice_id: str) -> Operation:
        number = self.number()
        name = library.voices[voice_id]["name"]
        fields = {"voice_name": name, "language": "en", "replace": True}
        sound, key = recording(self.random), self.key(number)
        save = SaveVoice(number, self.person, sound, "form", fields, key, profile(self.random))
        self.saved.append(save)
        return save

    def speech(self, library: Library) -> Operation | None:
        voice = self.item(library, VOICES)
        known = [*library.barred, *(one for kind, one in library.trash if kind == VOICES)]
        if self.chance(0.05) and known:
            voice = VOICES, self.random.choice(known)
        if voice is None or len(library.generations) >= MAX_SPEECHES:
            return None
        number = self.number()
        fields: dict[str, Any] = {
            "voice_id": voice[1],
            "text_input": self.text(number),
            "language": self.random.choice(LANGUAGES),
        }
        if self.chance(0.4):
            fields |= {"tags": self.tags(), "parameters": {"speed": 1.5, "style": "calm"}}
        if self.chance(0.15):
            fields["again"] = True
        elif self.chance(0.15):
            fields["runpod_job_id"] = f"job-{number}"
        way, key = self.random.choice(WAYS), self.key(number)
        save = SaveSpeech(number, self.person, recording(self.random), way, fields, key)
        self.saved.append(save)
        return save

    def repeat(self, _library: Library) -> Operation | None:
        """A retry of one of the last saves, by key or by content; or of its job, with other audio.

        What the library forgets of older ones is none of a retry's business.
        """
        if not self.saved:
            return None
        return self.random.choice(self.saved[-12:])

    def other_content(self, _library: Library) -> Operation | None:
        """A key that was used before, for other content; or a job's id with other audio."""
        keyed = [one for one in self.saved[-_KEYS_AHEAD:] if one.key and one.first]
        jobs = [one for one in self.saved[-12:] if one.fields.get("runpod_job_id")]
        if keyed and (self.chance(0.5) or not jobs):
            before = self.random.choice(keyed)
        elif jobs:
            before = self.random.choice(jobs)
        else:
            return None
        number = self.number()
        return replace(
            before, number=number, audio=recording(self.random), sent=0, first=None, way="form"
        )
