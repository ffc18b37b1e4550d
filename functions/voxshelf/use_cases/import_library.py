"""Bring an export into a library, item by item, each through the save that any other item takes.

Doing it again doubles nothing: a voice is known by its files, under its id or its name, a
generation by its id and its audio. What is there already stays as it is, edits and all. Speech
only ever comes to the voice that spoke it: where that one was refused, so is its speech.
"""

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from voxshelf.core.account import Policy
from voxshelf.core.archive import MAX_RESULTS
from voxshelf.core.content import Sink
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
from voxshelf.use_cases.archive_files import ArchiveFiles
from voxshelf.use_cases.archive_reader import Archive
from voxshelf.use_cases.archived_items import (
    ArchivedItem,
    ArchivedSpeech,
    ArchivedVoice,
    Imported,
    Outcome,
    SpokenBy,
    VoiceDigests,
    digests_of,
)
from voxshelf.use_cases.ports import AudioInspector, Catalogue, Library, ObjectStore
from voxshelf.use_cases.save_speech import save_speech
from voxshelf.use_cases.save_voice import save_voice
from voxshelf.use_cases.upload_ports import UploadSlots

# What passes by itself, or once there is room: the import stops there, to be gone on with later.
_PASSING = (InProgress, QuotaExceeded, RateLimited, Unavailable)
_ID_CHARACTERS = 100
# A first look, cheaper than reading: what stands for a voice says so in these bytes.
_VOICE = re.compile(rb'"kind"\s*:\s*"voice"')
# What is remembered of each voice of an archive: its id, two digests, and what holds them.
_VOICE_BYTES = 512
# What a line becomes while it is read: itself and its texts, and names and objects of which there
# are only so many (the limits of `json_text`).
_LINE_TIMES, _NAMES_TIMES, _NAMES_BYTES = 12, 32, 16 * 1024**2


@dataclass(frozen=True, slots=True)
class ImportInto:
    """Whose library an archive is brought into, and what that takes.

    `take(size_bytes)` makes room until the import ends, `sink(size_bytes)` a place for a file. Both
    raise `Unavailable` when there is none.
    """

    uid: str
    catalogue: Catalogue
    library: Library
    objects: ObjectStore
    uploads: UploadSlots
    inspect_audio: AudioInspector
    policy: Policy
    take: Callable[[int], None]
    sink: Callable[[int], contextlib.AbstractContextManager[Sink]]

    def lines(
        self,
        archive: Archive,
        start: int,
        read_item: Callable[[bytes], ArchivedItem],
        is_time_up: Callable[[], bool],
    ) -> Imported:
        """Bring in one line after another: to the end, until the time is up or the answer full.

        Raises:
            InvalidRequest: when the archive's lines cannot be read; nothing was saved then.
            NotFound, Unavailable: the archive cannot be reached, or there is no room.
        """
        lines = archive.survey()
        self.take(lines.count * _VOICE_BYTES + _line_room(lines.longest))
        with ArchiveFiles(archive, self.sink) as files:
            run = _Run(self, files, _voices_before(archive, start, read_item))
            outcomes = list[Outcome]()
            for number, line in archive.lines(start):
                error = run.line(line, read_item, outcomes)
                if isinstance(error, _PASSING):
                    return Imported(outcomes, number, error)
                is_full = len(outcomes) == MAX_RESULTS
                if number + 1 < lines.count and (is_full or is_time_up()):
                    return Imported(outcomes, next_start=number + 1)
        return Imported(outcomes)


def _line_room(size_bytes: int) -> int:
    return _LINE_TIMES * size_bytes + min(_NAMES_TIMES * size_bytes, _NAMES_BYTES)


def _voices_before(
    archive: Archive, start: int, read_item: Callable[[bytes], ArchivedItem]
) -> dict[str, VoiceDigests]:
    """Return the voices of the lines before `start`, which an earlier request has dealt with."""
    voices = {}
    for number, line in archive.lines() if start else ():
        if number >= start:
            break
        if _VOICE.search(line):
            with contextlib.suppress(VoxshelfError):
                item = read_item(line)
                if isinstance(item, ArchivedVoice):
                    voices[item.item_id] = item.digests
    return voices


