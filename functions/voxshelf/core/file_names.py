"""Names under which files are kept by whoever downloads them: a person recognises them.

They are for people alone; objects have other names, and nothing is read back from these.
"""

import re
import unicodedata
from typing import Literal
from urllib.parse import quote

from voxshelf.core.items import Generation, Voice

# File systems take 255 bytes. Browsers add to a name that is taken, and people put it into paths.
MAX_NAME_BYTES = 150
_MAX_VOICE_BYTES = 60
_MAX_WORDS_CHARACTERS = 40
# What separates folders, or is refused in names on Windows, or means something in a header.
_RESERVED = re.compile(r'[/\\:*?"<>|;%]+')
# Devices of Windows, whatever stands behind the dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)\s*(\..*)?", re.IGNORECASE)
# Zero width joiners: parts of words in some scripts, and of emoji.
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
# What may stand as it is in an extended parameter (RFC 8187, section 3.2.1).
_ATTRIBUTE_CHARACTERS = "!#$&+-.^_`|~"


def sample_name(voice: Voice) -> str:
    """Return the name of a voice's sample."""
    return _name(voice.name, f" sample.{voice.sample.format}")


def consent_name(voice: Voice, extension: str) -> str:
    """Return the name of the recording in which the person behind a voice agrees."""
    return _name(voice.name, f" consent.{extension}")


def profile_name(voice: Voice) -> str:
    """Return the name of a voice's profile."""
    return _name(voice.name, ".npy")


def speech_name(generation: Generation) -> str:
    """Return the name of a generation: its voice, its first words and its time."""
    voice = _cut(_clean(generation.voice_name), _MAX_VOICE_BYTES)
    words = _first_words(generation.text or "")
    stem = f"{voice} - {words}" if voice and words else voice or words
    return _name(stem, f" {generation.timestamp}.{generation.audio.format}")


def disposition(kind: Literal["inline", "attachment"], name: str) -> str:
    """Return a `Content-Disposition` for any name, in ASCII (RFC 6266, appendix D).

    `filename` is for those who do not know `filename*` (RFC 8187), which others prefer.
    """
    safe = _name(name, "")
    extended = quote(safe, safe=_ATTRIBUTE_CHARACTERS)
    return f"{kind}; filename=\"{_ascii(safe)}\"; filename*=UTF-8''{extended}"


def _name(stem: str, tail: str) -> str:
    """Return a file's name of a text and an end that stays whole."""
    end = _clean(tail, strip=" ")
    room = MAX_NAME_BYTES - len(end.encode()) - 2
    name = f"{_cut(_clean(stem), room)}{' ' if tail.startswith(' ') else ''}{end}".strip()
    if name.startswith("."):
        name = f"voxshelf{name}"
    return f"_{name}" if _DEVICE.fullmatch(name) else name or "voxshelf"


def _clean(text: str, strip: str = " .") -> str:
    """Return a text without what no name may hold: controls, marks of direction, halves."""
    shown = "".join(map(_shown, unicodedata.normalize("NFC", text)))
    return " ".join(_RESERVED.sub("-", shown).split()).strip(strip)


def _shown(character: str) -> str:
    if character.isspace():
        return " "
    # Controls, formatting, surrogates, private use and what is nothing yet.
    is_other = unicodedata.category(character)[0] == "C"
    return "" if is_other and character not in _JOINERS else character


def _first_words(text: str) -> str:
    words = _clean(text[: 10 * _MAX_WORDS_CHARACTERS])
    if len(words) <= _MAX_WORDS_CHARACTERS:
        return words
    cut = words[: _MAX_WORDS_CHARACTERS + 1]
    # Some scripts have no spaces: then the last word is cut.
    return cut.rsplit(" ", 1)[0] if " " in cut else cut[:-1]


def _cut(text: str, max_bytes: int) -> str:
    """Return the beginning of a text, without a letter that has lost its marks."""
    kept = text.encode()[:max_bytes].decode(errors="ignore")
    while kept and len(kept) < len(text) and _continues(text[len(kept)]):
        kept = kept[:-1]
    return kept.strip(" .")


def _continues(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" or character in _JOINERS


def _ascii(name: str) -> str:
    """Return the nearest name in ASCII; one `_` for each run of other characters."""
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKD", name)
        if not unicodedata.combining(character)
    )
    return _RESERVED.sub("_", re.sub(r"[^\x20-\x7e]+", "_", plain))
