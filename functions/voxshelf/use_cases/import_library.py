"""Bring an export into a library, item by item, each through the save that any other item takes.

Doing it again doubles nothing: a voice is known by its files, under its id or its name, a
generation by its id and its audio. What is there already stays as it is, edits and all. Speech
only ever comes to the voice that spoke it: where that one was refused, so is its speech.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from voxshelf.core.account import Policy
from voxshelf.core.archive import ArchivedFile
from voxshelf.core.content import Content, Sink
from voxshelf.core.errors import (
    InProgress,
    NotFound,
    QuotaExceeded,
    RateLimited,
    Unavailable,
    VoiceExists,
    VoxshelfError,
)
from voxshelf.core.importing import IdTaken
from voxshelf.core.items import Generation, Voice
from voxshelf.core.profile import MAX_PROFILE_BYTES
from voxshelf.use_cases.archive_reader import Archive
from voxshelf.use_cases.ports import AudioInspector, Catalogue, Library, ObjectStore
from voxshelf.use_cases.save_speech import SaveSpeech, save_speech
from voxshelf.use_cases.save_voice import save_voice
from voxshelf.use_cases.upload_ports import UploadSlots
from voxshelf.use_cases.uploads import MAX_UPLOAD_BYTES
from voxshelf.use_cases.voice_draft import SaveVoice

Status = Literal["imported", "already_there", "failed"]

# What passes by itself, or once there is room: the import stops there, to be gone on with later.
_PASSING = (InProgress, QuotaExceeded, RateLimited, Unavailable)
_ID_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class ArchivedVoice:
    """A voice in an archive; `command` reads its metadata, and leaves its files to be filled in."""

    item_id: str
    files: dict[str, ArchivedFile]
    command: Callable[[], SaveVoice]


@dataclass(frozen=True, slots=True)
class SpokenBy:
    """What an archive says of the voice of a generation: id, name, and the sample's digest.

    `knows_sample` tells archives that say so from older ones; without a digest the voice was gone.
    """

    voice_id: str
    name: str
    sample_sha256: str | None
    knows_sample: bool = True

    def is_this(self, voice: Voice) -> bool:
        """Tell whether a voice of this library is the one that spoke."""
        if self.knows_sample:
            return voice.sample.sha256 == self.sample_sha256
        return (voice.voice_id, voice.name) == (self.voice_id, self.name)


@dataclass(frozen=True, slots=True)
class ArchivedSpeech:
    """A generation in an archive; for `command` see `ArchivedVoice`."""

    item_id: str
    files: dict[str, ArchivedFile]
    command: Callable[[], SaveSpeech]
    spoken_by: SpokenBy


ArchivedItem = ArchivedVoice | ArchivedSpeech


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one line of an archive.

    `item` is None where the line could not be read; `saved_as` is the id in this library;
    `error` tells why it failed.
    """

    status: Status
    item: ArchivedItem | None
    saved_as: str | None = None
    error: VoxshelfError | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of some lines of an archive; `next_start` is where to go on, None at the end."""

    outcomes: list[Outcome] = field(default_factory=list)
    next_start: int | None = None


@dataclass(frozen=True, slots=True)
class ImportInto:
    """Whose library an archive is brought into, and what that takes.

    `sink(size_bytes)` makes a place for a file, or raises `Unavailable` when there is no room.
    """

    uid: str
    catalogue: Catalogue
    library: Library
    objects: ObjectStore
    uploads: UploadSlots
    inspect_audio: AudioInspector
    policy: Policy
    sink: Callable[[int], contextlib.AbstractContextManager[Sink]]

    def lines(
        self,
        archive: Archive,
        start: int,
        read_item: Callable[[bytes], ArchivedItem],
        is_time_up: Callable[[], bool],
    ) -> Imported:
        """Bring in one line after another until the end, or until the time is up.

        Raises:
            InvalidRequest: when the archive's lines cannot be read; nothing was saved then.
            NotFound, Unavailable: the archive cannot be reached.
        """
        total, outcomes = archive.count(), list[Outcome]()
        for number, line in archive.lines(start):
            outcome = self._line(archive, line, read_item)
            outcomes.append(outcome)
            if isinstance(outcome.error, _PASSING):
                return Imported(outcomes, next_start=number)
            if number + 1 < total and is_time_up():
                return Imported(outcomes, next_start=number + 1)
        return Imported(outcomes)

    def _line(
        self, archive: Archive, line: bytes, read_item: Callable[[bytes], ArchivedItem]
    ) -> Outcome:
        item = None
        try:
            item = read_item(line)
            if isinstance(item, ArchivedVoice):
                return self._voice(archive, item)
            return self._speech(archive, item)
        except VoxshelfError as error:
            return Outcome("failed", item, error=error)

    def _voice(self, archive: Archive, item: ArchivedVoice) -> Outcome:
        with contextlib.suppress(NotFound):
            voice = self.catalogue.voice(self.uid, item.item_id)
            if _is_same(voice, item):
                return Outcome("already_there", item, voice.voice_id)
        command = item.command()
        with contextlib.suppress(NotFound):
            return _there(self.catalogue.voice_named(self.uid, command.name), item)
        with self._contents(archive, item) as contents:
            consent = command.consent
            filled = replace(
                command,
                sample=contents["sample"],
                profile=contents.get("profile"),
                consent=consent and replace(consent, audio=contents.get("consent")),
            )
            try:
                saved = save_voice(
                    filled,
                    library=self.library,
                    objects=self.objects,
                    uploads=self.uploads,
                    inspect_audio=self.inspect_audio,
                    policy=self.policy,
                )
            except VoiceExists as error:
                return _there(error.voice, item)
        return Outcome(_status(replayed=saved.replayed), item, saved.voice.voice_id)

    def _speech(self, archive: Archive, item: ArchivedSpeech) -> Outcome:
        audio = item.files["audio"]
        # Where another generation has the id, this one gets one that follows from its content,
        # by which it is found the next time.
        ids = item.item_id, f"{item.item_id[:_ID_CHARACTERS]}-{audio.sha256[:16]}"
        for known in ids:
            if self._has_speech(known, audio.sha256):
                return Outcome("already_there", item, known)
        command = replace(item.command(), voice_id=self._speaker(item.spoken_by))
        with self._contents(archive, item) as contents:
            for wanted in (*ids, None):
                assert command.origin is not None
                origin = replace(command.origin, generation_id=wanted)
                with contextlib.suppress(IdTaken):
                    saved = save_speech(
                        replace(command, audio=contents["audio"], origin=origin),
                        library=self.library,
                        objects=self.objects,
                        uploads=self.uploads,
                        inspect_audio=self.inspect_audio,
                        policy=self.policy,
                    )
                    status = _status(replayed=saved.replayed)
                    return Outcome(status, item, saved.generation.generation_id)
        raise AssertionError  # without an id of its own none can be taken

    def _speaker(self, spoken_by: SpokenBy) -> str:
        """Return the id that the voice of a generation has here.

        Raises:
            NotFound: when it is not here; another one of its id or name is not taken for it.
        """
        places = (
            (self.catalogue.voice, spoken_by.voice_id),
            (self.catalogue.voice_named, spoken_by.name),
        )
        for find, known in places:
            with contextlib.suppress(NotFound):
                voice = find(self.uid, known)
                if spoken_by.is_this(voice):
                    return voice.voice_id
        raise NotFound("The voice of this speech is not in the library. Import the voice first.")

    def _has_speech(self, generation_id: str, sha256: str) -> bool:
        try:
            found: Generation = self.catalogue.generation(self.uid, generation_id)
        except NotFound:
            return False
        return found.audio.sha256 == sha256

    @contextlib.contextmanager
    def _contents(self, archive: Archive, item: ArchivedItem) -> Iterator[dict[str, Content]]:
        """Fetch an item's files for as long as the block lasts: one item's at a time."""
        with contextlib.ExitStack() as held:
            contents = {}
            for role, file in item.files.items():
                max_bytes = MAX_PROFILE_BYTES if role == "profile" else MAX_UPLOAD_BYTES
                archive.check(file, max_bytes)
                sink = held.enter_context(self.sink(file.size_bytes))
                contents[role] = archive.content(file, sink)
            yield contents


def _there(voice: Voice, item: ArchivedVoice) -> Outcome:
    """Tell whether the voice that has the name already is the same one."""
    if _is_same(voice, item):
        return Outcome("already_there", item, voice.voice_id)
    return Outcome("failed", item, error=VoiceExists(voice))


def _is_same(voice: Voice, item: ArchivedVoice) -> bool:
    profile = item.files.get("profile")
    same_profile = (voice.profile and voice.profile.sha256) == (profile and profile.sha256)
    return same_profile and voice.sample.sha256 == item.files["sample"].sha256


def _status(*, replayed: bool) -> Status:
    return "already_there" if replayed else "imported"
