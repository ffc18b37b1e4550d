"""The items of an archive, as its lines describe them, and what became of each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from voxshelf.core.archive import ArchivedFile
from voxshelf.core.errors import VoiceExists, VoxshelfError
from voxshelf.core.items import Voice
from voxshelf.use_cases.save_speech import SaveSpeech
from voxshelf.use_cases.voice_draft import SaveVoice

Status = Literal["imported", "already_there", "failed"]

# What a save advises is not open to an import.
_VOICE_EXISTS = "A voice of this id, with other files, is in the library. It stays as it is."
_ENDS_DELETED = "A deleted voice had this id. It cannot be restored any more."
_MAX_MESSAGE_CHARACTERS = 300

# The SHA-256 of a voice's sample, and that of its profile where it has one.
VoiceDigests = tuple[str, str | None]


def digests_of(voice: Voice) -> VoiceDigests:
    """Return what tells a voice of the library from others."""
    return voice.sample.sha256, voice.profile.sha256 if voice.profile else None


@dataclass(frozen=True, slots=True)
class ArchivedVoice:
    """A voice in an archive; `command` reads its metadata, and leaves its files to be filled in."""

    item_id: str
    files: dict[str, ArchivedFile]
    command: Callable[[], SaveVoice]

    @property
    def digests(self) -> VoiceDigests:
        """Return what tells it from other voices."""
        profile = self.files.get("profile")
        return self.files["sample"].sha256, profile.sha256 if profile else None


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
    """What became of one line of an archive: nothing that the line was made to is kept.

    `kind` and `item_id` are None where the line could not be read; `saved_as` is the id in this
    library; `code` and `message` tell why it failed. A message alone tells what else it did.
    """

    status: Status
    kind: Literal["voice", "generation"] | None = None
    item_id: str | None = None
    saved_as: str | None = None
    code: str | None = None
    message: str | None = None

    @classmethod
    def of(
        cls, item: ArchivedItem, saved_as: str, *, is_new: bool, ends: bool = False
    ) -> "Outcome":
        """Return that of an item that is in the library now, or was before.

        `ends` tells that a deleted one lay in its place.
        """
        status: Status = "imported" if is_new else "already_there"
        message = _ENDS_DELETED if ends else None
        return cls(status, _kind(item), item.item_id, saved_as, message=message)

    @classmethod
    def failed(cls, item: ArchivedItem | None, error: VoxshelfError) -> "Outcome":
        """Return that of a line that cannot be read, or of an item that was refused."""
        message = _VOICE_EXISTS if isinstance(error, VoiceExists) else error.message
        kind, item_id = (None, None) if item is None else (_kind(item), item.item_id)
        short = message[:_MAX_MESSAGE_CHARACTERS]
        return cls("failed", kind, item_id, code=error.code, message=short)


def _kind(item: ArchivedItem) -> Literal["voice", "generation"]:
    return "voice" if isinstance(item, ArchivedVoice) else "generation"


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of some lines of an archive; `next_start` is where to go on, None at the end.

    `stopped_by` is what passes, and ended it before: that line is the one to go on with.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    next_start: int | None = None
    stopped_by: VoxshelfError | None = None

    @property
    def is_clean(self) -> bool:
        """Tell whether everything that it is done with is in the library."""
        done = self.outcomes[:-1] if self.stopped_by else self.outcomes
        return all(outcome.status != "failed" for outcome in done)
