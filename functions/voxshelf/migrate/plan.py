"""What of a folder is to be saved, in which order, and what cannot be."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from voxshelf.migrate.facts import Fields, speech_fields, voice_fields, voice_id
from voxshelf.migrate.files import FileUnusable, check_audio, check_profile
from voxshelf.migrate.folder import GENERATIONS, PROFILES, SAMPLES, Listing, Remark
from voxshelf.migrate.names import Named, read_generation, read_profile, read_sample
from voxshelf.migrate.sidecar import Sidecars, SidecarUnreadable, is_sidecar

Kind = Literal["voice", "generation"]


@dataclass(frozen=True, slots=True)
class Item:
    """One save: `file` is the audio's name for people, `fields` are those of the form."""

    kind: Kind
    file: str
    voice_id: str
    fields: Fields
    audio: Path
    profile: Path | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Voices, then generations, each from old to new, so that lists keep their order.

    `problems` is what cannot be sent, `notes` what else there is to know.
    """

    voices: tuple[Item, ...]
    generations: tuple[Item, ...]
    problems: tuple[Remark, ...]
    notes: tuple[Remark, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """Return everything in the order in which it is sent."""
        return self.voices + self.generations


def make_plan(listing: Listing) -> Plan:
    """Read the folder's names, heads and `.json` files; no audio is read, no profile loaded."""
    return _Planner(listing).plan()


@dataclass(frozen=True, slots=True)
class _File:
    named: Named
    path: Path


class _Planner:
    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._sidecars = Sidecars(listing)
        self._problems, self._notes = list(listing.remarks), list[Remark]()

    def plan(self) -> Plan:
        samples = self._newest(self._samples(), "sample")
        profiles = self._newest(self._profiles(set(samples)), "profile")
        voices = list(self._voices(samples.values(), profiles))
        generations = list(self._generations(dict(voices), set(samples)))
        for path in self._sidecars.alone(samples):
            self._problem(path, "has no file of its name beside it")
        return Plan(
            tuple(item for _, item in voices),
            tuple(generations),
            tuple(self._problems),
            tuple(self._notes),
        )

    def _samples(self) -> Iterator[_File]:
        for path in self._files(SAMPLES):
            named = read_sample(path.stem)
            if named is None:
                self._problem(path, "is not named voice_NAME_sample_YYYYMMDD_HHMMSS")
            elif self._is_usable(check_audio, path):
                yield _File(named, path)

    def _profiles(self, voices: set[str]) -> Iterator[_File]:
        for path in self._files(PROFILES):
            readings = [named for named in read_profile(path.stem) if named.voice in voices]
            if path.suffix.lower() != ".npy":
                self._problem(path, "is no .npy file")
            elif not readings:
                self._problem(path, "belongs to no voice with a sample in voice_samples")
            elif self._is_usable(check_profile, path):
                yield _File(readings[0], path)

    def _newest(self, files: Iterable[_File], noun: str) -> dict[str, _File]:
        """Return the newest file of each voice, from old to new."""
        newest: dict[str, _File] = {}
        for file in _by_age(files):
            older = newest.pop(file.named.voice, None)
            newest[file.named.voice] = file
            if older is not None:
                self._note(older.path, f"older {noun}, not sent: the newest becomes the voice")
        return newest

    def _voices(
        self, samples: Iterable[_File], profiles: dict[str, _File]
    ) -> Iterator[tuple[str, Item]]:
        for sample in samples:
            voice, profile = sample.named.voice, profiles.get(sample.named.voice)
            places = self._sidecars.of_file(sample.path) + self._sidecars.of_voice(voice)
            places += self._sidecars.of_file(profile.path) if profile else []
            try:
                facts = self._sidecars.read(dict.fromkeys(places))
                fields = voice_fields(facts.facts, sample.named)
            except SidecarUnreadable as error:
                self._problem(sample.path, _mend(error))
                continue
            self._note(sample.path, *facts.notes)
            shown = self._listing.shown(sample.path)
            path = profile.path if profile else None
            yield voice, Item("voice", shown, fields["voice_id"], fields, sample.path, path)

    def _generations(self, voices: dict[str, Item], known: set[str]) -> Iterator[Item]:
        by_id = {item.voice_id: item for item in voices.values()}
        for file in _by_age(self._speech()):
            try:
                facts = self._sidecars.read(self._sidecars.of_file(file.path))
                fields, left_out = speech_fields(facts.facts, file.named)
            except SidecarUnreadable as error:
                self._problem(file.path, _mend(error))
                continue
            voice = by_id.get(voice_id(facts.facts) or "") or voices.get(file.named.voice)
            if voice is not None:
                self._note(file.path, *facts.notes, *left_out)
                whole = {**fields, "voice_id": voice.voice_id}
                shown = self._listing.shown(file.path)
                yield Item("generation", shown, voice.voice_id, whole, file.path)
            elif file.named.voice in known:
                self._problem(file.path, "its voice cannot be sent")
            else:
                self._problem(file.path, "its voice has no sample that can be read")

    def _speech(self) -> Iterator[_File]:
        for path in self._files(GENERATIONS):
            named = read_generation(path.stem)
            if named is None:
                self._problem(path, "is not named TTS_voice_NAME_YYYYMMDD_HHMMSS")
            elif self._is_usable(check_audio, path):
                yield _File(named, path)

    def _files(self, kind: str) -> Iterator[Path]:
        return (path for path in self._listing.files[kind] if not is_sidecar(path))

    def _is_usable(self, check: Callable[[Path], None], path: Path) -> bool:
        try:
            check(path)
        except FileUnusable as error:
            self._problem(path, str(error))
            return False
        return True

    def _problem(self, path: Path, text: str) -> None:
        self._problems.append(Remark(self._listing.shown(path), text))

    def _note(self, path: Path, *texts: str) -> None:
        self._notes += [Remark(self._listing.shown(path), text) for text in texts]


def _by_age(files: Iterable[_File]) -> list[_File]:
    return sorted(files, key=lambda file: file.named.age)


def _mend(error: SidecarUnreadable) -> str:
    return f"{error}: mend that file, or remove it to send the audio without its facts"