@dataclass(frozen=True, slots=True)
class _Run:
    """One request's way through an archive.

    `voices` are those whose line has come. Whether each is in the library, its files tell: what an
    earlier request made of it needs no remembering.
    """

    into: ImportInto
    files: ArchiveFiles
    voices: dict[str, VoiceDigests]

    def line(
        self,
        line: bytes,
        read_item: Callable[[bytes], ArchivedItem],
        outcomes: list[Outcome],
    ) -> VoxshelfError | None:
        """Bring in the item of a line, add what became of it, and return why it failed."""
        item = None
        try:
            item = read_item(line)
            if isinstance(item, ArchivedVoice):
                self.voices[item.item_id] = item.digests
                outcomes.append(self._voice(item))
            else:
                outcomes.append(self._speech(item))
        except VoxshelfError as error:
            outcomes.append(Outcome.failed(item, error))
            # Its frames hold the line, and what was made of it.
            return error.with_traceback(None)
        return None

    def _voice(self, item: ArchivedVoice) -> Outcome:
        into = self.into
        with contextlib.suppress(NotFound):
            voice = into.catalogue.voice(into.uid, item.item_id)
            if digests_of(voice) == item.digests:
                return Outcome.of(item, voice.voice_id, is_new=False)
        command = item.command()
        with contextlib.suppress(NotFound):
            return _there(into.catalogue.voice_named(into.uid, command.name), item)
        contents = self.files.of(item)
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
                library=into.library,
                objects=into.objects,
                uploads=into.uploads,
                inspect_audio=into.inspect_audio,
                policy=into.policy,
            )
        except VoiceExists as error:
            return _there(error.voice, item)
        return Outcome.of(item, saved.voice.voice_id, is_new=not saved.replayed, ends=saved.ends)

    def _speech(self, item: ArchivedSpeech) -> Outcome:
        into, audio = self.into, item.files["audio"]
        # Where another generation has the id, this one gets one that follows from its content,
        # by which it is found the next time.
        ids = item.item_id, f"{item.item_id[:_ID_CHARACTERS]}-{audio.sha256[:16]}"
        for known in ids:
            if self._has_speech(known, audio.sha256):
                return Outcome.of(item, known, is_new=False)
        command = replace(item.command(), voice_id=self._speaker(item.spoken_by))
        content = self.files.of(item)["audio"]
        for wanted in (*ids, None):
            assert command.origin is not None
            origin = replace(command.origin, generation_id=wanted)
            with contextlib.suppress(IdTaken):
                saved = save_speech(
                    replace(command, audio=content, origin=origin),
                    library=into.library,
                    objects=into.objects,
                    uploads=into.uploads,
                    inspect_audio=into.inspect_audio,
                    policy=into.policy,
                )
                saved_as = saved.generation.generation_id
                return Outcome.of(item, saved_as, is_new=not saved.replayed)
        raise AssertionError  # without an id of its own none can be taken

    def _speaker(self, spoken_by: SpokenBy) -> str:
        """Return the id that the voice of a generation has here.

        Raises:
            NotFound: when it is not here, or was refused; another one of its id or name is not
                taken for it.
        """
        into, digests = self.into, self.voices.get(spoken_by.voice_id)
        places = (
            (into.catalogue.voice, spoken_by.voice_id),
            (into.catalogue.voice_named, spoken_by.name),
        )
        for find, known in places:
            with contextlib.suppress(NotFound):
                voice = find(into.uid, known)
                if spoken_by.is_this(voice) and digests in {None, digests_of(voice)}:
                    return voice.voice_id
        raise NotFound(
            "The voice of this speech is not in the library: import the voice first. One that was "
            "refused takes its speech with it."
        )

    def _has_speech(self, generation_id: str, sha256: str) -> bool:
        try:
            found: Generation = self.into.catalogue.generation(self.into.uid, generation_id)
        except NotFound:
            return False
        return found.audio.sha256 == sha256


def _there(voice: Voice, item: ArchivedVoice) -> Outcome:
    """Tell whether the voice that has the name already is the same one."""
    if digests_of(voice) == item.digests:
        return Outcome.of(item, voice.voice_id, is_new=False)
    return Outcome.failed(item, VoiceExists(voice))
