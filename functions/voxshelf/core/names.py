"""Ids and object names: how they are made, never how facts are read back from them.

The grammar is the contract's, section 5. Firestore holds the facts; a name only has to
be unique for its owner, stable, and readable for a person who looks into the bucket.
"""

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

SLUG_MAX_CHARACTERS = 64
VOICE_ID_PREFIX = "voice_"

# Firestore refuses ".", ".." and "__x__" as ids and 1,500 bytes as a length. An id is also
# one path segment of a URL and part of an object name, so it starts with a letter or digit
# and holds nothing that any of the three reads as syntax.
_MAX_ID_CHARACTERS = 128
# They choose how the character before them is drawn, and are no part of a word.
VARIATION_SELECTORS = frozenset(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))


def slug(name: str) -> str:
    """Return the readable part of an object name for any text: never empty, 1 to 64 characters.

    NFKC, lower case, letters, their marks and digits of any script, every other run one
    underscore. Without marks names of many scripts would be one: the vowels of Devanagari are
    marks. Applying it to its own result changes nothing. A name without a letter or digit (an
    emoji, say) gets the head of its SHA-256, so that two such names stay apart.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).lower()).lower()
    joined = "_".join(_words(folded))[:SLUG_MAX_CHARACTERS].rstrip("_")
    return joined or hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _words(text: str) -> list[str]:
    """Return the runs of letters and digits, with the marks that belong to them."""
    kept: list[str] = []
    for character in text:
        in_word = bool(kept) and kept[-1] != " "
        is_part = character.isalnum() or (in_word and _is_mark(character))
        kept.append(character if is_part else " ")
    return "".join(kept).split()


def _is_mark(character: str) -> bool:
    is_mark = unicodedata.category(character) in ("Mn", "Mc")
    return is_mark and character not in VARIATION_SELECTORS


def voice_id_for(name: str) -> str:
    """Return the id that a voice of this name gets when the client names none."""
    return VOICE_ID_PREFIX + slug(name)


def kept_output_path(uid: str, output_sha256: str) -> str:
    """Return where the output of a job lies that could not be saved.

    Among the uploads, which are removed within a day, but a level below those that a client can
    write (storage.rules).
    """
    return f"uploads/{uid}/jobs/{output_sha256}.json"


def is_valid_id(candidate: str) -> bool:
    """Tell whether a client's id can name a document, a URL segment and part of an object."""
    return (
        1 <= len(candidate) <= _MAX_ID_CHARACTERS
        and candidate[0].isalnum()
        and all(one.isalnum() or one in "_.-" or _is_mark(one) for one in candidate)
        and unicodedata.is_normalized("NFC", candidate)
        and len(candidate.encode()) <= 512
    )


def is_valid_uid(candidate: str) -> bool:
    """Tell whether a uid can be one part of the paths of documents and objects.

    Firebase's own uids can, up to 128 characters. One that a custom token chose may hold a slash,
    and would then lead into another user's folder; or be a name that Firestore keeps for itself; or
    hold what the name of an object must not.
    """
    return (
        1 <= len(candidate) <= _MAX_ID_CHARACTERS
        and "/" not in candidate
        and candidate not in {".", ".."}
        and not (candidate.startswith("__") and candidate.endswith("__"))
        and not any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") for one in candidate)
    )


def generation_id_of_job(voice_id: str, runpod_job_id: str) -> str:
    """Return the id of the generation that a job on RunPod becomes, whoever saves it."""
    digest = hashlib.sha256(runpod_job_id.encode()).hexdigest()[:16]
    return f"TTS_{_voice_part(voice_id)}_{digest}"


def _voice_part(voice_id: str) -> str:
    return f"voice_{slug(voice_id.removeprefix(VOICE_ID_PREFIX))}"


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment that no other save of the same user has: a second, and a count within it."""

    second: datetime
    sequence: int = 1

    @classmethod
    def after(cls, last: "Stamp | None", now: datetime) -> "Stamp":
        """Return the stamp of a save at `now`, later than `last` whatever the clock says.

        A clock that lags behind the last save must not hand out a used name again, so
        time never runs backwards here: the count goes on instead.
        """
        second = now.astimezone(UTC).replace(microsecond=0)
        if last is None or second > last.second:
            return cls(second)
        return cls(last.second, last.sequence + 1)

    def __str__(self) -> str:
        """Return `YYYYMMDD_HHMMSS`, with `_2`, `_3`, ... on the later ones of a second."""
        text = self.second.strftime("%Y%m%d_%H%M%S")
        return text if self.sequence == 1 else f"{text}_{self.sequence}"


@dataclass(frozen=True, slots=True)
class ObjectNames:
    """The object names of one save of one user."""

    uid: str
    voice_id: str
    stamp: Stamp

    @property
    def _voice(self) -> str:
        return _voice_part(self.voice_id)

    def sample(self, extension: str) -> str:
        """Return the path of the voice's sample audio."""
        return f"voice_samples/{self.uid}/{self._voice}_sample_{self.stamp}.{extension}"

    def consent(self, extension: str) -> str:
        """Return the path of the recording in which the person agrees."""
        return f"voice_samples/{self.uid}/{self._voice}_consent_{self.stamp}.{extension}"

    def profile(self, *, first_version: bool) -> str:
        """Return the path of the voice's profile.

        Only the first version of a voice whose id follows from its slug owns the plain
        name. A later version lies beside it, so that no reader sees half of each, and an
        id of the client's own may share its slug with another voice.
        """
        plain = first_version and self.voice_id == self._voice
        suffix = "" if plain else f"_{self.stamp}"
        return f"voice_profiles/{self.uid}/{self._voice}{suffix}.npy"

    @property
    def generation_id(self) -> str:
        """Return the id of a generation, which is also the stem of its audio's name."""
        return f"TTS_{self._voice}_{self.stamp}"

    def generation(self, extension: str) -> str:
        """Return the path of a generation's audio."""
        return f"tts_generations/{self.uid}/{self.generation_id}.{extension}"
